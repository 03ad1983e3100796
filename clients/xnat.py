"""XNAT, and its OHIF viewer plugin's lists of AIAA servers.

Protocol: https://wiki.xnat.org/xnat-api, https://wiki.xnat.org/xnat-ohif-viewer/xnat-ohif-plugin-api, and the sources
of both (NrgXnat/xnat; the plugin's OhifAiaaApi.java). What of it is relied on stands in docs/xnat.md.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from clients import xnat_answers as meaning
from clients.errors import Broken, ClientError, Refused, Rejected, redacted, said
from clients.transport import Answer, wait_for
from clients.xnat_answers import NoPlugin, NoProject, UnreadableList
from clients.xnat_session import XnatSession

_EXCERPT = 80  # characters of what stands in place of a list


class XnatClient(XnatSession):
    """A logged-in client for one XNAT."""

    def wait_for_lists(self, deadline: float, on_wait: Callable[[str], None]) -> None:
        """Wait until the viewer plugin's routes are there: they come last when XNAT starts.

        Args:
            deadline: seconds.
            on_wait: is told now and then what is waited for.

        Raises:
            ClientError: the plugin is missing or too old, or the last reason why its routes do not answer.
        """

        def look(_left: float) -> Rejected | Broken | None:
            try:
                self._require_lists()
            except (Rejected, Broken) as error:
                return error  # no time will mend it
            return None

        if failure := wait_for(look, deadline, on_wait):
            raise failure

    def wait_for_viewer_plugin(self, deadline: float, on_wait: Callable[[str], None]) -> str | None:
        """The same just after a start, when XNAT may answer anything before it is ready; gives the plugin's version.

        Raises:
            NoPlugin, Refused: at once. ClientError: the last reason, at the deadline.
        """

        def look(_left: float) -> str | NoPlugin | None:
            try:
                self._require_lists()
            except NoPlugin as error:
                return error  # XNAT makes its list of plugins once, at its start: what is not on it does not come later
            return self.viewer_plugin_version()

        found = wait_for(look, deadline, on_wait)
        if isinstance(found, NoPlugin):
            raise found
        return found

    def viewer_plugin_version(self) -> str | None:
        """As the plugin's own annotation has it, once XNAT has loaded it; None if it has not."""
        answer = self.call("GET", "xapi", "plugins", meaning.VIEWER_PLUGIN, expect=(200, 404))
        if answer.status == 404:
            return None
        document = answer.json()
        if not isinstance(document, dict):
            raise answer.instead_of("a plugin")
        return str(document.get("version"))

    def server_list(self, scope: str) -> tuple[str, ...] | None:
        """The list of AIAA servers of `site` or `projects/<ID>`; None if there is none, or an empty one.

        Raises:
            NoProject: XNAT says that there is no such project.
            UnreadableList: what is stored there is no list.
            Refused: the account may not see the project. Rejected, NotReady: the plugin is missing, or not there yet.
            Broken: no list was answered.
        """
        answer = self.call("GET", *meaning.list_path(scope), expect=(200, 403, 404, 422, 500))
        document: Any = _json_or_none(answer) if answer.status == 200 else None
        if _are_texts(document):
            return tuple(document) or None
        if _says_none(answer):
            return None
        if answer.status == 404 and (scope == "site" or not self._has_lists()):
            raise meaning.no_route(answer, self.plugins())
        if answer.status in (200, 500):
            raise self._unreadable(answer, scope)
        raise self._not_seen(answer, scope)

    def put_server_list(self, scope: str, urls: Sequence[str]) -> None:
        """Replace the list, and read it back. An empty one is how XNAT says "none": there is no DELETE.

        Raises:
            Rejected: an address that XNAT does not take. Broken: another list than the one that was written came back.
        """
        answer = self.call("PUT", *meaning.list_path(scope), body=json.dumps(list(urls)), expect=(200, 403, 404))
        if answer.status == 403:
            rights = [meaning.ADMINISTRATOR, *([] if scope == "site" else [meaning.ALL_DATA])]
            raise Refused(answer.answered, advice=meaning.granting(self.url, self.account(), rights))
        if answer.status == 404:
            raise meaning.no_route(answer, self.plugins())
        back = self.server_list(scope) or ()
        if back != tuple(urls):
            raise Broken(
                f"{answer.tried}: wrote {list(urls)}, read back {list(back)}",
                advice="somebody else writes this list at the same time: find out who, then run the command again",
            )

    def authorship(self, scope: str) -> str:
        """Who wrote last what stands in place of a list, and since when there has been one, in words for people; empty
        if XNAT does not tell. The plugin's own API does not say it, the configuration service's does."""
        row = self._stored(scope)
        if row is None:
            return ""
        return f"written by {row['user']}" + (f", first on {row['create_date'][:19]}" if row["create_date"] else "")

    def account(self) -> str:
        """The name of the account that is logged in, which is another than the one that logs in for `provider/user`
        and for alias tokens."""
        answer = self.call("GET", "data", "auth", accept="*/*")
        found = re.search(r"User '(.+)' is logged in", answer.text)
        if not found:
            raise answer.instead_of("who is logged in")
        return found.group(1)

    def roles(self, account: str) -> list[str]:
        return self._texts("xapi", "users", account, "roles")

    def groups(self, account: str) -> list[str]:
        return self._texts("xapi", "users", account, "groups")

    def find_project(self, name: str) -> str | None:
        """The ID of the project that has this ID or alias; None if there is none that the account may see."""
        answer = self.call("GET", "data", "projects", name, expect=(200, 403, 404), query={"format": "json"})
        if answer.status != 200:
            return None
        try:
            return str(answer.json()["items"][0]["data_fields"]["ID"])
        except (KeyError, IndexError, TypeError):
            raise answer.instead_of("a project") from None

    def project_ids(self, *, readable: bool = False) -> set[str]:
        """The IDs of all projects; of those that it may see, for an account that is no site administrator.

        Args:
            readable: only those whose data the account may read.
        """
        override = {} if readable else {"allDataOverride": "true"}
        answer = self.call("GET", "data", "projects", query={"format": "json", **override})
        try:
            return {str(row["ID"]) for row in answer.json()["ResultSet"]["Result"]}
        except (KeyError, TypeError):
            raise answer.instead_of("a table of projects") from None

    def build_info(self) -> dict[str, Any]:
        """XNAT's version and build."""
        document = self.call("GET", "xapi", "siteConfig", "buildInfo").json()
        return document if isinstance(document, dict) else {}

    def _require_lists(self) -> None:
        with contextlib.suppress(UnreadableList):
            self.server_list("site")

    def _texts(self, *parts: str) -> list[str]:
        answer = self.call("GET", *parts)
        document = answer.json()
        if not isinstance(document, list):
            raise answer.instead_of("a list")
        return [str(item) for item in document]

    def _has_lists(self) -> bool:
        answer = self.call("GET", *meaning.list_path("site"), expect=range(200, 600))
        return answer.status != 404 or _says_none(answer)

    def plugins(self) -> dict[str, str] | None:
        """Versions of the plugins that XNAT has loaded, by id; None if it does not tell."""
        answer = self.call("GET", "xapi", "plugins", expect=range(200, 600))
        document = _json_or_none(answer)
        if answer.status != 200 or not isinstance(document, dict):
            return None
        return {
            name: str(plugin.get("version")) if isinstance(plugin, dict) else "?" for name, plugin in document.items()
        }

    def _not_seen(self, answer: Answer, scope: str) -> ClientError:
        """XNAT tells no difference between a project that is not there and one that is not to be seen."""
        if scope == "site":
            return Refused(f"{answer.tried}: answered {answer.status}")
        account, project = self.account(), scope.removeprefix("projects/")
        if meaning.ALL_DATA.removeprefix("groups/") not in self.groups(account):
            return meaning.may_not_read(account, [project], self.url)
        if project in self.project_ids():
            return Refused(f"{answer.tried}: answered {answer.status} although project {project} is there")
        return NoProject(f"there is no project {project}")

    def _unreadable(self, answer: Answer, scope: str) -> Broken:
        """A 500 may be any error of XNAT, and a 200 may come from a proxy in front of it; the stored text decides. A
        project's owners can write anything there, unchecked, through the configuration service's own API. The plugin
        answers the text `null` with 200 and an empty body, a list with `null` in it as it is, and the rest with 500."""
        row = self._stored(scope)
        words = said(answer.body, answer.secrets)[0]
        if row is None and words.startswith("Error creating JSON"):  # the plugin's, and for this alone
            return UnreadableList(f"what is stored there is not a list of servers: {words[:_EXCERPT]}")
        if row is None:
            return Broken(str(answer.instead_of("a list of addresses")))
        if _are_texts(_parsed(row["contents"])):
            return Broken(
                f"{answer.tried}: answered {answer.status} although a list is stored: {words or 'nothing'}",
                advice="see XNAT's log and the log of a proxy in front of it, then run the command again",
            )
        excerpt = " ".join(redacted(row["contents"], answer.secrets).split())
        return UnreadableList(f"what {row['user']} has written there is no list of servers: {excerpt[:_EXCERPT]}")

    def _stored(self, scope: str) -> dict[str, str] | None:
        """The row of XNAT's configuration service in which the plugin keeps a list; None if that tells none."""
        table = self.call("GET", *_config_path(scope), expect=range(200, 600), query={"format": "json"})
        try:
            row = _json_or_none(table)["ResultSet"]["Result"][-1]
            return {
                "contents": str(row["contents"]),
                "user": str(row["user"]),
                "create_date": str(row.get("create_date") or ""),
            }
        except (AttributeError, KeyError, IndexError, TypeError):
            return None


def _config_path(scope: str) -> list[str]:
    """Where the plugin keeps the list, in XNAT's configuration service."""
    of_site = scope == "site"
    return [
        "data",
        *([] if of_site else scope.split("/")),
        "config",
        "ohif-aiaa",
        f"{'site' if of_site else 'project'}-json",
    ]


def _says_none(answer: Answer) -> bool:
    """An absent list is a 404 with a JSON array of one sentence; without the array, the route itself is missing."""
    return answer.status == 404 and isinstance(_json_or_none(answer), list)


def _json_or_none(answer: Answer) -> Any:
    try:
        return answer.json()
    except Broken:
        return None


def _parsed(stored: str) -> Any:
    """None also for a list that holds half of a surrogate pair, which XNAT can read and not write."""
    try:
        document = json.loads(stored)
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return document


def _are_texts(document: Any) -> bool:
    return isinstance(document, list) and all(isinstance(item, str) for item in document)
