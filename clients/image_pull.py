"""An image on an engine, pulled once, by a separate process that continues when the run is killed.

That process writes to a file of its own, and holds a lock (flock(2)) as long as it lives. Anybody who needs the same
image on the same engine meanwhile reads this file: another server of the run, or the next run after a kill. The next
process gets a new file in the place of this one, so whoever started this one can still read its result.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from clients.errors import ClientError, Unreachable, redacted
from clients.progress import Progress
from engines.address import EngineAddress
from engines.errors import NoEngine

_PROJECT = Path(__file__).parents[1]
_LOOK_EVERY = 0.2  # seconds between two looks at what the process writes
_SOON = 10.0  # seconds: a shorter step gets no line
# Variables that the process does not get: secrets that it does not need, and the mark of a run's processes, which are
# ended with the run.
_NOT_ITS = ("PULUMI_", "XNAT_AIAA_RUN")


@dataclass(frozen=True)
class Wanted:
    """
    Attributes:
        docker_host: the engine; None is the default one.
        image: its name.
        login: user name and password of the stack file for its registry; None to use Docker's own.
        wrong_login: why the stack file's log-in cannot be used; it matters only if the engine lacks the image.
    """

    docker_host: str | None
    image: str
    login: tuple[str, str] | None = None
    wrong_login: str = ""

    def __repr__(self) -> str:
        """Without the password."""
        return f"Wanted({self.docker_host!r}, {self.image!r})"

    @property
    def where(self) -> str:
        """The engine, for people."""
        return f"Docker engine {_address(self.docker_host).url}"

    @property
    def request(self) -> str:
        """What `clients.image_pull_process` reads."""
        document = {"docker_host": self.docker_host, "where": self.where, "image": self.image}
        return json.dumps({**document, "login": self.login, "wrong_login": self.wrong_login})


async def pulled(wanted: Wanted, folder: Path, tell: Callable[[str], None]) -> str:
    """Wait until the engine has an image; returns its id. It is pulled if it is not there.

    Args:
        folder: for the files of such pulls; the same for all runs of this project folder.
        tell: gets lines about a pull that takes long.

    Raises:
        ClientError: the pull failed.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = _file(folder, wanted.docker_host, wanted.image)
    while True:
        begun = _begin(wanted, path)
        lines = _Lines(f"pulling {wanted.image}", tell)
        if begun is None:
            tell(f"pulling {wanted.image}: it is being pulled already; waiting for that")
            ended = await _end_of_others(path, lines)
        else:
            ended = await begun.end(lines)
        if "done" in ended:
            return str(ended["done"])
        if begun is not None:
            secrets = wanted.login[1:] if wanted.login else ()
            raise ClientError(redacted(str(ended["error"]), secrets), advice=redacted(str(ended["advice"]), secrets))
        # A pull that another run began has failed, perhaps because of its log-in: try again with this run's own.


def _file(folder: Path, docker_host: str | None, image: str) -> Path:
    key = f"{_address(docker_host).text}\0{image}"
    return folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.jsonl"


def _address(docker_host: str | None) -> EngineAddress:
    """
    Raises:
        Unreachable: the environment names no engine.
    """
    try:
        return EngineAddress.of(docker_host)
    except NoEngine as error:
        raise Unreachable(str(error), advice=error.advice) from None


@dataclass(frozen=True)
class _Begun:
    """A process that this program started, and the file that it writes."""

    process: subprocess.Popen[str]
    file: IO[bytes]

    async def end(self, lines: _Lines) -> dict[str, Any]:
        """The result, when the process has ended: `done`, or `error` and `advice`."""
        result = _Result(lines)
        with self.file:
            while True:
                ended = self.process.poll() is not None
                result.read(self.file)
                if ended:
                    return result.document
                await asyncio.sleep(_LOOK_EVERY)


def _begin(wanted: Wanted, path: Path) -> _Begun | None:
    """Start the process, unless there is one."""
    _opened(path).close()  # whoever waits for another process reads it
    with _opened(_lock_of(path)) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        with _opened(new) as output:
            file = new.open("rb")
            new.replace(path)
            # The process inherits the open file that the lock belongs to, so it holds the lock from its start to its
            # end. Programs that it starts, such as ssh, which may leave a process of its own behind, do not inherit it.
            # The image's name is there for people who look at a list of processes.
            process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "clients.image_pull_process", wanted.image],
                cwd=_PROJECT,
                env={name: value for name, value in os.environ.items() if not name.startswith(_NOT_ITS)},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=(lock.fileno(),),
                start_new_session=True,  # Ctrl-C is not for it
                text=True,
            )
    assert process.stdin is not None  # noqa: S101 - a pipe was asked for
    with contextlib.suppress(BrokenPipeError):  # it has ended: its file says why
        process.stdin.write(wanted.request)
        process.stdin.close()
    return _Begun(process, file)


async def _end_of_others(path: Path, lines: _Lines) -> dict[str, Any]:
    """The result of the process that another run or another server started, when it has ended."""
    file, result = path.open("rb"), _Result(lines)
    try:
        while True:
            ended = _is_free(_lock_of(path))
            if os.fstat(file.fileno()).st_nlink == 0:  # of an earlier process
                file.close()
                file, result = path.open("rb"), _Result(lines)
            result.read(file)
            if ended:
                return result.document
            await asyncio.sleep(_LOOK_EVERY)
    finally:
        file.close()


class _Result:
    """What a process has written so far."""

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines
        self._last: dict[str, Any] = {}
        self._other = ""

    def read(self, file: IO[bytes]) -> None:
        for line in _whole_lines(file):
            try:
                self._last = dict(json.loads(line))
            except ValueError:
                self._other = line.decode(errors="replace").strip() or self._other
                continue
            self._lines.note(self._last)

    @property
    def document(self) -> dict[str, Any]:
        """Of a process that has ended."""
        if "done" in self._last or "error" in self._last:
            return self._last
        message = f"the process that pulled it ended without a result{f': {self._other}' if self._other else ''}"
        return {"error": message, "advice": "run the command again"}


def _whole_lines(file: IO[bytes]) -> Iterator[bytes]:
    """What was written since the last call, without a last line that is not complete yet."""
    while True:
        start = file.tell()
        line = file.readline()
        if not line.endswith(b"\n"):
            file.seek(start)
            return
        yield line


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")


def _is_free(lock: Path) -> bool:
    with _opened(lock) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _opened(path: Path) -> IO[bytes]:
    return open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))


class _Lines:
    """A small number of lines about a pull, from what the process writes each second."""

    def __init__(self, what: str, tell: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._what, self._tell, self._clock = what, tell, clock
        self._progress = Progress(what, None, tell, clock=clock)
        self._retries = 0
        self._unpacking = False
        self._began = clock()

    def note(self, document: dict[str, Any]) -> None:
        at = document.get("at")
        if not at:
            return
        if at["retries"] > self._retries:
            self._retries = at["retries"]
            self._tell(f"{self._what}: the transfer broke off; the engine tries again (attempt {self._retries})")
        if at["unpacking"]:
            if not self._unpacking and self._clock() - self._began > _SOON:
                self._unpacking = True
                self._tell(f"{self._what}: all layers are downloaded; the engine unpacks them")
            return
        self._progress.at(at["bytes"], total=at["total"], detail=f"{at['complete']} of {at['layers']} layers")
