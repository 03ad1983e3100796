"""Sessions: images kept on the server for a while, so that a viewer uploads a volume once.

Protocol: NVIDIA/ai-assisted-annotation-client py_client/client_api.py and docs/tools.rst (ids are UUIDs of version 1;
the effective expiry is the smaller of the server's and the requested one). The server's maximum, 3600 s, is MONAI
Label's (monailabel/config.py): AIAA's is not published.
"""

import json
import shutil
import tarfile
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sandbox.aiaa.errors import AIAAException
from sandbox.aiaa.http import plain_name
from sandbox.aiaa.workspace import write_whole

MAX_EXPIRY = 3600
"""Seconds; also what an ``expiry`` of 0 gives."""


@dataclass
class Session:
    """One session; ``image`` is a file, or the folder of several, relative to the session's own folder."""

    session_id: str
    image: str
    expiry: int
    last_access: float


class Sessions:
    """``clock`` gives seconds since the epoch."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        self._root = root
        self._clock = clock

    def create(self, files: Sequence[tuple[str, Path]], expiry: int, *, uncompress: bool) -> Session:
        """Store files, given as (name, where), for ``expiry`` seconds.

        uncompress  the one file is an archive: its contents are the session
        """
        self._sweep()
        folder = self._root / str(uuid.uuid1())
        images = folder / "images"
        images.mkdir(parents=True)
        try:
            _fill(images, files, uncompress=uncompress)
        except AIAAException:
            shutil.rmtree(folder)
            raise
        stored = sorted(path for path in images.rglob("*") if path.is_file())
        image = stored[0] if len(stored) == 1 else images
        seconds = min(MAX_EXPIRY, expiry) if expiry > 0 else MAX_EXPIRY
        session = Session(folder.name, str(image.relative_to(folder)), seconds, self._clock())
        self._write(session)
        return session

    def get(self, session_id: str, *, touch: bool = False) -> Session | None:
        """The live session of this id; ``touch`` starts its time anew. None if it is unknown or expired."""
        record = self._record(session_id)
        if record is None:
            return None
        try:
            session = Session(**json.loads(record.read_text(encoding="utf-8")))
        except FileNotFoundError:  # another request may remove it at any time
            return None
        if self._clock() > session.last_access + session.expiry:
            return None
        if touch:
            session.last_access = self._clock()
            self._write(session)
        return session

    def path(self, session: Session) -> Path:
        return self._root / session.session_id / session.image

    def remove(self, session_id: str) -> bool:
        """Close a session; False if there was no live one."""
        if self.get(session_id) is None:
            return False
        shutil.rmtree(self._root / session_id, ignore_errors=True)
        return True

    def _record(self, session_id: str) -> Path | None:
        try:
            return self._root / str(uuid.UUID(session_id)) / "session.json"
        except ValueError:
            return None

    def _write(self, session: Session) -> None:
        write_whole(self._root / session.session_id / "session.json", json.dumps(asdict(session)).encode())

    def _sweep(self) -> None:
        """Remove what has expired. A folder without a record is a session that another request fills, unless it is old:
        then its server was ended meanwhile."""
        for folder in self._root.iterdir():
            if self.get(folder.name) is None and (self._has_record(folder) or self._is_old(folder)):
                shutil.rmtree(folder, ignore_errors=True)

    def _has_record(self, folder: Path) -> bool:
        record = self._record(folder.name)
        return record is not None and record.exists()

    def _is_old(self, folder: Path) -> bool:
        try:
            return self._clock() > folder.stat().st_mtime + MAX_EXPIRY
        except FileNotFoundError:
            return False


def _fill(images: Path, files: Sequence[tuple[str, Path]], *, uncompress: bool) -> None:
    for index, (name, source) in enumerate(files):
        target = images / plain_name(name, index)
        if target.exists():  # several of one name
            target = images / f"{index}-{target.name}"
        shutil.copyfile(source, target)
        if uncompress:
            _unpack(target, images)


def _unpack(archive: Path, folder: Path) -> None:
    is_zip = archive.suffix == ".zip"
    if not is_zip and not hasattr(tarfile, "data_filter"):
        told = "this Python unpacks zip files only: for tar files, which may lead out of their folder, 3.11.4 is needed"
        raise AIAAException("INVALID_INPUT", f"{archive.name} cannot be uncompressed: {told}")
    safely: dict[str, Any] = {} if is_zip else {"filter": "data"}  # which Pythons before that do not know
    try:
        shutil.unpack_archive(archive, folder, **safely)
    except (shutil.ReadError, ValueError) as error:
        raise AIAAException("INVALID_INPUT", f"{archive.name} cannot be uncompressed: {error}") from None
    archive.unlink()
