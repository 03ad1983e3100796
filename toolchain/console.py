"""What the set-up shows: a line for each step, a sign of life while it works, its log when it fails."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.text import Text

from toolchain import layout
from toolchain.errors import SetUpError

_SIGN_OF_LIFE = 15  # seconds between lines where there is no terminal
_GRACE = 60  # seconds for a command to come to an end in when it is interrupted: apt lets dpkg finish what it is at
_console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)


def say(text: str) -> None:
    _console.print(text)


@contextmanager
def working(doing: str) -> Iterator[Callable[[str], None]]:
    """For something of a few seconds and more; gives a function that takes how far it is."""
    say(f"{doing} ...")
    begin = last = time.monotonic()

    if _console.is_terminal:
        with _console.status("") as status:
            yield lambda text: status.update(Text(f"{time.monotonic() - begin:.0f} s  {text[:100]}"))
        return

    def line(text: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _SIGN_OF_LIFE:
            last = now
            say(f"  {now - begin:.0f} s: {text[:120]}")

    yield line


def run(
    command: Sequence[str | Path],
    doing: str,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Run something long; its output goes to a log in the tool cache.

    Args:
        doing: what is said of it: "Building the Pulumi CLI (3 min)".

    Raises:
        SetUpError: it could not start, or ended with an error.
    """
    layout.LOGS.mkdir(parents=True, exist_ok=True)
    log = layout.LOGS / f"{re.sub('[^a-z0-9]+', '-', doing.partition('(')[0].lower()).strip('-')}.log"
    with working(doing) as tell, log.open("wb") as output:
        try:
            # A group of its own, for all that it starts to end with it.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
                process_group=0,
            )
        except OSError as error:
            raise SetUpError(f"{doing}: cannot run {command[0]}: {error.strerror}") from None
        try:
            while not _ended(process, 1):
                tell(_last_line(log) or "working")
        except BaseException:
            say("  interrupted: waiting for its end")
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
                with suppress(KeyboardInterrupt):  # a second one has no patience
                    _ended(process, _GRACE)
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    if process.returncode != 0:
        said = _last_line(log, errors=True) or f"exit {process.returncode}"
        raise SetUpError(f"{doing} failed: {said} (all it said: {log})")


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _last_line(log: Path, *, errors: bool = False) -> str:
    """
    Args:
        errors: the last that pip, apt or debootstrap call an error, if there is one.
    """
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        lines = [line.strip() for line in re.split(r"[\r\n]", file.read().decode(errors="replace")) if line.strip()]
    called_error = [line for line in lines if errors and line.startswith(("ERROR: ", "E: "))]
    return (called_error or lines or [""])[-1]
