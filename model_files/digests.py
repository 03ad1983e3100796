"""SHA-256 of large files, computed once for each content: a file that nobody touched has not changed.

What is remembered counts for a file of the same path, size, times and inode. A file that was written within the last
moments is not remembered: it could be written again without a change of its time (git calls it
racy: https://git-scm.com/docs/racy-git).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_SETTLED = 2_000_000_000  # nanoseconds: the coarsest time that a file system keeps
_LARGEST = 64 << 10  # bytes of a file of the cache
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Digest:
    """
    Attributes:
        sha256: in full, hexadecimal.
        size: bytes.
    """

    sha256: str
    size: int


class DigestCache:
    """Digests, remembered in a folder, one file for each. Several processes may use it at once. A folder that cannot be
    written costs time only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, path: Path) -> Digest:
        """
        Raises:
            OSError: the file cannot be read.
        """
        return self._of(path, "", lambda: _digest(path))

    def of_part(self, path: Path, name: str, compute: Callable[[], Digest]) -> Digest:
        """The digest of one entry of an archive, which `compute` reads if it is not known."""
        return self._of(path, name, compute)

    def _of(self, path: Path, part: str, compute: Callable[[], Digest]) -> Digest:
        path = path.absolute()
        key = os.fsencode(path) + b"\0" + part.encode(errors="replace")
        file = self._folder / f"{hashlib.sha256(key).hexdigest()}"
        began, stamp = time.time_ns(), _stamp(path)
        if known := _read(file, stamp):
            return known
        digest = compute()
        if began - stamp["mtime_ns"] > _SETTLED and _stamp(path) == stamp:
            _write(file, {"path": os.fspath(path), "part": part, **stamp, **asdict(digest)})
        return digest


def _stamp(path: Path) -> dict[str, int]:
    """`ctime_ns` tells a file that was written anew and given its old time."""
    now = path.stat()
    return {
        "file_size": now.st_size,
        "mtime_ns": now.st_mtime_ns,
        "ctime_ns": now.st_ctime_ns,
        "inode": now.st_ino,
    }


def _digest(path: Path) -> Digest:
    sha256, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            sha256.update(chunk)
            size += len(chunk)
    return Digest(sha256.hexdigest(), size)


def _read(file: Path, stamp: dict[str, int]) -> Digest | None:
    """What is remembered, if it is of this very file; None for whatever is wrong with the file of the cache."""
    try:
        with file.open("rb") as opened:
            check, _, line = opened.read(_LARGEST).partition(b"\n")
        if check != _check(line):
            return None
        known = json.loads(line)
        return Digest(known["sha256"], known["size"]) if stamp.items() <= known.items() else None
    except (OSError, ValueError, KeyError):
        return None


def _write(file: Path, known: dict[str, Any]) -> None:
    """At once, so that no other process reads half of it."""
    line = json.dumps(known).encode()
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".", suffix=".new")
        try:
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(_check(line) + b"\n" + line)
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _check(line: bytes) -> bytes:
    """A damaged digest would have weights uploaded that nobody changed."""
    return hashlib.sha256(line).hexdigest().encode()
