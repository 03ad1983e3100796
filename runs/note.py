"""A note on disk while a run is at work: whoever finds one, and no run behind it, knows that the run was killed."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

MARK = "XNAT_AIAA_RUN"  # environment variable by which the processes of a run are known


class AtWork(Exception):
    """Another run on this stack is not at its end."""

    def __init__(self, other: Unfinished | None) -> None:
        super().__init__(str(other) if other else "another command")
        self.other = other


@dataclass(frozen=True)
class Unfinished:
    """A run that has begun and, if it is over, did not come to a good end.

    Attributes:
        run: value of `MARK` in its processes' environment.
        command: `up`, `refresh` or `destroy`.
        pid: of the process that watches over it.
        since: seconds since the epoch.
        failed: it ended by itself, with an error; else it was killed or interrupted.
    """

    run: str
    command: str
    pid: int
    since: float
    failed: bool = False

    def __str__(self) -> str:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        return f"`{self.command}` of {when} (process {self.pid})"


class Note:
    """The note of one stack, held: nobody else can begin a run on it here."""

    def __init__(self, file: IO[str], path: Path) -> None:
        self._file = file
        self._path = path
        self.found = _parse(file)

    def write(self, run: Unfinished) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps(asdict(run)))
        self._file.flush()
        os.fsync(self._file.fileno())

    def remove(self) -> None:
        """There is nothing to clean up."""
        self._path.unlink(missing_ok=True)


@contextmanager
def held(folder: Path, backend: str, stack: str) -> Iterator[Note]:
    """The stack's note, for one run. A lock of the kernel, which goes with its process, however that ends.

    Args:
        backend: where the stack's state is: two backends may have stacks of one name.

    Raises:
        AtWork: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = stack.rpartition("/")[2]
    path = folder / f"{name}-{hashlib.sha256(backend.encode()).hexdigest()[:12]}.json"
    with _locked(path) as file:
        note = Note(file, path)
        try:
            yield note
        finally:
            if not path.exists() or not path.stat().st_size:
                path.unlink(missing_ok=True)


def _locked(path: Path) -> IO[str]:
    """The file, locked; again if its last holder removed it while we opened it."""
    while True:
        file = path.open("a+", encoding="utf-8", errors="replace")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = _parse(file)
            file.close()
            raise AtWork(other) from None
        try:
            if path.stat().st_ino == os.fstat(file.fileno()).st_ino:
                return file
        except FileNotFoundError:
            pass
        file.close()


def _parse(file: IO[str]) -> Unfinished | None:
    file.seek(0)
    text = file.read()
    if not text:
        return None
    try:
        found = Unfinished(**json.loads(text))
        found.run.encode()
        str(found)  # it can be shown
        return found if type(found.pid) is int and type(found.since + 0.0) is float else None
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        # Killed while it wrote this, and so before it did anything.
        return None
