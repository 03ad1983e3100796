"""One request: noted, sent at most once, and followed to its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clients.build_target import ImageSession, Target
from clients.errors import Broken, ClientError, NotReady, Unreachable
from clients.transport import Answer, wait_for
from clients.xnat_viewer import NoImagingSession, Sent, ViewerClient
from operations.errors import CommandFailed
from operations.metadata.build_log import BuildLog
from operations.metadata.log_source import LogSource
from operations.metadata.notes import Noted, Notes
from operations.metadata.watch import End, Watch


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
        return self._watch(Watch(noted, missing, log), attempt)

    def _watch(self, watch: Watch, attempt: _Attempt | None) -> End:
        target = watch.noted.target
        seen = time.monotonic()
        if attempt is None and target.level == "session":
            seen -= max(0.0, time.time() - watch.noted.sent)  # one that is old by now is not waited for once more
        while True:
            if attempt is None:
                time.sleep(min(self._pace.interval, self.left))
            elif (answer := attempt.wait(min(self._pace.interval, self.left))) is not None:
                sent = self._client.judge(answer, target)
                if sent.fate not in ("built", "unknown"):
                    return self._nothing_done(sent, watch)
                attempt, seen = None, time.monotonic()
                watch.noted = self._notes.answered(watch.noted, sent.told, ended=sent.fate == "built")
                if sent.fate == "unknown":
                    self._tell(f"{target}: {sent.told}: XNAT may be at work on it all the same; watching")
            if self._look(watch):
                seen = time.monotonic()
            if watch.is_over and self._look_at_all(watch):
                self._notes.remove(target)
                return watch.end("built")
            if attempt is None and self._log is None and not (watch.can_be_seen or watch.is_over):
                return watch.end("open", "whether it has ended cannot be seen without the plugin's log")
            if attempt and attempt.wait(0) is not None:
                continue  # its answer came during the look
            quiet = time.monotonic() - seen
            patience = max(self._pace.patience, watch.looks * self._pace.interval)
            if quiet > patience and not (attempt and watch.is_blind and self._log is None):
                return self._left_alone(watch, f"nothing new was seen for {quiet:.0f} s")
            if not self.left:
                return self._left_alone(watch, f"it has taken more than {self._pace.timeout:.0f} s")

    def _nothing_done(self, sent: Sent, watch: Watch) -> End:
        self._notes.remove(watch.noted.target)
        if sent.fate == "refused":
            assert sent.error is not None  # noqa: S101 - a refusal has one
            raise sent.error
        return watch.end("locked" if sent.fate == "locked" else "failed", sent.told)

    def _left_alone(self, watch: Watch, why: str) -> End:
        if watch.noted.ended and watch.noted.target.level == "session":  # its answer says all
            self._notes.remove(watch.noted.target)
            watch.missing.clear()
            return watch.end("built")
        return watch.end("unseen" if watch.is_over else "open", why)

    def _look(self, watch: Watch) -> bool:
        """Whether there is anything new."""
        before = watch.state
        try:
            self._read(watch.log)
        except CommandFailed as error:
            self._tell(str(error))
        self._ask_for(watch, watch.some_missing())
        if watch.noted.target.level != "session":
            self._progress(*watch.progress)
        return watch.state != before

    def _look_at_all(self, watch: Watch) -> bool:
        """Once it is over nothing changes any more: all that has no metadata now has failed. False if XNAT could not be
        asked, and so is to be asked again."""
        if self._log and watch.noted.ended and watch.noted.target.level != "session" and not watch.log.complete:
            time.sleep(min(self._pace.interval, self.left))  # its last lines may take a moment on their way
            self._look(watch)
        return self._ask_for(watch, watch.all_without())

    def _read(self, log: BuildLog) -> None:
        if self._log:
            log.feed(self._log.read())
            self._last_line = log.last or self._last_line or ""

    def _ask_for(self, watch: Watch, sessions: Sequence[ImageSession]) -> bool:
        """Whether XNAT could be asked for all of them."""
        try:
            for session in sessions:
                try:
                    if self._client.has_metadata(session):
                        watch.is_there(session)
                except NoImagingSession as error:
                    watch.is_gone(session, str(error))
        except (Unreachable, NotReady, Broken) as error:
            self._tell(f"{watch.noted.target}: XNAT cannot be asked just now: {error}")
            return False
        return True
