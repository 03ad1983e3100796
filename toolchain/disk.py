"""Free disk, looked at before it is needed."""

from __future__ import annotations

import shutil
from pathlib import Path

from toolchain.errors import SetUpError

_GB = 10**9


def need(gigabytes: float, what: str, folder: Path) -> None:
    """
    Raises:
        SetUpError: the file system that `folder` is or will be on has less free.
    """
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free / _GB
    if free < gigabytes:
        raise SetUpError(f"{what} needs {gigabytes:.1f} GB on the disk of {existing}, but {free:.1f} GB are free")
