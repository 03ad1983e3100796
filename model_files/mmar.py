"""An MMAR (medical model archive), as a zip file or unpacked: of it AIAA reads its configuration and the weights.

Its layout: https://docs.nvidia.com/clara/clara-train-sdk/pt/mmar.html (Clara 4.1) and
https://docs.nvidia.com/clara/clara-train-archive/3.1/nvmidl/mmar.html. AIAA itself takes no zip with a folder around
the MMAR (https://github.com/NVIDIA/clara-train-examples, PyTorch/NoteBooks/AIAA/AIAA.ipynb); here one is looked into.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO

from model_files.config_schema import Api
from model_files.content import ZIP, head_of, stray
from model_files.errors import Unusable, shortened, size_in_words
from model_files.mmar_entries import LARGEST_CONFIG, require_readable, require_safe
from model_files.torchscript import DAMAGED

CONFIG = "config/config_aiaa.json"
_CHUNK = 1 << 20
_FIRST_PART, _END = b"PK\x07\x08", b"PK\x05\x06"
_LONGEST_END = 22 + 65535  # bytes: the record at an archive's end, and a comment


def weights_of(api: Api) -> str:
    """Where the weights are that a server of this generation takes."""
    return "models/model.trt.pb" if api == "clara-3.1" else "models/model.ts"


class NoMmar(Unusable):
    """The file or folder is no MMAR that could be used."""


class Mmar(ABC):
    """
    Attributes:
        config: `config_aiaa.json`, as it is.
        config_name, weights_name: where they are in the MMAR, with the folder around it, if there is one.
        weights_size: bytes.
    """

    def __init__(self, path: Path, names: Collection[str], api: Api) -> None:
        self._path = path
        top = self._top(names)
        self.config_name = top + CONFIG
        self.weights_name = top + weights_of(api)
        if self.weights_name not in names:
            raise NoMmar(f"{path}: {_no_weights(names, top, self.weights_name)}")
        for name in (self.config_name, self.weights_name):
            self._require_readable(name)
        if (size := self._size(self.config_name)) > LARGEST_CONFIG:
            raise NoMmar(f"{path}: {self.config_name} has {size_in_words(size)}, which no configuration has")
        with self._open(self.config_name) as file:
            self.config = b"".join(self._chunks(file))
        self.weights_size = self._size(self.weights_name)

    @staticmethod
    @contextlib.contextmanager
    def open(path: Path, api: Api) -> Iterator[Mmar]:
        """
        Args:
            path: of a zip file or a folder.
            api: of the server, which decides which file has the weights.

        Raises:
            NoMmar: it is none, is damaged, or lacks a part; with what is there instead.
        """
        if os.path.isdir(path):  # False for what cannot be looked at, which is told below
            yield _Folder(path, api)
        else:
            with _zip_file(path) as archive:
                yield _Zip(path, archive, api)

    @abstractmethod
    def extract_weights(self, to: Path) -> Path:
        """The weights as a file of their own; one that was in a zip file is written into the folder `to`, and is there
        when it is whole.

        Raises:
            NoMmar: they are damaged.
            OSError: they cannot be written.
        """

    def weights_sha256(self) -> str:
        """Hexadecimal; read piece by piece.

        Raises:
            NoMmar: they are damaged.
        """
        sha256 = hashlib.sha256()
        with self._open(self.weights_name) as file:
            for chunk in self._chunks(file):
                sha256.update(chunk)
        return sha256.hexdigest()

    @abstractmethod
    def _require_readable(self, name: str) -> None:
        """
        Raises:
            NoMmar: the entry cannot be read. This is checked before it is read.
        """

    @abstractmethod
    def _open(self, name: str) -> IO[bytes]: ...

    @abstractmethod
    def _size(self, name: str) -> int: ...

    def _chunks(self, file: IO[bytes]) -> Iterator[bytes]:
        try:
            while chunk := file.read(_CHUNK):
                yield chunk
        except DAMAGED as error:
            what = shortened(str(error)) or "an entry ends too early"
            raise NoMmar(f"{self._path}: is damaged: {what}: copy or download it again") from None

    def _top(self, names: Collection[str]) -> str:
        """`""`, or the one folder around the MMAR, with its slash."""
        if CONFIG in names:
            return ""
        tops = [name.removesuffix(CONFIG) for name in names if name.endswith(f"/{CONFIG}") and name.count("/") == 2]
        tops = [top for top in tops if top != "__MACOSX/"]  # where macOS keeps what it knows of files
        if len(tops) == 1:
            return tops[0]
        if tops:
            raise NoMmar(f"{self._path}: holds several MMARs ({_some(tops)}): give one of them")
        if any("/code/" in name for name in names):
            raise NoMmar(f"{self._path}: is no MMAR but TorchScript, weights alone: give it as data, with a config")
        there = [name for name in names if name.startswith("config/")] or {name.partition("/")[0] for name in names}
        raise NoMmar(
            f"{self._path}: has no {CONFIG}, at its root or in one folder; there is: {_some(there)}: "
            "add AIAA's configuration, or give an MMAR that has one"
        )


class _Folder(Mmar):
    def __init__(self, path: Path, api: Api) -> None:
        # Links are followed: the folder is the user's own, and tools that keep large files elsewhere leave links.
        found = [
            file for places in ("*", "config/*", "models/*", "*/config/*", "*/models/*") for file in path.glob(places)
        ]
        super().__init__(path, {file.relative_to(path).as_posix() for file in found if file.is_file()}, api)

    def extract_weights(self, to: Path) -> Path:
        del to
        return self._path / self.weights_name

    def _require_readable(self, name: str) -> None:
        del name

    def _open(self, name: str) -> IO[bytes]:
        try:
            return (self._path / name).open("rb")
        except OSError as error:
            raise NoMmar(f"{self._path / name}: cannot be read: {error.strerror}") from None

    def _size(self, name: str) -> int:
        return (self._path / name).stat().st_size


class _Zip(Mmar):
    def __init__(self, path: Path, archive: zipfile.ZipFile, api: Api) -> None:
        self._archive = archive
        for entry in archive.infolist():
            try:
                require_safe(entry)
            except Unusable as error:
                raise NoMmar(f"{path}: {error}") from None
        super().__init__(path, {entry.filename for entry in archive.infolist() if not entry.is_dir()}, api)

    def extract_weights(self, to: Path) -> Path:
        target = to / self.weights_name.rpartition("/")[2]
        descriptor, name = tempfile.mkstemp(dir=to, prefix=".", suffix=".new")
        try:
            with os.fdopen(descriptor, "wb") as out, self._open(self.weights_name) as file:
                for chunk in self._chunks(file):
                    out.write(chunk)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return target

    def _require_readable(self, name: str) -> None:
        try:
            require_readable(self._archive.getinfo(name))
        except Unusable as error:
            raise NoMmar(f"{self._path}: {error}") from None

    def _open(self, name: str) -> IO[bytes]:
        try:
            return self._archive.open(name)
        except DAMAGED as error:
            raise NoMmar(
                f"{self._path}: {name} cannot be read: {shortened(str(error))}: copy or download it again"
            ) from None

    def _size(self, name: str) -> int:
        return self._archive.getinfo(name).file_size


def _zip_file(path: Path) -> zipfile.ZipFile:
    try:
        head = head_of(path)
    except OSError as error:
        raise NoMmar(f"{path}: cannot be read: {error.strerror}") from None
    if told := stray(head):
        raise NoMmar(f"{path}: {told}")
    if _is_a_part(path, head):
        raise NoMmar(f"{path}: is a part of an archive in several files: pack the MMAR again, into one file")
    if not head.startswith(ZIP):
        raise NoMmar(f"{path}: is neither a zip archive nor a folder: give the MMAR as one of them")
    try:
        return zipfile.ZipFile(path)
    except NotImplementedError as error:
        message = f"is a zip archive of a kind that cannot be read here ({shortened(str(error))})"
        raise NoMmar(f"{path}: {message}: pack the MMAR again with another program") from None
    except DAMAGED as error:
        told = f"is no whole zip archive ({shortened(str(error))}), as after a copy that was cut off"
        raise NoMmar(f"{path}: {told}: copy or download it again") from None


def _is_a_part(path: Path, head: bytes) -> bool:
    """Whether it is the first or the last of several files that make an archive."""
    if head.startswith(_FIRST_PART):
        return True
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LONGEST_END))
        end = file.read()
    place = end.rfind(_END)
    number = end[place + 4 : place + 6]
    return place >= 0 and number not in (
        b"\0\0",
        b"\xff\xff",
    )  # the second value means that the number is stored elsewhere


def _no_weights(names: Collection[str], top: str, wanted: str) -> str:
    there = sorted(name.rpartition("/")[2] for name in names if name.startswith(f"{top}models/"))
    what = f"has no {wanted}; in models there is: {_some(there)}"
    if wanted.endswith(".ts") and "model.pt" in there:
        return f"{what}: run the MMAR's commands/export.sh, which makes model.ts of model.pt"
    if wanted.endswith(".ts") and any(name.endswith(".pb") for name in there):
        return f"{what}: this is an MMAR of Clara 3, and from Clara 4.0 a TorchScript model.ts is needed"
    if wanted.endswith(".pb") and "model.ts" in there:
        return f"{what}: this is an MMAR of Clara 4, and Clara 3.1 needs a TensorFlow graph"
    return f"{what}: run the MMAR's commands/export.sh, or add the file"


def _some(names: Collection[str]) -> str:
    return shortened(", ".join(sorted(names)[:6])) or "nothing"
