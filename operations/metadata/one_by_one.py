"""Sessions that have no metadata, one after the other, by a request for each."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from clients.build_target import ImageSession, Target
from clients.errors import ClientError
from clients.xnat_viewer import MayNot, NoImagingSession, ViewerClient
from operations.errors import CommandFailed, line_of
from operations.metadata.advice import Advice
from operations.metadata.console import ProgressDisplay
from operations.metadata.following import Follower, Pace
from operations.metadata.notes import Notes
from operations.metadata.report import Report, Trouble
from operations.metadata.wanted import has_metadata
from operations.metadata.watch import End

_REFUSALS = 3  # of sessions of one project, in sequence: the account may have none of it built


class OneByOne:
    """Args: report: is told of all that comes of it."""

    def __init__(
        self,
        client: ViewerClient,
        notes: Notes,
        follower: Follower,
        pace: Pace,
        display: ProgressDisplay,
        advice: Advice,
        report: Report,
    ) -> None:
        self._client, self._notes, self._follower, self._pace = client, notes, follower, pace
        self._display, self._advice, self._report = display, advice, report

    def run(self, missing: Sequence[ImageSession]) -> None:
        self._report.total += len(missing)
        refused: Counter[str] = Counter()
        passed_over: Counter[str] = Counter()
        for number, session in enumerate(missing):
            self._display.at(number, len(missing))
            if not self._follower.left:
                self._not_begun(len(missing) - number, "time is up")
                break
            if refused[session.project] >= _REFUSALS:
                passed_over[session.project] += 1
                continue
            try:
                self._one(session)
                refused[session.project] = 0
            except MayNot as error:  # the next one may be another matter
                refused[session.project] += 1
                self._report.failed.append(Trouble.of(session, str(error)))
                if error.advice not in self._report.told:
                    self._report.told.append(error.advice)
            except (ClientError, CommandFailed) as error:
                self._report.open.append(line_of(error))
                is_begun = self._notes.find(_target(session)) is not None
                self._not_begun(len(missing) - number - is_begun, "that ended the command")
                break
            if number + 1 < len(missing):
                time.sleep(min(self._pace.pause, self._follower.left))
        for project, sessions in passed_over.items():
            self._not_begun(sessions, f"XNAT refused {_REFUSALS} of project {project}, one after the other")

    def count(self, session: ImageSession, end: End) -> None:
        """What came of a request for one session."""
        target = end.noted.target
        if end.left_out:
            self._report.leave_out(end.left_out)
        elif end.fate in ("open", "unseen"):
            self._report.open.append(self._advice.no_end(target, end.told))
        elif end.fate != "built":
            self._report.failed.append(Trouble.of(session, end.told))
        elif end.missing or end.late:
            self._report.failed.append(Trouble.of(session, "XNAT said that it was built, and has nothing of it"))
        else:
            self._report.done += 1

    def _one(self, session: ImageSession) -> None:
        target = _target(session)
        try:
            # Somebody may have opened it since it was looked at, and that has it built.
            there = has_metadata(
                self._client, session, min(self._pace.patience, self._follower.left), self._display.tell
            )
        except NoImagingSession as error:
            self._notes.remove(target)
            self._report.leave_out([Trouble.of(session, str(error))])
            return
        if there and not self._notes.find(target):
            self._report.done += 1
            return
        self.count(session, self._follower.run(target, [session], [] if there else [session]))

    def _not_begun(self, sessions: int, why: str) -> None:
        if sessions:
            self._report.open.append(f"{sessions} sessions were not begun: {why}; {self._advice.run_again}")


def _target(session: ImageSession) -> Target:
    return Target("session", session.project, session.id, session.label)
