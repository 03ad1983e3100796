"""One request: noted, sent at most once, and followed to its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from clients.build_target import ImageSession, Target
from clients.errors import Broken, ClientError, NotReady, Unreachable
from clients.transport import Answer, wait_for
from clients.xnat_viewer import NoImagingSession, Sent, ViewerClient
from operations.errors import CommandFailed
from operations.metadata.build_log import BuildLog
from operations.metadata.log_source import LogSource
from operations.metadata.notes import Noted, Notes

_LOOKS = 25  # sessions that are asked for at one look: each costs XNAT several queries


@dataclass(frozen=True)
class Pace:
    """Seconds.

    Attributes:
        interval: between two looks.
        patience: without anything new, after which a request is left, unless only its answer can tell anything.
        timeout: for all that a command does.
        lock: to wait for somebody else's build.
        pause: between two sessions.
    """

    interval: float = 5.0
    patience: float = 900.0
    timeout: float = 86400.0
    lock: float = 3600.0
    pause: float = 0.0


@dataclass
class End:
    """
    Attributes:
        fate: `built`: its end was seen. `failed`: XNAT said no. `locked`: it did nothing, as it was at something else.
            `open`: no end was seen.
        told: why.
        missing: sessions that have no metadata, of those that had none before.
        failed: accession IDs of sessions that the log names as given up.
    """

    fate: Literal["built", "failed", "locked", "open"]
    told: str = ""
    missing: list[ImageSession] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)


class _Attempt:
    """The request on its way, in a thread: the answer comes when all is done, and the thread may die with us."""

    def __init__(self, client: ViewerClient, target: Target, timeout: float) -> None:
        self._answer: Answer | ClientError = Unreachable(f"{target}: no answer")
        self._over = threading.Event()

        def ask() -> None:
            try:
                self._answer = client.ask(target, timeout)
            finally:
                self._over.set()

        threading.Thread(target=ask, daemon=True).start()

    def wait(self, seconds: float) -> Answer | ClientError | None:
        return self._answer if self._over.wait(seconds) else None


class Follower:
    """
    Args:
        client: logged in.
        log: the plugin's log, if it can be seen.
        tell: is given lines for people.
        progress: is given the number of sessions that are done and that there are, now and then.
    """

    def __init__(
        self,
        client: ViewerClient,
        notes: Notes,
        log: LogSource | None,
        pace: Pace,
        tell: Callable[[str], None],
        progress: Callable[[int, int], None],
    ) -> None:
        self._client, self._notes, self._log, self._pace = client, notes, log, pace
        self._tell, self._progress = tell, progress
        self._end = time.monotonic() + pace.timeout
        self._last_line: str | None = None

    @property
    def left(self) -> float:
        """Seconds."""
        return max(0.0, self._end - time.monotonic())

    def run(self, target: Target, sessions: Sequence[ImageSession], missing: Sequence[ImageSession]) -> End:
        """Have it built; or, if it was asked for before and no end was seen, only watch.

        Args:
            sessions: all that belong to it now. missing: those of them that have no metadata.

        Raises:
            ClientError: XNAT did not accept the request; or does not let us watch, and the note of it stays.
            CommandFailed: it could not be noted, or the log not be read: it was not sent.
        """
        noted = self._notes.find(target)
        if noted:
            self._tell(f"{noted}: no end was seen yet; it is not sent again, only watched")
            log = BuildLog(target, noted.log_line)
            attempt = None
        else:
            # The session may have expired while something was waited for: a GET has a new one, and can be repeated.
            wait_for(lambda _left: self._client.account(), min(self._pace.patience, self.left), self._tell)
            self._read(BuildLog(target))
            log = BuildLog(target, self._last_line, from_start=False)
            at_stake, had = tuple(session.id for session in missing), len(sessions) - len(missing)
            noted = Noted(target, self._client.username, time.time(), at_stake, had, log.after)
            self._notes.write(noted)
            attempt = _Attempt(self._client, target, self.left)
        watch = _Watch(noted, missing, log)
        return self._watch(watch, attempt)

    def _watch(self, watch: _Watch, attempt: _Attempt | None) -> End:
        target = watch.noted.target
        seen = time.monotonic()
        if attempt is None and target.level == "session":
            seen -= max(0.0, time.time() - watch.noted.sent)  # one that is old by now is not waited for once more
        while True:
            if attempt is None:
                time.sleep(min(self._pace.interval, self.left))
            elif (answer := attempt.wait(min(self._pace.interval, self.left))) is not None:
                sent = self._client.judge(answer, target)
                if sent.fate != "unknown":
                    return self._answered(sent, watch)
                self._notes.answered(target, sent.told)
                self._tell(f"{target}: {sent.told}: XNAT may be at work on it all the same; watching")
                attempt, seen = None, time.monotonic()
            if self._look(watch):
                seen = time.monotonic()
            if watch.is_over:
                self._notes.remove(target)
                return End("built", missing=watch.missing, failed=watch.log.failed)
            if attempt is None and self._log is None and not watch.can_be_seen:
                return End("open", "whether it has ended cannot be seen without the plugin's log", watch.missing)
            quiet = time.monotonic() - seen
            patience = max(self._pace.patience, watch.looks * self._pace.interval)
            if quiet > patience and not (attempt and watch.is_blind and self._log is None):
                return End("open", f"nothing new was seen for {quiet:.0f} s", watch.missing)
            if not self.left:
                return End("open", f"it has taken more than {self._pace.timeout:.0f} s", watch.missing)

    def _answered(self, sent: Sent, watch: _Watch) -> End:
        target = watch.noted.target
        self._notes.remove(target)
        if sent.fate == "refused":
            assert sent.error is not None  # noqa: S101 - a refusal has one
            raise sent.error
        if sent.fate != "built":
            return End("locked" if sent.fate == "locked" else "failed", sent.told, watch.missing)
        # The answer came, so nothing changes any more: all that is missing now has failed.
        self._ask_for(watch, watch.missing)
        if self._log and target.level != "session":
            self._look(watch)
            if not watch.log.complete:  # the last lines may take a moment on their way
                time.sleep(min(self._pace.interval, self.left))
                self._look(watch)
        return End("built", missing=watch.missing, failed=watch.log.failed)

    def _look(self, watch: _Watch) -> bool:
        """Whether there is anything new."""
        before = watch.state
        try:
            self._read(watch.log)
        except CommandFailed as error:
            self._tell(str(error))
        try:
            self._ask_for(watch, watch.some_missing(_LOOKS))
        except (Unreachable, NotReady, Broken) as error:
            self._tell(f"{watch.noted.target}: XNAT cannot be asked just now: {error}")
        if watch.noted.target.level != "session":
            self._progress(*watch.progress)
        return watch.state != before

    def _read(self, log: BuildLog) -> None:
        if self._log:
            log.feed(self._log.read())
            self._last_line = log.last or self._last_line or ""

    def _ask_for(self, watch: _Watch, sessions: Sequence[ImageSession]) -> None:
        for session in list(sessions):
            try:
                there = self._client.has_metadata(session)
            except NoImagingSession:
                there = True  # it was taken out meanwhile: nothing is missing
            if there:
                watch.missing.remove(session)


class _Watch:
    """What has been seen of one request."""

    def __init__(self, noted: Noted, missing: Sequence[ImageSession], log: BuildLog) -> None:
        self.noted, self.log = noted, log
        self._at_stake = set(noted.missing)
        self.missing = [session for session in missing if session.id in self._at_stake]

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
        return -(-len(self.missing) // _LOOKS)

    @property
    def is_over(self) -> bool:
        return self.log.complete or not (self.noted.had or self.missing)

    @property
    def state(self) -> tuple[int, int, int, bool]:
        """Another one is news."""
        return len(self.missing), len(self.log.begun), len(self.log.stored), self.log.requested

    @property
    def progress(self) -> tuple[int, int]:
        if self.log.listed:
            return len(self.log.stored & self.log.listed), len(self.log.listed)
        return len(self._at_stake) - len(self.missing), len(self._at_stake) + self.noted.had

    def some_missing(self, most: int) -> list[ImageSession]:
        """Those that were not looked at for longest."""
        self.missing = self.missing[most:] + self.missing[:most]
        return self.missing[-most:]
