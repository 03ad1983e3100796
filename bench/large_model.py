"""A TorchScript file as large as one likes: the demonstration model's, with weights that it does not need."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

_DEMO = Path(__file__).parents[1] / "models" / "liver_demo"
_MEGABYTE = 1 << 20


def write(folder: Path, megabytes: int) -> tuple[Path, Path]:
    """`config_aiaa.json` and `model.ts` in a folder; the latter has so many times 2^20 bytes, and a little."""
    config = Path(shutil.copy(_DEMO / "config_aiaa.json", folder))
    weights, block = folder / "model.ts", os.urandom(_MEGABYTE)
    with ZipFile(_DEMO / "model.ts") as demo, ZipFile(weights, "w", ZIP_STORED) as archive:
        for entry in demo.infolist():
            archive.writestr(entry, demo.read(entry))
        with archive.open("model/data/0", "w") as tensor:
            for _ in range(megabytes):
                tensor.write(block)
    return config, weights
