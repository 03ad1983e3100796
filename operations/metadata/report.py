"""What came of it, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field

from clients.build_target import ImageSession
from clients.errors import one_line, shortened


@dataclass(frozen=True)
class Trouble:
    """A session that is not done, and why."""

    project: str
    session: str
    label: str
    told: str

    @classmethod
    def of(cls, session: ImageSession, told: str) -> Trouble:
        return cls(session.project, session.id, session.label, shortened(told))


@dataclass
class Report:
    """
    Attributes:
        xnat: its URL. what: was to be built, as `project LIVER`. missing_only: only sessions that had none.
        total: sessions that were to be built. done: those that are known to be.
        failed: those that XNAT gave up, or has nothing of at the end.
        open: why it is not known how it ended, or not yet; what to do.
        left_out: those that XNAT does not know as imaging sessions: they count nowhere else.
        told: what else to know.
    """

    xnat: str
    what: str
    missing_only: bool
    total: int = 0
    done: int = 0
    failed: list[Trouble] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    left_out: list[Trouble] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def leave_out(self, sessions: Iterable[Trouble]) -> None:
        """Of those that were to be built."""
        for each in sessions:
            self.left_out.append(each)
            self.total -= 1

    @property
    def well(self) -> bool:
        return not self.failed and not self.open

    @property
    def summary(self) -> str:
        return f"done {self.done} of {self.total}, {len(self.failed)} failed"

    def as_json(self) -> str:
        """A contract for programs: docs/operations.md."""
        return json.dumps({**asdict(self), "well": self.well}, indent=2)

    def lines(self) -> Iterator[str]:
        """For people: a session's label is what somebody wrote, and commands no terminal."""
        return map(one_line, self._lines())

    def _lines(self) -> Iterator[str]:
        for word, troubles in (("failed", self.failed), ("left out", self.left_out)):
            for each in troubles:
                yield f"{word}: session {each.session} ({each.label}) of project {each.project}: {each.told}"
        yield from self.told
        yield from self.open
        yield f"{self.what}: {self.summary}"
