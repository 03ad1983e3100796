"""XNAT, and its OHIF viewer plugin's lists of AIAA servers.

Protocol: https://wiki.xnat.org/xnat-api, https://wiki.xnat.org/xnat-ohif-viewer/xnat-ohif-plugin-api, and the sources
of both (NrgXnat/xnat; the plugin's OhifAiaaApi.java). What of it is relied on stands in docs/xnat.md.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Collection, Sequence
from types import TracebackType
from typing import Any, Self

from clients.errors import Broken, ClientError, LoginRefused, NotReady, Refused, Rejected
from clients.transport import REDIRECTS, Answer, Deadline, Transport

_PLUGIN_MISSING = (
    "XNAT has no OHIF viewer plugin (3.0 or newer), or has not finished starting: install it, restart XNAT, try again"
)


class XnatClient:
    """A logged-in client for one XNAT; a context manager, which logs in and out. Not for several threads at once.

    XNAT counts sessions and failed log-ins: so there is one log-in, whose cookie all calls carry, and a refused one is
    not tried again. The cookie is sent by hand, as XNAT marks it `Secure` where its own URL is https, and a cookie jar
    would then hold it back from a plain connection behind the TLS front.

    Args:
        url: with the context path, if there is one.
        username: may be `provider/user`.
        timeout: seconds for one call.
    """

    def __init__(
        self, url: str, username: str, password: str, *, ca_file: str | None = None, timeout: float = 60.0
    ) -> None:
        basic = b64encode(f"{username}:{password}".encode()).decode()
        self._username = username
        self._login_header = {"Authorization": f"Basic {basic}"}
        self._cookie: dict[str, str] = {}
        self._timeout = timeout
        self._transport = Transport(url, ca_file=ca_file, read_timeout=timeout, secrets=(password, basic))
        self._url = self._transport.base_url

    def __enter__(self) -> Self:
        try:
            self._log_in()
        except BaseException:
            self._transport.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Log out; a session that cannot be ended ends by itself after XNAT's session timeout."""
        try:
            if self._cookie:
                self._transport.call(
                    "DELETE", "data", "JSESSION", deadline=5, expect=range(200, 600), repeat=False, headers=self._cookie
                )
        except ClientError:
            pass  # nothing is lost: see above
        finally:
            self._cookie = {}
            self._transport.close()

    def wait_until_up(self, deadline: float, on_wait: Callable[[str], None]) -> None:
        """Wait until XNAT itself answers; what it answers is judged by the next call.

        Args:
            deadline: seconds.
            on_wait: is told now and then what is waited for.

        Raises:
            Unreachable, NotReady, Rejected: the last reason why it did not.
        """
        try:
            self._transport.wait(deadline, on_wait, "xapi", "siteConfig", "buildInfo")
        except Rejected as error:
            raise Rejected(f"{error}: is this XNAT's address, with its context path if it has one?") from None

    def server_list(self, scope: str) -> tuple[str, ...] | None:
        """The list of AIAA servers of `site` or `projects/<ID>`; None if there is none, or an empty one.

        Raises:
            Rejected: the plugin is missing. Refused: no such project, or no right to see it. Broken: no list is there.
        """
        answer = self._call("GET", *_list_path(scope), expect=(200, 403, 404, 422, 500))
        if answer.status == 404:
            # "None" is a 404 with a JSON array of one sentence; without the array, the route itself is missing.
            if isinstance(_json_or_none(answer), list):
                return None
            no_project = "" if scope == "site" else "there is no such project, or "
            raise Rejected(f"{answer.tried}: answered 404: {no_project}{_PLUGIN_MISSING}")
        if answer.status in (403, 422):
            raise Refused(
                f"{answer.tried}: answered {answer.status}: there is no such project, or {self._username} may not see "
                "it (a site administrator sees all projects only as a member of ALL_DATA_ADMIN)"
            )
        if answer.status == 500:
            raise Broken(
                f"{answer.tried}: answered 500: what is stored there is no list of servers (a project owner can write "
                f"anything through {self._url}/data/{_config_path(scope)}); a new PUT of the list replaces it"
            )
        document = answer.json()
        if not isinstance(document, list) or not all(isinstance(url, str) for url in document):
            raise answer.instead_of("a list of addresses")
        return tuple(document) or None

    def put_server_list(self, scope: str, urls: Sequence[str]) -> None:
        """Replace the list, and read it back. An empty one is how XNAT says "none": there is no DELETE.

        Raises:
            Rejected: an address that XNAT does not take. Broken: another list than the one that was written came back.
        """
        answer = self._call("PUT", *_list_path(scope), body=json.dumps(list(urls)))
        back = self.server_list(scope) or ()
        if back != tuple(urls):
            raise Broken(f"{answer.tried}: wrote {list(urls)}, read back {list(back)}: did somebody else write too?")

    def roles(self, username: str) -> list[str]:
        return self._texts("xapi", "users", username, "roles")

    def groups(self, username: str) -> list[str]:
        return self._texts("xapi", "users", username, "groups")

    def find_project(self, name: str) -> str | None:
        """The ID of the project that has this ID or alias; None if there is none that the account may see."""
        answer = self._call("GET", "data", "projects", name, expect=(200, 403, 404), query={"format": "json"})
        if answer.status != 200:
            return None
        try:
            return str(answer.json()["items"][0]["data_fields"]["ID"])
        except (KeyError, IndexError, TypeError):
            raise answer.instead_of("a project") from None

    def build_info(self) -> dict[str, Any]:
        """XNAT's version and build."""
        document = self._call("GET", "xapi", "siteConfig", "buildInfo").json()
        return document if isinstance(document, dict) else {}

    def _texts(self, *parts: str) -> list[str]:
        answer = self._call("GET", *parts)
        document = answer.json()
        if not isinstance(document, list):
            raise answer.instead_of("a list")
        return [str(item) for item in document]

    def _log_in(self) -> None:
        answer = self._transport.call(
            "POST",
            "data",
            "JSESSION",
            deadline=self._timeout,
            expect=(200, *REDIRECTS, 401, 403),
            headers=self._login_header,
        )
        if answer.status in (401, 403):
            raise LoginRefused(
                f"XNAT {self._url} refused the log-in of {self._username} ({answer.status}): wrong password, a locked "
                "account, or too many open sessions. It was tried once and is not tried again in this run, as XNAT "
                "locks accounts; mend xnat.username or the password"
            )
        _require_no_redirect(answer, self._username)
        session = answer.text.strip()
        if not re.fullmatch(r"[\w.-]+", session):
            raise answer.instead_of("a session id (is this XNAT's address?)")
        self._transport.secrets += (session,)
        self._cookie = {"Cookie": f"JSESSIONID={session}"}

    def _call(
        self,
        method: str,
        *parts: str,
        expect: Collection[int] = (200,),
        query: dict[str, str | int] | None = None,
        body: str | None = None,
    ) -> Answer:
        """One call with the session; one that expired meanwhile (after 15 idle minutes by default) is renewed once."""
        limit = Deadline(self._timeout)

        def once() -> Answer:
            return self._transport.call(
                method,
                *parts,
                deadline=limit.left,
                expect=(*expect, *REDIRECTS, 401),
                query=query,
                headers={**self._cookie, "Accept": "application/json"},
                body=(lambda _limit: (body, "application/json")) if body is not None else None,
            )

        answer = once()
        if answer.status == 401:
            self._log_in()
            answer = once()
        if answer.status == 401:
            raise Refused(f"{answer.tried}: answered 401 although the log-in of {self._username} was just accepted")
        _require_no_redirect(answer, self._username)
        return answer


def _list_path(scope: str) -> list[str]:
    return ["xapi", "ohifaiaa", *([] if scope == "site" else scope.split("/")), "servers"]


def _config_path(scope: str) -> str:
    return "config/ohif-aiaa/site-json" if scope == "site" else f"{scope}/config/ohif-aiaa/project-json"


def _json_or_none(answer: Answer) -> Any:
    try:
        return answer.json()
    except Broken:
        return None


def _require_no_redirect(answer: Answer, username: str) -> None:
    """XNAT redirects where it wants a person: each target has a meaning."""
    if answer.status not in REDIRECTS:
        return
    target = answer.location
    if "/setup" in target or "Unconfigured" in target:
        raise NotReady(f"{answer.tried}: XNAT is not initialised: finish its set-up page in a browser, try again")
    if "Login" in target:
        raise Refused(f"{answer.tried}: XNAT asks for a log-in: is a proxy dropping the session cookie?")
    if "password" in target.lower():
        raise Refused(
            f"{answer.tried}: the password of {username} has expired: set a new one, and give the account the role "
            "non_expiring"
        )
    raise Rejected(f"{answer.tried}: redirects to {target}: set xnat.url to the address it redirects to")
