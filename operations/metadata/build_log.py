"""The viewer plugin's ohifviewer.log: the only place that tells how far a build is, and what of it failed.

Its lines are `2024-01-31 14:05:09,123 [thread] INFO  logger - message` (the plugin's ohifviewer-logback.xml), the
messages those of OhifViewerApi.java and JsonMetadataHandler.java. XNAT begins the file anew at each of its starts, and
each day.
"""

from __future__ import annotations

import os
import queue
import re
import shlex
import subprocess
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from clients.build_target import Target
from clients.errors import shortened
from operations.errors import CommandFailed, UsageError

_QUIET = 1.0  # seconds without a line after which a command has told all that there is so far
_FIRST = 30.0  # seconds for a command's first line: it may log in somewhere
_MOST_AT_FIRST, _MOST = 60.0, 5.0  # seconds for one look at a log that is never quiet


class LogSource(Protocol):
    def read(self) -> list[str]:
        """The lines since the last time; all of them at first, and whenever the file was begun anew.

        Raises:
            CommandFailed: it cannot be read.
        """
        ...


class LogFile:
    """One that this machine sees."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset, self._inode, self._rest = path, 0, 0, b""

    def read(self) -> list[str]:
        try:
            with self._path.open("rb") as file:
                now = os.fstat(file.fileno())
                if now.st_ino != self._inode or now.st_size < self._offset:
                    self._inode, self._offset, self._rest = now.st_ino, 0, b""
                file.seek(self._offset)
                text = self._rest + file.read()
                self._offset = file.tell()
        except OSError as error:
            raise CommandFailed(
                f"--log-file {self._path}: cannot be read: {error.strerror}: name XNAT's ohifviewer.log as this "
                "machine sees it, or leave the option out"
            ) from None
        *lines, self._rest = text.split(b"\n")
        return [line.decode(errors="replace").rstrip("\r") for line in lines]


class LogCommand:
    """A command that prints it, as `ssh xnat tail -n +1 -F /data/xnat/home/logs/ohifviewer.log`. It may go on for ever,
    or end: then it is run again at the next look.

    Args:
        line: as a shell takes it, but run without one.

    Raises:
        UsageError: its quotes are not closed.
    """

    def __init__(self, line: str) -> None:
        self._line = line
        try:
            self._words = shlex.split(line)
        except ValueError as error:
            raise UsageError(f"--log-command {line}: {error}") from None
        if not self._words:
            raise UsageError("--log-command: names no command")
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._process: subprocess.Popen[str] | None = None
        self._complaint = ""
        self._last = ""

    def read(self) -> list[str]:
        fresh = self._process is None
        lines = self._read()
        if fresh and self._last in lines:  # it printed what it had printed before
            lines = lines[len(lines) - lines[::-1].index(self._last) :]
        self._last = next((line for line in reversed(lines) if line.strip()), self._last)
        return lines

    def _read(self) -> list[str]:
        if self._process is None:
            self._run()
            patience, most = _FIRST, _MOST_AT_FIRST
        else:
            patience, most = 0.0 if self._lines.empty() else _QUIET, _MOST
        found: list[str] = []
        end = time.monotonic() + patience
        last = time.monotonic() + most
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                return found
            if line is None:
                self._ended(bool(found))
                return found
            found.append(line)
            end = min(last, time.monotonic() + _QUIET)

    def close(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def _run(self) -> None:
        try:
            process = subprocess.Popen(
                self._words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,  # Ctrl-C is ours alone: what the command would say of it is no news
            )
        except OSError as error:
            raise CommandFailed(f"--log-command {self._line}: cannot be run: {error.strerror}") from None
        self._process, self._complaint = process, ""
        threading.Thread(target=self._pump, args=(process,), daemon=True).start()
        threading.Thread(target=self._listen, args=(process,), daemon=True).start()

    def _pump(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        for line in process.stdout:
            self._lines.put(line.rstrip("\r\n"))
        self._lines.put(None)

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None  # noqa: S101 - it is a pipe
        for line in process.stderr:
            self._complaint = line.strip() or self._complaint

    def _ended(self, said_something: bool) -> None:
        assert self._process is not None  # noqa: S101 - its end was read
        code = self._process.wait()
        self._process = None
        if code and not said_something:
            raise CommandFailed(
                f"--log-command {self._line}: ended with {code}: {shortened(self._complaint) or 'it said nothing'}: "
                "try it by hand, it has to print XNAT's ohifviewer.log"
            )


class BuildLog:
    """What the log tells of one request.

    Args:
        after: the last line before the request was sent; None if it is not known. Where it is not found, the file was
            begun anew since then, and all of it counts. Where it is not known, a build that had ended before the first
            look may be an earlier one, and does not count.

    Attributes:
        last: the last line of all.
        requested: XNAT began with it. complete: and ended.
        listed: sessions that belong to it. begun, stored: those of them that it began with, and that it finished.
    """

    def __init__(self, target: Target, after: str | None = None) -> None:
        self._target, self.after = target, after
        self.last = ""
        self._looked = False
        self._forget()

    def feed(self, lines: Iterable[str]) -> None:
        """What was read since the last time."""
        for line in lines:
            self._line(line)
        if not self._looked and self.after is None and self.complete:
            self._forget()
        self._looked = True

    def _forget(self) -> None:
        self.requested = self.complete = False
        self.listed: set[str] = set()
        self.begun: set[str] = set()
        self.stored: set[str] = set()

    def _line(self, line: str) -> None:
        if line.strip():
            self.last = line
        if self.after and line == self.after:
            self._forget()
            return
        message = line.rpartition(" - ")[2].strip()
        if message == f"{self._target.logged_as} metadata creation requested":
            if not self.complete or not self._looked:
                self._forget()
                self.requested = True
        elif self.requested and not self.complete:
            if message == f"{self._target.logged_as} metadata creation complete":
                self.complete = True
            elif found := re.fullmatch(r"ImageSession ID: (\S+)", message):
                self.listed.add(found[1])
            elif found := re.fullmatch(r"(?:Creating|Migrating) session metadata for (\S+)", message):
                self.begun.add(found[1])
            elif found := re.fullmatch(r"Session (\S+) metadata created and stored", message):
                self.stored.add(found[1])

    @property
    def failed(self) -> set[str]:
        """Sessions that it gave up; known when it is complete."""
        return (self.begun & self.listed) - self.stored
