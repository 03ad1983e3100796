"""What the set-up shows: a line for each step, a sign of life while it works, its log when it fails."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from toolchain import layout
from toolchain.errors import SetUpError

_SIGN_OF_LIFE = 15  # seconds between lines where there is no terminal
_console = Console(highlight=False, soft_wrap=True)


def say(text: str) -> None:
    _console.print(text, markup=False)


@contextmanager
def working(doing: str) -> Iterator[None]:
    """For something of a few seconds that has no output of its own."""
    say(f"{doing} ...")
    if not _console.is_terminal:
        yield
        return
    with _console.status(""):
        yield


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
    say(f"{doing} ...")
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=env, cwd=cwd
            )
        except OSError as error:
            raise SetUpError(f"{doing}: cannot run {command[0]}: {error.strerror}") from None
    try:
        _watch(process, log)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if process.returncode != 0:
        raise SetUpError(f"{doing} failed: {_last_line(log) or f'exit {process.returncode}'} (all it said: {log})")


def _watch(process: subprocess.Popen[bytes], log: Path) -> None:
    begin = time.monotonic()
    if _console.is_terminal:
        with _console.status("") as status:
            while not _ended(process, 1):
                status.update(f"{time.monotonic() - begin:.0f} s  {_last_line(log)[:100]}")
        return
    while not _ended(process, _SIGN_OF_LIFE):
        say(f"  {time.monotonic() - begin:.0f} s: {_last_line(log)[:120] or 'working'}")


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _last_line(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        lines = [line.strip() for line in re.split(r"[\r\n]", file.read().decode(errors="replace")) if line.strip()]
    return lines[-1] if lines else ""
