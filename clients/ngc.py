"""NVIDIA's NGC: which models its catalogue has, and their files.

What there is and where, NVIDIA's own SDK finds out (`clients.ngc_sdk`): it knows keys, guests and licences. The files
are fetched by `clients.download`, from the signed addresses that the SDK would fetch them from. The SDK (4.37.0) makes
each file in its full size before the first byte, begins anew after an interruption, and compares no checksum.

The address of a whole model as one zip (`/v2/models/nvidia/med/<name>/versions/<version>/zip`, Project-MONAI/MONAI
monai/apps/mmars/model_desc.py) is not used. It was seen to come without a length, so that half of it passes for all,
and empty (https://github.com/NVIDIA/Megatron-LM/issues/98), and not to come where the files did
(https://github.com/NVIDIA-NeMo/Speech/issues/3401).
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from clients.connection import Deadline
from clients.download import download
from clients.errors import Broken, ClientError, Refused, Rejected
from clients.ngc_key import Key
from clients.ngc_process import URL, SdkProcess
from clients.partial_file import holds

MEDICAL = "nvidia/med"  # where models for medical imaging are

_LIST_TIMEOUT = 60.0  # seconds


@dataclass(frozen=True)
class CatalogModel:
    """
    Attributes:
        path: as `nvidia/med/clara_pt_spleen_ct_segmentation`.
        version: the latest, a text.
        kind: NGC's application, as `Segmentation`.
        told: what the model is for.
    """

    name: str
    path: str
    version: str
    kind: str
    told: str


@dataclass(frozen=True)
class _File:
    path: str
    size: int
    sha256: str | None
    url: str


class NgcCatalog:
    """NGC, for a guest or with a key.

    Args:
        url: of NGC; http is for guests on this machine's own loopback.
        ca_file: certificate authority for https; None is the system's.

    Raises:
        ClientError: all methods: the SDK is not installed, or the address is none.
    """

    def __init__(self, url: str = URL, key: Key | None = None, *, ca_file: str | None = None) -> None:
        self.url = (url if "://" in url else f"https://{url}").rstrip("/")
        self._key, self._ca_file = key, ca_file

    def models(self, folder: str = MEDICAL) -> list[CatalogModel]:
        """What the catalogue shows to everybody, by name.

        Raises:
            Unreachable, NotReady, Rejected, Broken: see `clients.errors`.
        """
        about = {"pattern": f"{folder}/*"}
        found = self._process(None).ask("models", about, Deadline(_LIST_TIMEOUT), f"list {folder}")
        if not found:
            raise Rejected(
                f"NGC at {self.url} lists no models in {folder}", advice="look at its catalogue in a browser"
            )
        return sorted((CatalogModel(**model) for model in found), key=lambda model: model.name)

    def fetch(
        self,
        path: str,
        version: str,
        folder: Path,
        deadline: float,
        tell: Callable[[str], None],
        *,
        wanted: Sequence[str] = ("*",),
    ) -> Path:
        """Fetch the files of a model, each compared with the size and the SHA-256 that NGC has of it. Another call goes
        on where one was interrupted, and fetches nothing twice.

        Args:
            path, version: NGC's, as `nvidia/med/clara_pt_spleen_ct_segmentation` and `1`.
            folder: is there.
            deadline: seconds.
            wanted: patterns of the files' paths, as `models/model.ts`; `*` stands for slashes, too.

        Returns:
            The MMAR: a folder in `folder`, named as NGC's own tool does, as `clara_pt_spleen_ct_segmentation_v1`.

        Raises:
            Unreachable, NotReady, Refused, Rejected, Broken: see `clients.errors`.
            ClientError: this machine cannot store it.
        """
        limit = Deadline(deadline)
        mmar = folder / f"{path.rpartition('/')[2]}_v{version}"
        for file in self._files(path, version, wanted, limit):
            place = _place(mmar, file.path, f"NGC's {path}:{version}")
            if not holds(place, file.size, file.sha256):
                self._download(path, version, file, place, limit, tell)
        return mmar

    def _download(
        self, path: str, version: str, file: _File, place: Path, limit: Deadline, tell: Callable[[str], None]
    ) -> None:
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ClientError(f"{place.parent}: {error.strerror}", advice="mend that, then run it again") from None

        def get(url: str) -> None:
            download(
                url,
                place,
                deadline=limit.left,
                sha256=file.sha256,
                size=file.size,
                ca_file=self._ca_file,
                tell=tell,
            )

        try:
            get(file.url)
        except Refused:  # its address was good for some minutes, and others came first
            get(self._files(path, version, [glob.escape(file.path)], limit)[0].url)

    def _files(self, path: str, version: str, wanted: Sequence[str], limit: Deadline) -> list[_File]:
        about = {"path": path, "version": version, "wanted": list(wanted)}
        found = self._process(self._key).ask("files", about, limit, f"{path}:{version}")
        model = f"{path} at {self.url}"
        if "latest" in found:
            raise Rejected(f"{model} has no version {version}", advice=f"its latest is {found['latest'] or 'unknown'}")
        if found["status"] != "UPLOAD_COMPLETE":
            told = f"{model} has no complete version {version} yet, but one in the state {found['status']}"
            raise Rejected(told, advice="take another one: `bin/aiaa ngc list` shows the latest")
        if not found["files"]:
            told = f"{model} has no file {' or '.join(wanted)} in version {version}"
            raise Rejected(told, advice="look at its files in NGC's catalogue: it may be for another Clara")
        return [_File(**file) for file in found["files"]]

    def _process(self, key: Key | None) -> SdkProcess:
        return SdkProcess(self.url, key, self._ca_file)


def _place(mmar: Path, path: str, what: str) -> Path:
    """Where a file of the MMAR goes, which is nowhere outside of it."""
    parts = PurePosixPath(path).parts
    if not parts or ".." in parts or parts[0] == "/" or "\0" in path:
        raise Broken(f"{what} has a file named {path}", advice="do not use it")
    return mmar.joinpath(*parts)
