"""Requests that XNAT may be working on, noted on disk before they are sent: none of them is ever sent twice.

XNAT answers such a request when all is done, which takes up to hours; an answer that does not come says nothing. So a
note stays until the end of its request has been seen, by whatever command sees it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import quote, urlsplit

from clients.build_target import Target
from clients.errors import one_line
from operations.errors import CommandFailed

FOLDER = "XNAT_AIAA_REQUESTS"
"""Environment variable: where the notes are, seen from the caller's folder, if not in the project's `.requests`."""


@dataclass(frozen=True)
class Noted:
    """
    Attributes:
        target: what is built.
        account: who asked for it. sent: when, in seconds since the epoch.
        missing: accession IDs of the sessions that had no metadata then. had: how many had.
        log_line: the last line of the plugin's log then; None if it could not be seen.
        answer: what was answered. ended: it said that all is done; what came of it is still to be looked at.
    """

    target: Target
    account: str
    sent: float
    missing: tuple[str, ...] = ()
    had: int = 0
    log_line: str | None = None
    answer: str = ""
    ended: bool = False

    @property
    def when(self) -> str:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.sent))

    def __str__(self) -> str:
        return one_line(f"{self.target}, asked for by {self.account} at {self.when}")


class Notes:
    """Those of one XNAT."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, target: Target) -> Noted | None:
        """
        Raises:
            CommandFailed: what is noted cannot be read.
        """
        return self._read(self._path(target)) if self._path(target).exists() else None

    def all(self) -> list[Noted]:
        return [self._read(path) for path in sorted(self._folder.glob("*.json"))]

    def write(self, noted: Noted) -> None:
        """On disk when this returns: whole, or as it was before.

        Raises:
            CommandFailed: it cannot be written.
        """
        path = self._path(noted.target)
        unfinished = path.with_suffix(".part")
        try:
            with unfinished.open("w") as file:
                json.dump(asdict(noted), file)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
            self._flush_folder()
        except OSError as error:
            raise _unusable(path, error) from None

    def answered(self, noted: Noted, told: str, *, ended: bool) -> Noted:
        """The note as it is then.

        Raises:
            CommandFailed: it cannot be written.
        """
        noted = replace(noted, answer=told, ended=ended)
        self.write(noted)
        return noted

    def remove(self, target: Target) -> None:
        """Its end was seen, or it was never accepted."""
        try:
            self._path(target).unlink(missing_ok=True)
            self._flush_folder()
        except OSError as error:
            raise _unusable(self._path(target), error) from None

    def _path(self, target: Target) -> Path:
        name = "site" if target.level == "site" else f"{target.level}-{quote(target.id or target.project, safe='')}"
        return self._folder / f"{name}.json"

    def _read(self, path: Path) -> Noted:
        try:
            document = json.loads(path.read_text())
            fields = {**document, "target": Target(**document["target"]), "missing": tuple(document["missing"])}
            noted = Noted(**fields)
            str(noted)  # it can be shown
            return noted
        except OSError as error:
            raise _unusable(path, error) from None
        except (ValueError, TypeError, LookupError, OverflowError, RecursionError):
            raise CommandFailed(
                f"{path} is no note of a request (any more), but stands for one that XNAT may be working on: when its "
                "ohifviewer.log says that it does not, remove the file, then run the command again"
            ) from None

    def _flush_folder(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def held(xnat: str) -> Iterator[Notes]:
    """The notes of one XNAT, for one command at a time: a lock of the kernel, which goes with its process.

    Args:
        xnat: its URL.

    Raises:
        CommandFailed: another command here is at work on this XNAT, or nothing can be noted.
    """
    folder = _folder(xnat)
    path = folder / "lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("ab+", buffering=0)  # what cannot be written is told by the write, not by the close
    except OSError as error:
        raise _unusable(path, error) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.truncate(0)
            file.write(str(os.getpid()).encode())
        except BlockingIOError:
            raise CommandFailed(
                f"XNAT {xnat}: process {_content(path) or '?'} here has metadata built in it already, and XNAT is "
                "to build one thing at a time: wait for its end, or end it (XNAT goes on all the same)"
            ) from None
        except OSError as error:
            raise _unusable(path, error) from None
        yield Notes(folder)


def _content(path: Path) -> str:
    try:
        return one_line(path.read_text(errors="replace"))
    except OSError:
        return ""


def _folder(xnat: str) -> Path:
    """One for each XNAT, however its URL is spelt."""
    parts = urlsplit(xnat)
    host = (parts.hostname or "").rstrip(".")
    port = f":{parts.port}" if parts.port not in (None, {"http": 80, "https": 443}.get(parts.scheme)) else ""
    url = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}{parts.path.rstrip('/')}"
    named = os.environ.get(FOLDER)
    base = Path(os.environ.get("AIAA_CALLED_FROM", "")) / named if named else Path(__file__).parents[2] / ".requests"
    return base / f"{host}-{hashlib.sha256(url.encode()).hexdigest()[:12]}"


def _unusable(path: Path, error: OSError) -> CommandFailed:
    return CommandFailed(
        f"{path}: what is asked of XNAT is noted there, and cannot be ({error.strerror}): make room or mend its "
        f"rights, or name another folder in {FOLDER}; then run the command again"
    )
