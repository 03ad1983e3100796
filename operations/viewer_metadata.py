"""`bin/aiaa viewer-metadata`: have XNAT build what its viewer needs to know of imaging sessions.

After https://wiki.xnat.org/xnat-ohif-viewer/xnat-ohif-plugin-installation-and-administration, "Initialising the viewer
in a populated database"; docs/xnat.md has how XNAT answers, and why nothing is sent twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from clients.build_target import ImageSession, Target
from clients.errors import ClientError, shortened
from clients.xnat_viewer import ViewerClient
from operations.errors import CommandFailed, UsageError, line_of
from operations.metadata.advice import ANYWAY, Advice
from operations.metadata.console import ProgressDisplay
from operations.metadata.following import Follower, Pace
from operations.metadata.log_source import LogSource
from operations.metadata.notes import Noted, Notes
from operations.metadata.one_by_one import OneByOne
from operations.metadata.report import Report, Trouble
from operations.metadata.wanted import Asked, Found, find, look_at, named
from operations.metadata.watch import End

_TRIES = 6  # a request that XNAT has no time for is another one in its log: not at each look


class ViewerMetadata:
    """One command.

    Args:
        asked: what is to be built.
        log: the plugin's log, if it can be seen. see_log: how it could be, if it is not.
        again: the options that named XNAT, to be repeated in what is told.
    """

    def __init__(
        self,
        client: ViewerClient,
        notes: Notes,
        asked: Asked,
        log: LogSource | None,
        see_log: str,
        pace: Pace,
        display: ProgressDisplay,
        again: str,
    ) -> None:
        self._client, self._notes, self._asked, self._pace, self._display = client, notes, asked, pace, display
        self._sees_log, self._see_log = log is not None, see_log
        self._advice = Advice(notes, asked, again)
        self._follower = Follower(client, notes, log, pace, display.tell, display.at)

    def run(self) -> Report:
        """
        Raises:
            ClientError: nothing was begun. UsageError, CommandFailed: see `operations.errors`.
        """
        wanted = find(self._client, self._asked, self._display.tell)
        target = wanted.target
        report = Report(self._client.url, str(target), self._asked.missing_only, told=[ANYWAY])
        picked_up = self._notes.find(target)
        self._require_the_end_of(
            noted for noted in self._notes.all() if noted.target.level != "session" and noted != picked_up
        )
        one_by_one = self._asked.missing_only and picked_up is None
        is_new_and_large = not (one_by_one or picked_up or target.level == "session")
        if is_new_and_large:
            self._client.require_administrator()
        self._display.tell(f"{target}: {len(wanted.sessions)} imaging sessions; looking which have none")
        found = self._look_at(wanted.sessions, all_are_to_be_seen=not one_by_one)
        self._remove_seen(found, picked_up)
        if is_new_and_large:
            ids = {session.id for session in found.sessions}
            self._require_the_end_of(noted for noted in self._notes.all() if noted.target.id in ids)
        # Who names a session is told that it is none; of many, those that are none are an aside.
        (report.failed if target.level == "session" else report.left_out).extend(found.left_out)
        report.failed += found.hidden
        report.total = len(report.failed)
        singly = OneByOne(self._client, self._notes, self._follower, self._pace, self._display, self._advice, report)
        if not wanted.sessions:
            report.told.append(f"{target} has no imaging session that {self._client.username} may see")
        elif one_by_one and found.sessions and not found.missing:
            report.told.append("All have metadata already; --no-missing-only has it built anew")
        try:
            if one_by_one:
                singly.run(found.missing)
            elif target.level == "session" and found.sessions:
                report.total += 1
                singly.count(found.sessions[0], self._follower.run(target, found.sessions, found.missing))
            elif found.sessions:
                self._as_one(report, target, found)
        except (ClientError, CommandFailed) as error:  # what was done before is to be told, too
            report.open.append(line_of(error))
        except KeyboardInterrupt:
            for line in report.lines():
                self._display.tell(line)
            raise
        if report.open and not self._sees_log:
            report.told.append(f"XNAT's ohifviewer.log tells what becomes of a request: {self._see_log}")
        return report

    def _look_at(self, sessions: Sequence[ImageSession], *, all_are_to_be_seen: bool) -> Found:
        tell, at = self._display.tell, self._display.at
        return look_at(self._client, sessions, self._patience, tell, at, all_are_to_be_seen=all_are_to_be_seen)

    def _patience(self) -> float:
        return min(self._pace.patience, self._follower.left)

    def _require_the_end_of(self, others: Iterable[Noted]) -> None:
        """XNAT is to build one thing at a time, and may be at work on what was asked for before."""
        for noted in others:
            if not noted.ended:
                raise CommandFailed(self._advice.first(noted))

    def _remove_seen(self, found: Found, picked_up: Noted | None) -> None:
        """The notes of sessions that had nothing and have it now, or that are none any more: whoever built it, that was
        the end. Not that of the request that is picked up: without it, it would be sent again."""
        gone = {trouble.session for trouble in found.left_out}
        there = {session.id for session in found.sessions} - {session.id for session in found.missing}
        for noted in self._notes.all():
            if noted.target.level == "session" and (
                noted.target.id in gone
                or (noted != picked_up and noted.target.id in there and (noted.missing or noted.ended))
            ):
                self._notes.remove(noted.target)

    def _as_one(self, report: Report, target: Target, found: Found) -> None:
        report.total += len(found.sessions)
        end = self._when_free(target, found)
        report.leave_out(end.left_out)
        if end.fate == "locked":
            report.open.append(
                f"{target} was not begun: {end.told}, and was not done within {self._pace.lock:.0f} s; "
                f"{self._advice.run_again}"
            )
        elif end.fate in ("open", "unseen"):
            left_out = {trouble.session for trouble in end.left_out}
            at_stake = {session.id for session in found.sessions}.intersection(end.noted.missing) - left_out
            report.done = len(at_stake) - len(end.missing)
            report.open.append(
                self._advice.no_end(target, end.told)
                if end.fate == "open"
                else f"{target}: it has ended, and XNAT could not be asked what came of it: {self._advice.run_again}"
            )
        elif end.fate == "failed":
            report.open.append(f"{target}: {end.told}: see XNAT's ohifviewer.log")
        else:
            self._count_all(report, found, end)
        if end.fate == "built" and end.noted.had and not end.in_log:
            report.told.append(
                f"{end.noted.had} sessions had metadata before: whether theirs was built anew, only XNAT's "
                f"ohifviewer.log tells: {self._see_log}"
            )

    def _count_all(self, report: Report, found: Found, end: End) -> None:
        gone = {session.id for session in end.missing}
        for session in found.sessions:
            if session.id in gone:
                report.failed.append(Trouble.of(session, "no metadata after the build: see XNAT's ohifviewer.log"))
            elif session.id in end.failed:
                report.failed.append(Trouble.of(session, "ohifviewer.log has its beginning and no end"))
        report.done = report.total - len(report.failed) - len(end.late)
        if end.late:
            names = shortened(", ".join(session.label or session.id for session in end.late))
            report.open.append(
                f"{len(end.late)} sessions came after the request of {end.noted.when}, or have lost their metadata "
                f"since: {names}: {self._advice.missing_only}"
            )

    def _when_free(self, target: Target, found: Found) -> End:
        """Where somebody else is at it, XNAT does nothing of what it is asked; so one may ask again."""
        until = time.monotonic() + min(self._pace.lock, self._follower.left)
        while True:
            end = self._follower.run(target, found.sessions, found.missing)
            if end.fate != "locked" or time.monotonic() >= until:
                return end
            self._display.tell(f"{target}: {end.told}; waiting for its end")
            time.sleep(min(_TRIES * self._pace.interval, max(0.0, until - time.monotonic())))
            # What somebody else has built meanwhile must not be taken for the end of ours.
            found.missing = self._look_at(found.sessions, all_are_to_be_seen=True).missing


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
