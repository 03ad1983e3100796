"""What AIAA takes out of an MMAR: its config and its model file, from an upload.

A zip's root has to be the MMAR; with a folder above it the load fails (NVIDIA/clara-train-examples, AIAA.ipynb).
"""

import json
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from sandbox.aiaa.errors import AIAAException

_CONFIG = "config/config_aiaa.json"


def unpacked(archive: Path, model_file: str) -> tuple[Any, Path]:
    """The config and the model's file, which is put beside the archive.

    Raises AIAAException if it is no zip, or has not both at their places from its root.
    """
    model = f"models/{model_file}"
    if not zipfile.is_zipfile(archive):
        raise AIAAException("MODEL_IMPORT_ERROR", "data without config has to be an MMAR as a zip, and is no zip")
    with zipfile.ZipFile(archive) as zipped:
        if missing := [path for path in (_CONFIG, model) if path not in zipped.namelist()]:
            text = f"the archive has no {' and no '.join(missing)}: its root has to be the MMAR"
            raise AIAAException("MODEL_IMPORT_ERROR", text)
        try:
            config = json.loads(zipped.read(_CONFIG))
        except ValueError as error:
            raise AIAAException("MODEL_IMPORT_ERROR", f"{_CONFIG} in the archive is not JSON: {error}") from None
        return config, _extracted(zipped, model, archive)


def model_of(upload: Path, model_file: str) -> Path:
    """The file itself, or the one of that name inside: Clara 3 takes a zipped model too, and TorchScript is a zip."""
    if not zipfile.is_zipfile(upload):
        return upload
    with zipfile.ZipFile(upload) as zipped:
        inside = [path for path in zipped.namelist() if PurePosixPath(path).name == model_file]
        return _extracted(zipped, inside[0], upload) if inside else upload


def _extracted(zipped: zipfile.ZipFile, member: str, archive: Path) -> Path:
    target = archive.with_suffix(".model")
    target.write_bytes(zipped.read(member))
    return target
