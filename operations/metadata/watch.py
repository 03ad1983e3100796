"""What has been seen of one request, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from clients.build_target import ImageSession
from operations.metadata.build_log import BuildLog
from operations.metadata.notes import Noted
from operations.metadata.report import Trouble

LOOKS = 25  # sessions that are asked for at one look: each costs XNAT several queries


@dataclass
class End:
    """
    Attributes:
        fate: `built`: its end was seen. `failed`: XNAT said no. `locked`: it did nothing, as it was at something else.
            `unseen`: it has ended, and XNAT could not be asked what came of it. `open`: no end was seen.
        told: why.
        noted: what it was asked for, and when.
        missing: sessions that have no metadata, of those that had none when it was asked for.
        late: sessions without metadata that had some then, or were not there.
        left_out: those that XNAT does not know as imaging sessions any more.
        failed: accession IDs of sessions that the log names as given up. in_log: it has the build as a whole.
    """

    fate: Literal["built", "failed", "locked", "unseen", "open"]
    told: str
    noted: Noted
    missing: list[ImageSession] = field(default_factory=list)
    late: list[ImageSession] = field(default_factory=list)
    left_out: list[Trouble] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    in_log: bool = False


class Watch:
    """
    Args:
        missing: sessions that have no metadata now.
    """

    def __init__(self, noted: Noted, missing: Sequence[ImageSession], log: BuildLog) -> None:
        self.noted, self.log = noted, log
        at_stake = set(noted.missing)
        self.missing = [session for session in missing if session.id in at_stake]
        self._late = [session for session in missing if session.id not in at_stake]
        self._left_out: list[Trouble] = []

    @property
    def can_be_seen(self) -> bool:
        """Without the log: whether the end shows in what has metadata."""
        return bool(self.missing) or not self.noted.had

    @property
    def is_blind(self) -> bool:
        """Without the log: XNAT may be at work for long on what had metadata before, and nothing shows it."""
        return self.noted.target.level != "session" and self.noted.had > 0

    @property
    def looks(self) -> int:
        """How many it takes to see all that is missing."""
        return -(-len(self.missing) // LOOKS)

    @property
    def is_over(self) -> bool:
        return self.noted.ended or self.log.complete or not (self.noted.had or self.missing)

    @property
    def state(self) -> tuple[int, int, int, bool]:
        """Another one is news."""
        return len(self.missing), len(self.log.begun), len(self.log.stored), self.log.requested

    @property
    def progress(self) -> tuple[int, int]:
        if self.log.listed:
            return len(self.log.stored & self.log.listed), len(self.log.listed)
        return len(self.noted.missing) - len(self.missing), len(self.noted.missing) + self.noted.had

    def some_missing(self) -> list[ImageSession]:
        """Those that were not looked at for longest."""
        self.missing = self.missing[LOOKS:] + self.missing[:LOOKS]
        return self.missing[-LOOKS:]

    def all_without(self) -> list[ImageSession]:
        return [*self.missing, *self._late]

    def is_there(self, session: ImageSession) -> None:
        """It has metadata now."""
        for sessions in (self.missing, self._late):
            if session in sessions:
                sessions.remove(session)

    def is_gone(self, session: ImageSession, why: str) -> None:
        """It was taken out of XNAT meanwhile: it is missing no more, and not done."""
        self.is_there(session)
        self._left_out.append(Trouble.of(session, why))

    def end(self, fate: Literal["built", "failed", "locked", "unseen", "open"], told: str = "") -> End:
        log = self.log
        return End(fate, told, self.noted, self.missing, self._late, self._left_out, log.failed, log.is_whole)
