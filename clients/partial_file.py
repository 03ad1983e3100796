"""A file that arrives in pieces, over several runs if need be: it has its name when all of it is there.

What is there is kept in `<name>.part`, and which version of the file it is of in `<name>.part.version`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self

from clients.errors import Broken, ClientError

ANOTHER_FILE = "it is not the file that is meant: check the address, and the size or sha256 that is given with it"

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def holds(path: Path, size: int, sha256: str | None) -> bool:
    """Whether a file is there already, and the right one.

    Args:
        size: bytes. sha256: in hex; None is not compared.
    """
    if not path.is_file() or path.stat().st_size != size:
        return False
    return sha256 is None or _sha256_of(path) == sha256.lower()


def _sha256_of(path: Path) -> str:
    with path.open("rb") as stored:
        return hashlib.file_digest(stored, "sha256").hexdigest()


class PartialFile:
    """The file, for one run alone: two that append to it would mix their bytes. The lock is the kernel's, and goes with
    the process, however that ends.

    Attributes:
        version: of what the part is; "" if it cannot be gone on with.

    Args:
        target: in a folder that is there; a file of this name is replaced.
        tried: how errors begin, as `GET https://store.example.org/model.ts`.

    Raises:
        ClientError: all methods: this machine cannot store it, or another run is at it.
    """

    def __init__(self, target: Path, tried: str) -> None:
        self.target, self._tried = target, tried
        self._part = target.with_name(target.name + ".part")
        self._note = target.with_name(target.name + ".part.version")

    def __enter__(self) -> Self:
        with self._storing():
            self._file: BinaryIO = self._part.open("ab")
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # It may have got its name since it was opened.
                mine = self._part.exists() and os.path.samestat(os.fstat(self._file.fileno()), self._part.stat())
            except BlockingIOError:
                mine = False
            if not mine:
                self._file.close()
                raise ClientError(f"{self._tried}: another run is storing it as {self.target}", advice="wait for it")
            note = self._note.read_text(errors="replace") if self._note.exists() and self.size else ""
        self.version = note if note.isascii() and note.isprintable() else ""
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return self._file.tell()

    def begin_anew(self, version: str = "") -> None:
        with self._storing():
            self._file.truncate(0)
            self._file.seek(0)
            self._note.write_text(version)
        self.version = version

    def add(self, data: bytes) -> None:
        with self._storing():
            self._file.write(data)
            self._file.flush()

    def need(self, more: int) -> None:
        """Raise, before they come, if so many bytes more have no room."""
        free = shutil.disk_usage(self.target.parent).free
        if more > free:
            raise self._no_room(f"it needs {(more >> 20) + 1} MB more, and {free >> 20} MB are free")

    def finish(self, size: int | None, sha256: str | None) -> None:
        """Give it its name, if it is what it should be; else remove it.

        Raises:
            Broken: another size or SHA-256 (in hex), or nothing in it where neither is known.
        """
        if wrong := self._wrong(size, sha256):
            self._part.unlink(missing_ok=True)
            self._note.unlink(missing_ok=True)
            raise Broken(f"{self._tried}: {wrong}", advice=ANOTHER_FILE)
        with self._storing():
            os.fsync(self._file.fileno())
            os.replace(self._part, self.target)
            self._note.unlink(missing_ok=True)

    def _wrong(self, size: int | None, sha256: str | None) -> str:
        if size is not None and self.size != size:
            return f"has {self.size} bytes, and should have {size}"
        if sha256 is not None:
            with self._storing():
                found = _sha256_of(self._part)
            return "" if found == sha256.lower() else f"has the sha256 {found}, and should have {sha256.lower()}"
        return "" if self.size or size == 0 else "is an empty file"

    @contextlib.contextmanager
    def _storing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = error.strerror or str(error)
            if error.errno in _NO_ROOM:
                raise self._no_room(why) from None
            told = f"{self._tried}: cannot be stored as {self.target}: {why}"
            raise ClientError(told, advice="mend that, then run the command again") from None

    def _no_room(self, why: str) -> ClientError:
        folder = self.target.parent
        advice = f"make room on the disk of {folder}, then run the command again: it goes on from there"
        return ClientError(f"{self._tried}: no room for it in {folder}: {why}", advice=advice)
