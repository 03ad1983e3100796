"""A log-in to XNAT, and calls with it.

Protocol: https://wiki.xnat.org/xnat-api/user-session-management-api,
https://wiki.xnat.org/display/XKB/Session+management+in+XNAT+scripts, and NrgXnat/xnat,
web/.../security/XnatBasicAuthenticationFilter.java. What of it is relied on stands in docs/xnat.md.
"""

from __future__ import annotations

import re
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Self

from clients import xnat_answers as meaning
from clients.connection import REDIRECTS, Deadline
from clients.errors import ClientError, NotReady, Rejected, Unreachable
from clients.transport import Answer, Transport
from clients.xnat_redirects import leads_to_login, require_no_redirect

_RENEWALS = 10  # one after the other, of sessions that did not last: as for a restart of each node
_LASTING = 60.0  # seconds after which a session that is lost has lasted: XNAT's shortest timeout is a minute


class XnatSession:
    """A session in one XNAT; a context manager, which logs in and out. For several threads at once: each call has a
    connection of its own, and all have the one session.

    XNAT counts sessions and failed log-ins: so there is one log-in, whose cookie all calls carry, and one that was
    refused is the last, as is one with an odd answer: that may be a log-in page before XNAT, which counts too. An XNAT
    that does not answer, or cannot serve yet, is asked again by the next call. The cookie is sent
    by hand, as XNAT marks it `Secure` where its own URL is https, and a cookie jar would then hold it back from a plain
    connection behind the TLS front. With it go the others that came with the log-in: by one of them a balancer finds
    the node that has the session.

    Args:
        url: with the context path, if there is one.
        username: may be `provider/user`.
        timeout: seconds for one call.
    """

    def __init__(
        self, url: str, username: str, password: str, *, ca_file: str | None = None, timeout: float = 60.0
    ) -> None:
        basic = b64encode(f"{username}:{password}".encode()).decode()
        self.username = username
        self._login_header = {"Authorization": f"Basic {basic}"}
        self._cookie: dict[str, str] = {}
        self._login_lock = threading.Lock()
        self._log_ins, self._since = 0, 0.0  # since a session lasted; and when this one began
        self._login_failure: ClientError | None = None
        self._timeout = timeout
        self._transport = Transport(url, ca_file=ca_file, read_timeout=timeout, secrets=(password, basic))
        self.url = self._transport.base_url

    def __enter__(self) -> Self:
        try:
            self._log_in(instead_of={})
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
            raise meaning.not_up(error) from None

    def call(
        self,
        method: str,
        *parts: str,
        expect: Collection[int] = (200,),
        query: dict[str, str | int] | None = None,
        body: str | None = None,
        accept: str = "application/json",
    ) -> Answer:
        """One call with the session; one that ended meanwhile, after 15 idle minutes by default or by an
        administrator, is renewed once."""
        limit = Deadline(self._timeout)

        def once(cookie: dict[str, str]) -> Answer:
            return self._transport.call(
                method,
                *parts,
                deadline=limit.left,
                expect=(*expect, *REDIRECTS, 401),
                query=query,
                headers={**cookie, "Accept": accept},
                body=(lambda _limit: (body, "application/json")) if body is not None else None,
            )

        cookie = self._cookie
        answer = once(cookie)
        if self._has_ended(answer, cookie, limit):
            self._log_in(instead_of=cookie)
            answer = once(self._cookie)
        if answer.status == 401:
            raise meaning.session_refused(answer, self.username)
        require_no_redirect(answer, self.username, self.url)
        return answer

    def _has_ended(self, answer: Answer, cookie: dict[str, str], limit: Deadline) -> bool:
        """Whether an answer shows that the session is gone: by 401; by a redirect to the log-in page, if an
        administrator has ended it; or by 403, if XNAT takes everybody without a session for its user `guest`."""
        if answer.status != 403:
            return answer.status == 401 or leads_to_login(answer)
        try:
            who = self._transport.call("GET", "data", "auth", deadline=limit.left, headers=cookie)
        except ClientError:
            return False  # then the 403 is reported
        return "User 'guest' is logged in" in who.text

    def _log_in(self, instead_of: dict[str, str]) -> None:
        """A new session, unless another thread has had one since this one's was lost."""
        with self._login_lock:
            if self._login_failure is not None:
                raise self._login_failure
            if self._cookie != instead_of:
                return
            if time.monotonic() - self._since >= _LASTING:
                self._log_ins = 0
            if self._log_ins > _RENEWALS:
                raise meaning.sessions_do_not_last(self.username, self._log_ins)
            try:
                self._log_in_once()
            except (Unreachable, NotReady):
                raise  # of the moment
            except ClientError as error:
                self._login_failure = error
                raise
            self._log_ins, self._since = self._log_ins + 1, time.monotonic()

    def _log_in_once(self) -> None:
        answer = self._transport.call(
            "POST",
            "data",
            "JSESSION",
            deadline=self._timeout,
            expect=(200, *REDIRECTS, 401, 403),
            headers=self._login_header,
        )
        if answer.status in (401, 403):
            raise meaning.login_refused(answer, self.username, self.url)
        require_no_redirect(answer, self.username, self.url)
        session = answer.text.strip()
        if not re.fullmatch(r"[\w.-]+", session):
            raise meaning.no_session_id(answer)
        self._transport.secrets += (session,)
        cookies = {**answer.cookies, "JSESSIONID": session}
        cookies.pop("SESSION_EXPIRATION_TIME", None)  # for XNAT's own pages
        self._cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
