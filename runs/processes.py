"""Processes of a run. Pulumi's plugins survive a killed CLI, and could still write to a server."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from clients.errors import one_line
from runs.note import MARK

_GRACE = 2.0  # seconds between asking and killing
_GONE_WITHIN = 10.0  # seconds that the kernel may take after that


def of_run(run: str) -> dict[int, str]:
    """Names of the processes that carry a run's mark, by pid; not this one."""
    mark = f"{MARK}={run}".encode()
    return {pid: _name(pid) for pid in _pids() if pid != os.getpid() and mark in _environment(pid)}


def lives(pid: int) -> bool:
    """Whether there is such a process; one that has ended and waits to be collected is none."""
    try:
        words = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()  # its name may hold any bytes
    except OSError:
        return False
    return bool(words) and words[0] not in (b"Z", b"X")


def end(run: str) -> list[str]:
    """End all processes of a run; returns the names of those that there were.

    Raises:
        RuntimeError: one does not end.
    """
    names: dict[int, str] = {}
    began = time.monotonic()
    # In rounds, as one may have started another meanwhile.
    while processes := of_run(run):
        names |= processes
        waited = time.monotonic() - began
        if waited > _GRACE + _GONE_WITHIN:
            raise RuntimeError(
                f"processes of the last run do not end, though they were killed: {_listed(processes)}: "
                "`ps -o pid,stat,wchan` tells what they hang on"
            )
        for pid in processes:
            try:
                os.kill(pid, signal.SIGTERM if waited < _GRACE else signal.SIGKILL)
            except (ProcessLookupError, PermissionError):  # it has ended; or is another user's, and is named at the end
                continue
        time.sleep(0.1)
    return sorted(set(names.values()))


def _listed(processes: dict[int, str]) -> str:
    return ", ".join(f"{name} ({pid})" for pid, name in processes.items())


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal() and entry.name.isascii())


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # it has ended, or is another user's
        return []


def _name(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "?"
    return one_line(os.path.basename(words[0].decode(errors="replace"))) or "?"
