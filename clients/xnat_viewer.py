"""The OHIF viewer plugin's metadata of imaging sessions: which have it, and the requests that build it.

Protocol: https://wiki.xnat.org/xnat-ohif-viewer/xnat-ohif-plugin-api and the plugin's OhifViewerApi.java. What of it is
relied on stands in docs/xnat.md, "Viewer metadata".
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import Literal

from clients import xnat_answers as meaning
from clients.build_target import ImageSession, Target
from clients.connection import REDIRECTS, Deadline
from clients.errors import Broken, ClientError, NotReady, Refused, Rejected, Unreachable, said
from clients.transport import Answer, Transport
from clients.xnat import XnatClient
from clients.xnat_answers import UnreadableList
from clients.xnat_redirects import require_no_redirect


class NoImagingSession(Rejected):
    """XNAT has no imaging session of this ID (any more): there is nothing to build."""


class MayNot(Refused):
    """XNAT does not let the account do it (403), with this session or project: others may be another matter."""


class NotSent(ClientError):
    """What went wrong before the request was sent: XNAT knows nothing of it."""


@dataclass(frozen=True)
class Sent:
    """How a request ended, as far as it is known.

    Attributes:
        fate: `built`: XNAT did what it was asked, which says nothing of single sessions in a larger one. `failed`: it
            tried, or looked, and said no. `locked`: it builds something else, and did nothing. `refused`: it, or
            something before it, did nothing. `unknown`: it may be at work.
        told: what was answered, or why there is no answer.
        error: for `refused`, what to show.
    """

    fate: Literal["built", "failed", "locked", "refused", "unknown"]
    told: str = ""
    error: ClientError | None = None


class ViewerClient(XnatClient):
    """A logged-in client for one XNAT."""

    def __init__(
        self, url: str, username: str, password: str, *, ca_file: str | None = None, timeout: float = 60.0
    ) -> None:
        super().__init__(url, username, password, ca_file=ca_file, timeout=timeout)
        self._ca_file = ca_file

    def image_sessions(self, project: str, subject: str | None = None) -> list[ImageSession]:
        """The imaging sessions of a project, those that are shared into it included, or of one of its subjects.

        Args:
            subject: accession ID.

        Raises:
            MayNot: the account may not read it, or it is not there.
        """
        inside = ("subjects", subject) if subject else ()
        columns = "ID,label,xsiType,date,insert_date,project"
        # The documentation says that lists may come in parts one day, unless one asks for all.
        query: dict[str, str | int] = {"format": "json", "columns": columns, "limit": "*"}
        path = ("data", "projects", project, *inside, "experiments")
        answer = self.call("GET", *path, query=query, expect=(200, 403, 404))
        if answer.status != 200:
            raise self._may_not(answer, "read")
        try:
            return [
                ImageSession(
                    project,
                    str(row["ID"]),
                    str(row["label"]),
                    str(row.get("date") or ""),
                    str(row.get("insert_date") or ""),
                )
                for row in answer.json()["ResultSet"]["Result"]
                if str(row["xsiType"]).endswith("SessionData")
            ]
        except (KeyError, TypeError, AttributeError):
            raise answer.instead_of("a table of experiments") from None

    def subjects(self, project: str) -> dict[str, str]:
        """Labels of a project's subjects by accession ID."""
        query: dict[str, str | int] = {"format": "json", "limit": "*"}
        answer = self.call("GET", "data", "projects", project, "subjects", query=query)
        try:
            return {str(row["ID"]): str(row["label"]) for row in answer.json()["ResultSet"]["Result"]}
        except (KeyError, TypeError):
            raise answer.instead_of("a table of subjects") from None

    def has_metadata(self, session: ImageSession) -> bool:
        """Whether there is metadata of the plugin's current format; not if the plugin fails at looking, as that is
        another that needs to be built.

        Raises:
            NoImagingSession: XNAT does not know it as one.
            MayNot: the account may not read it. Rejected, NotReady: the plugin is missing, or not there yet.
            Broken: something else than XNAT answered.
        """
        path = (*Target("session", session.project, session.id).path, "exists")
        answer = self.call("GET", *path, expect=(200, 403, 404, 422, 500))
        if answer.status == 500:
            if _is_plugins_word(answer):
                return False
            raise Broken(answer.answered)
        if answer.status == 403:
            raise self._may_not(answer, "read")
        if answer.status == 422:
            raise NoImagingSession(f"{answer.tried}: {said(answer.body, answer.secrets)[0]}")
        if not answer.body.strip():
            return answer.status == 200
        if answer.status == 404:
            raise self._not_there(answer, session)
        raise _other_page(answer)

    def _not_there(self, answer: Answer, session: ImageSession) -> ClientError:
        """For a 404 that says something: either the plugin's routes are missing, or the session is. XNAT tells so of
        one that it does not know, in its own words or, perhaps, on a page, which a proxy before it may send too."""
        with contextlib.suppress(UnreadableList):
            self.server_list("site")  # of the same plugin: raises if its routes are not there
        if _is_page(answer) and session.id in {each.id for each in self.image_sessions(session.project)}:
            return meaning.no_route(answer, self.plugins())
        return NoImagingSession(f"{answer.tried}: {said(answer.body, answer.secrets)[0]}")

    def ask(self, target: Target, timeout: float) -> Answer | ClientError:
        """Ask for it, once, and wait for the answer, which comes when all is done: `judge` tells what it means.

        Where the answer shows that the session had ended, nothing was done: with a new one it is asked for once more.

        On a connection of its own, so that it may be called in another thread, and no connection that has died
        meanwhile swallows the request.

        Args:
            timeout: seconds.
        """
        limit = Deadline(timeout)
        transport = Transport(self.url, ca_file=self._ca_file, read_timeout=timeout, secrets=self._transport.secrets)
        try:
            cookie = self._cookie
            answer = self._post(transport, target, cookie, limit)
            if self._has_ended(answer, cookie, limit):
                try:
                    self._log_in(instead_of=cookie)
                except ClientError as error:
                    return NotSent(str(error), advice=error.advice)
                transport.secrets = self._transport.secrets
                answer = self._post(transport, target, self._cookie, limit)
            return answer
        except ClientError as error:
            return error
        finally:
            transport.close()

    def _post(self, transport: Transport, target: Target, cookie: dict[str, str], limit: Deadline) -> Answer:
        return transport.call(
            "POST",
            *target.path,
            deadline=limit.left,
            expect=range(200, 600),
            repeat=False,
            headers={**cookie, "Accept": "application/json"},
        )

    def judge(self, answer: Answer | ClientError, target: Target) -> Sent:
        """What the answer, or its absence, tells of the request."""
        if isinstance(answer, ClientError):
            no_connection = isinstance(answer, Unreachable) and not answer.may_have_arrived
            return _refused(answer) if no_connection or isinstance(answer, NotSent) else Sent("unknown", str(answer))
        words = said(answer.body, answer.secrets)[0]
        told = f"XNAT answered {answer.status}" + (f": {words}" if words else "")
        if answer.status in (200, 201):
            return Sent("unknown", str(_other_page(answer))) if _is_page(answer) else Sent("built", told)
        if answer.status == 423:
            return Sent("locked", "somebody else has metadata built there")
        if answer.status in REDIRECTS:
            try:
                require_no_redirect(answer, self.username, self.url)
            except ClientError as error:
                return Sent("refused", str(error), error)
        if answer.status == 401:
            return _refused(meaning.session_refused(answer, self.username))
        if answer.status == 403:
            return _refused(self._may_not(answer, "edit" if target.level == "session" else "administer"))
        if answer.status == 404 and _is_page(answer):
            return _refused(NotReady(f"{answer.tried}: the viewer plugin's routes are not there"))
        if answer.status in (404, 422) or (answer.status in (500, 501) and _is_plugins_word(answer)):
            return Sent("failed", told)
        if 400 <= answer.status < 500 and answer.status not in (408, 499):
            return _refused(Rejected(f"{answer.tried}: {told}"))
        return Sent("unknown", told)  # a proxy's: who knows how far the request came

    def _may_not(self, answer: Answer, do: str) -> MayNot:
        account = self.account()
        rights = [meaning.ADMINISTRATOR] if do == "administer" else [meaning.ALL_DATA]
        return MayNot(
            f"account {account} may not {do} it, or it is not there ({answer.answered})",
            advice=meaning.granting(self.url, account, rights),
        )

    def require_administrator(self) -> None:
        """
        Raises:
            Refused: the account is none, and only those may build more than a session.
        """
        account = self.account()
        if meaning.ADMINISTRATOR.removeprefix("roles/") not in self.roles(account):
            raise Refused(
                f"account {account} is no site administrator, and XNAT builds more than one session for those only "
                "(with --missing-only it is asked for one session after the other)",
                advice=meaning.granting(self.url, account, [meaning.ADMINISTRATOR, meaning.ALL_DATA]),
            )


def _refused(error: ClientError) -> Sent:
    return Sent("refused", str(error), error)


def _is_page(answer: Answer) -> bool:
    return answer.body.lstrip().startswith(b"<")


def _is_plugins_word(answer: Answer) -> bool:
    """It has a form of its own for what failed, in which quotes are not escaped; anything else is somebody else's."""
    return re.match(rb'\s*\{\s*"ResponseMessage"\s*:', answer.body) is not None


def _other_page(answer: Answer) -> Broken:
    """For a status that means success, with a body that XNAT does not send."""
    return Broken(
        str(answer.instead_of("no body")),
        advice="something before XNAT answers, as a log-in page does: use XNAT's own address, past it",
    )
