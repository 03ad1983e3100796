"""Files that are on this machine only while they are on their way to a server.

What was fetched in part stays for the next run, which goes on from there; what was used goes. Several models of a run
may need the same file at a time, one for each server: it is fetched once, and goes with its last user.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from clients.connection import Deadline
from clients.errors import ClientError

_LOOK_EVERY = 0.2  # seconds between two looks at a lock that another run holds


@dataclass
class _Use:
    """A folder in use: by how many, and the locks of its fetch and against other processes."""

    users: int = 0
    fetch: threading.Lock = field(default_factory=threading.Lock)
    claim: IO[bytes] | None = None
    fetched: Path | None = None


_uses: dict[Path, _Use] = {}
_uses_lock = threading.Lock()


@contextlib.contextmanager
def on_the_way(
    root: Path, name: str, fetch: Callable[[Path], Path], *, deadline: float, tell: Callable[[str], None]
) -> Iterator[Path]:
    """What `fetch` puts into a folder that it is given; it goes with its last user, unless a transfer failed: then the
    next run has it, or the part of it that is here.

    Args:
        root: where such folders are.
        name: of what is fetched; the same name, the same thing.
        fetch: told to fetch again after it was interrupted, it goes on where it was; answers what it fetched.
        deadline: seconds to wait for another run of this machine that is at it.
        tell: is told of such a wait.

    Raises:
        ClientError: that other run did not come to an end in time.
        OSError: this machine's disk is full, or may not be written to.
    """
    folder = root / hashlib.sha256(name.encode()).hexdigest()[:32]
    with _uses_lock:
        use = _uses.setdefault(folder, _Use())
        use.users += 1
    keep = True
    try:
        with use.fetch:
            if use.fetched is None:
                folder.mkdir(parents=True, exist_ok=True)
                if use.claim is None:  # else who tried before holds it still, for all of this process
                    use.claim = _claimed(folder, deadline, tell)
                use.fetched = fetch(folder)
        yield use.fetched
        keep = False
    except ClientError:
        raise
    except Exception:
        keep = False  # it is not what was wanted
        raise
    finally:
        with _uses_lock:
            use.users -= 1
            if not use.users:
                del _uses[folder]
                if not keep or not _bytes_in(folder):
                    shutil.rmtree(folder, ignore_errors=True)
                if use.claim:
                    _lock_of(folder).unlink(missing_ok=True)
                    use.claim.close()


def _claimed(folder: Path, deadline: float, tell: Callable[[str], None]) -> IO[bytes]:
    """The folder's lock, which another stack's run may hold while it fetches and sends the same."""
    limit, path = Deadline(deadline), _lock_of(folder)
    told = False
    while True:
        file = path.open("wb")
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(file, path):
                folder.mkdir(exist_ok=True)  # it may have gone with the other run's last user
                return file
        file.close()
        if not told:
            tell("another run on this machine is at the same files: waiting for it")
            told = True
        if not limit.left:
            raise ClientError(
                f"another run on this machine was at the same files for {deadline:.0f} s (it holds {path})",
                advice="run the command again when it has ended",
            )
        time.sleep(min(_LOOK_EVERY, limit.left))


def _lock_of(folder: Path) -> Path:
    return folder.with_suffix(".lock")


def _is_still(file: IO[bytes], path: Path) -> bool:
    """Whether it was not removed by who held it before."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
