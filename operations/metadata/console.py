"""How far it is: a bar for eyes on a terminal, a line now and then for whatever else reads it. On standard error."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from clients.errors import one_line

_SAY_EVERY = 15.0  # seconds between two lines


class ProgressDisplay:
    """
    Args:
        what: is done, as `project LIVER`.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._last = ""
        self._told = time.monotonic()
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._bar = (
            Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=self._console,
                transient=True,
            )
            if sys.stderr.isatty()
            else None
        )
        self._task = self._bar.add_task(what, total=None) if self._bar else None

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def tell(self, line: str) -> None:
        """A line, unless it is the one before it once more. It may hold what somebody wrote, as a session's label."""
        line = one_line(line)
        if line == self._last:
            return
        self._last = line
        if self._bar:
            self._console.print(Text(line))  # a Text takes nothing for markup
        else:
            print(line, file=sys.stderr, flush=True)

    def at(self, done: int, total: int) -> None:
        if self._bar and self._task is not None:
            self._bar.update(self._task, completed=done, total=total)
        elif time.monotonic() - self._told >= _SAY_EVERY:
            self._told = time.monotonic()
            self.tell(f"{self._what}: {done} of {total}")
