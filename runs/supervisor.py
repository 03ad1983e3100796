"""The CLI as a child that ends with us, and ends soon when it is told to."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PATIENCE = 2.0  # seconds that the CLI has for each step of its own end
_POLL = 0.05  # seconds

_libc = ctypes.CDLL(None, use_errno=True)


def supervise(command: Sequence[str], env: Mapping[str, str], say: Callable[[str], None]) -> tuple[int, bool]:
    """Run the CLI to its end; gives its exit code, and whether it was cut off by a signal.

    The first interruption lets it finish what it is at, as Pulumi does; but a dynamic provider's upload may take an
    hour. So after two seconds it is interrupted again, which makes it end at once, and after two more it is killed.
    """
    interrupted: list[float] = []

    def note(_signal: int, _frame: FrameType | None) -> None:
        interrupted.append(time.monotonic())

    with _handled(note, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        parent = os.getpid()
        child = subprocess.Popen(command, env=env, preexec_fn=lambda: _end_with(parent))
        asked = 0
        while (code := child.poll()) is None:
            if interrupted and time.monotonic() > interrupted[0] + _PATIENCE * (asked + 1):
                if asked == 0:
                    say("interrupted: what was begun and is not finished is done again by the next run")
                child.send_signal(signal.SIGINT if asked < 2 else signal.SIGKILL)
                asked += 1
            time.sleep(_POLL)
    return (code if code >= 0 else 128 - code), bool(interrupted) or code < 0


def _end_with(parent: int) -> None:
    """In the child, before it is the CLI: the kernel kills it when its parent ends, however that ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it has ended already
        os._exit(1)


@contextlib.contextmanager
def _handled(handler: Callable[[int, FrameType | None], None], *signals: signal.Signals) -> Iterator[None]:
    """Signals that the caller ignores (nohup) stay ignored."""
    wanted = [number for number in signals if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in wanted}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
