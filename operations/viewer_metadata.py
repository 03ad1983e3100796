"""`bin/aiaa viewer-metadata`: have XNAT build what its viewer needs to know of imaging sessions.

After https://wiki.xnat.org/xnat-ohif-viewer/xnat-ohif-plugin-installation-and-administration, "Initialising the viewer
in a populated database"; docs/xnat.md has how XNAT answers, and why nothing is sent twice.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from clients.build_target import ImageSession, Target
from clients.errors import ClientError
from clients.xnat_viewer import NoImagingSession, ViewerClient
from operations.errors import CommandFailed, UsageError
from operations.metadata.console import ProgressDisplay
from operations.metadata.following import End, Follower, Pace
from operations.metadata.log_source import LogSource
from operations.metadata.notes import Noted, Notes
from operations.metadata.report import Report, Trouble
from operations.metadata.wanted import Asked, Wanted, find, has_metadata, named, without_metadata

_TRIES = 6  # a request that XNAT has no time for is another one in its log: not at each look
_ANYWAY = "A session without metadata is built when somebody opens it, too, with a short delay."


class ViewerMetadata:
    """One command.

    Args:
        asked: what is to be built.
        log: the plugin's log, if it can be seen.
        again: the options that named XNAT, to be repeated in what is told.
    """

    def __init__(
        self,
        client: ViewerClient,
        notes: Notes,
        asked: Asked,
        log: LogSource | None,
        pace: Pace,
        display: ProgressDisplay,
        again: str,
    ) -> None:
        self._client, self._notes, self._asked, self._pace, self._display = client, notes, asked, pace, display
        self._sees_log = log is not None
        self._command = " ".join(["bin/aiaa viewer-metadata", *filter(None, [again])])
        self._follower = Follower(client, notes, log, pace, display.tell, display.at)

    def run(self) -> Report:
        """
        Raises:
            ClientError: nothing was begun. UsageError, CommandFailed: see `operations.errors`.
        """
        wanted = find(self._client, self._asked, self._display.tell)
        self._require_no_larger(wanted.target)
        report = Report(self._client.url, str(wanted.target), self._asked.missing_only)
        noted = self._notes.find(wanted.target)
        is_open = noted is not None
        one_by_one = self._asked.missing_only and not is_open
        if not (one_by_one or is_open or wanted.target.level == "session"):
            self._client.require_administrator()
        self._display.tell(f"{wanted.target}: {len(wanted.sessions)} imaging sessions; looking which have none")
        missing = list(
            without_metadata(self._client, wanted.sessions, self._pace.patience, self._display.tell, self._display.at)
        )
        self._remove_seen(wanted, missing, noted)
        try:
            if one_by_one:
                self._one_by_one(report, missing)
            elif wanted.sessions:
                self._as_one(report, wanted, missing)
        except (ClientError, CommandFailed) as error:  # what was done before is to be told, too
            report.open.append(error.line if isinstance(error, ClientError) else str(error))
        if not report.well:
            report.told.append(_ANYWAY)
        return report

    def _require_no_larger(self, target: Target) -> None:
        """XNAT is to build one thing at a time, and may be at work on what was asked for before."""
        for noted in self._notes.all():
            if noted.target.level != "session" and noted.target != target:
                raise CommandFailed(
                    f"{noted}: no end was seen yet, and XNAT is to build one thing at a time: run the command for that "
                    f"to its end first, `{self._command} {named(noted.target)}`, or, if XNAT is not at work on it, add "
                    "--forget-request to it"
                )

    def _remove_seen(self, wanted: Wanted, missing: Sequence[ImageSession], picked_up: Noted | None) -> None:
        """The notes of sessions that had nothing and have it now: whoever built it, that was the end. Not that of the
        request that is picked up: without it, it would be sent again."""
        there = {session.id for session in wanted.sessions} - {session.id for session in missing}
        for noted in self._notes.all():
            if noted == picked_up:
                continue
            if noted.target.level == "session" and noted.target.id in there.intersection(noted.missing):
                self._notes.remove(noted.target)

    def _one_by_one(self, report: Report, missing: Sequence[ImageSession]) -> None:
        report.total = len(missing)
        if not missing:
            report.told.append("All have metadata already; --no-missing-only has it built anew")
        for number, session in enumerate(missing):
            self._display.at(number, len(missing))
            if not self._follower.left:
                report.open.append(f"{len(missing) - number} sessions were not begun: time is up; {self._run_again}")
                return
            try:
                # Somebody may have opened it meanwhile.
                there = number > 0 and has_metadata(self._client, session, self._pace.patience, self._display.tell)
            except NoImagingSession:
                there = True
            target = Target("session", session.project, session.id, session.label)
            if there and not self._notes.find(target):
                report.done += 1
                continue
            end = self._follower.run(target, [session], [] if there else [session])
            self._count_session(report, target, session, end)
            if number + 1 < len(missing):
                time.sleep(min(self._pace.pause, self._follower.left))

    def _count_session(self, report: Report, target: Target, session: ImageSession, end: End) -> None:
        if end.fate == "open":
            report.open.append(self._no_end(target, end.told))
        elif end.fate != "built":
            report.failed.append(Trouble.of(session, end.told))
        elif end.missing:
            report.failed.append(Trouble.of(session, "XNAT said that it was built, and has nothing of it"))
        else:
            report.done += 1

    def _as_one(self, report: Report, wanted: Wanted, missing: Sequence[ImageSession]) -> None:
        report.total = len(wanted.sessions)
        end = self._when_free(wanted, missing)
        if end.fate == "locked":
            report.open.append(
                f"{wanted.target} was not begun: {end.told}, and was not done within {self._pace.lock:.0f} s; "
                f"{self._run_again}"
            )
        elif end.fate == "open":
            report.done = len(missing) - len(end.missing)
            report.open.append(self._no_end(wanted.target, end.told))
        elif wanted.target.level == "session":
            self._count_session(report, wanted.target, wanted.sessions[0], end)
        elif end.fate == "failed":
            report.open.append(f"{wanted.target}: {end.told}: see XNAT's ohifviewer.log")
        else:
            self._count_all(report, wanted, missing, end)

    def _count_all(self, report: Report, wanted: Wanted, missing: Sequence[ImageSession], end: End) -> None:
        gone = {session.id for session in end.missing}
        for session in wanted.sessions:
            if session.id in gone:
                report.failed.append(Trouble.of(session, "no metadata after the build: see XNAT's ohifviewer.log"))
            elif session.id in end.failed:
                report.failed.append(Trouble.of(session, "ohifviewer.log has its beginning and no end"))
        report.done = report.total - len(report.failed)
        had = len(wanted.sessions) - len(missing)
        if had and not self._sees_log:
            report.told.append(
                f"{had} sessions had metadata before: whether theirs was built anew, only XNAT's ohifviewer.log tells "
                "(--log-file, --log-command)"
            )

    def _when_free(self, wanted: Wanted, missing: Sequence[ImageSession]) -> End:
        """Where somebody else is at it, XNAT does nothing of what it is asked; so one may ask again."""
        until = time.monotonic() + min(self._pace.lock, self._follower.left)
        while True:
            end = self._follower.run(wanted.target, wanted.sessions, missing)
            if end.fate != "locked" or time.monotonic() >= until:
                return end
            self._display.tell(f"{wanted.target}: {end.told}; waiting for its end")
            time.sleep(min(_TRIES * self._pace.interval, max(0.0, until - time.monotonic())))

    def _no_end(self, target: Target, why: str) -> str:
        noted = self._notes.find(target)  # perhaps by another project, which shares the session
        forget = f"{self._command} {named(noted.target if noted else target)}"
        return (
            f"{target}: no end was seen: {why}. XNAT may be at work on it, and it is never sent again; "
            f"{self._run_again} to watch on. When XNAT's ohifviewer.log says "
            f"`{target.logged_as} metadata creation complete`, or nothing of it since it was asked for (XNAT was "
            f"restarted, the request was lost): `{forget} --forget-request`"
        )

    @property
    def _run_again(self) -> str:
        return f"run `{self._command} {self._asked}` again"


def interrupted(notes: Notes) -> list[str]:
    """What to tell who ends the command."""
    return [f"{noted}: XNAT goes on with it. Run the same command again to watch on" for noted in notes.all()] or [
        "XNAT is at nothing that this command asked for. Run it again for what is left"
    ]


def forget(notes: Notes, asked: Asked) -> str:
    """Give up the note of the one request that the command line names, and no other; returns what it said.

    Raises:
        UsageError: there is none, or more than one.
    """
    noted = notes.all()
    found = [each for each in noted if asked.names(each.target)]
    # As XNAT takes a name: where one session's ID is another's label, it is the ID.
    found = [each for each in found if each.target.id in (asked.session, asked.subject)] or found
    if len(found) != 1:
        there = "; ".join(f"{each}: `{named(each.target)}`" for each in noted)
        raise UsageError(
            f"--forget-request: nothing was forgotten: {'several requests' if found else 'no request'} of this name; "
            + (f"name one as it is noted: {there}" if there else "nothing at all is noted of this XNAT")
        )
    notes.remove(found[0].target)
    return str(found[0])
