"""Where the lines of ohifviewer.log come from."""

from __future__ import annotations

import os
import queue
import shlex
import subprocess
import threading
import time
from pathlib import Path
from typing import BinaryIO, Protocol

from clients.errors import shortened
from operations.errors import CommandFailed, UsageError
from operations.metadata.build_log import stamp_of

_QUIET = 1.0  # seconds without a line after which a command has told all that there is so far
_QUIET_AT_FIRST = 5.0  # the same for what was there before: a line that came late would be taken for news
_FIRST = 30.0  # seconds for a command's first line: it may log in somewhere
_MOST_AT_FIRST, _MOST = 60.0, 5.0  # seconds for one look at a log that is never quiet
_MARK = 20  # lines, or more if none of them has a time, by which a text is known again


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
        self._path, self._text = path, b""  # text: read and not told yet
        self._file: BinaryIO | None = None

    def read(self) -> list[str]:
        try:
            self._read_on()
            now = self._path.stat()
            if self._file is None or not os.path.samestat(os.fstat(self._file.fileno()), now):
                self.close()  # what it was given at the end of its day is read by now
                self._file = self._path.open("rb")
                self._text += b"\n" if self._text and not self._text.endswith(b"\n") else b""
                self._read_on()
        except OSError as error:
            raise CommandFailed(
                f"--log-file {self._path}: cannot be read: {error.strerror}: name XNAT's ohifviewer.log as this "
                "machine sees it, or leave the option out"
            ) from None
        *lines, self._text = self._text.split(b"\n")
        return [line.decode(errors="replace").rstrip("\r") for line in lines]

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def _read_on(self) -> None:
        if self._file is None:
            return
        if os.fstat(self._file.fileno()).st_size < self._file.tell():  # a start of XNAT has emptied it
            self._file.seek(0)
            self._text = b""
        self._text += self._file.read()


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
        self._mark: list[str] = []  # the end of what was read

    def read(self) -> list[str]:
        fresh = self._process is None
        lines = self._read()
        if fresh and self._mark:  # it prints what it had printed before
            size = len(self._mark)
            known = (at for at in range(size, len(lines) + 1) if lines[at - size : at] == self._mark)
            lines = lines[next(known, 0) :]
        self._mark = _end_of([*self._mark, *lines])
        return lines

    def _read(self) -> list[str]:
        if self._process is None:
            self._run()
            patience, quiet, most = _FIRST, _QUIET_AT_FIRST, _MOST_AT_FIRST
        else:
            patience, quiet, most = 0.0 if self._lines.empty() else _QUIET, _QUIET, _MOST
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
            end = min(last, time.monotonic() + quiet)

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


def _end_of(lines: list[str]) -> list[str]:
    begin = max(0, len(lines) - _MARK)
    while begin and not any(map(stamp_of, lines[begin:])):
        begin -= 1
    return lines[begin:]
