"""Servers in processes of their own, as real ones are: what is measured does not wait for their Python."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROJECT = Path(__file__).parents[1]


@contextmanager
def started(module: str, *args: str) -> Iterator[str]:
    """Run a module that prints its URL on a line when it serves, and ends with its standard input; gives the URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *args], cwd=_PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:  # at the end it closes both pipes, and waits
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError(f"{module} did not start; what it printed says why")
        yield url
