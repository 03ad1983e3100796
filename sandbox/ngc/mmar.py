"""A published model as NGC hands it out: an MMAR, as files or as one zip.

An MMAR has ``config/`` and ``models/`` at its root, and NGC's zip has no folder above them: AIAA loaded such downloads
unchanged (https://github.com/NVIDIA/ai-assisted-annotation-client/issues/62). Layout:
https://docs.nvidia.com/clara/clara-train-archive/4.0/pt/mmar.html. Of its files here are those that AIAA reads.
"""

import io
import json
import zipfile
from importlib import resources

from sandbox.ngc.catalog import CATALOG
from sandbox.ngc.configs import config_of


class NotPublished(Exception):
    """NGC has no such model, or not in this version."""


def files(name: str, version: str) -> dict[str, bytes]:
    """Path in the MMAR -> content. Raises NotPublished."""
    published = CATALOG.get(name)
    if published is None or version not in published.files:
        raise NotPublished(name, version)
    model = resources.files("sandbox.ngc") / "models" / published.files[version]
    return {
        "config/config_aiaa.json": json.dumps(config_of(name, version), indent=2).encode(),
        f"models/{published.model_file}": model.read_bytes(),
    }


def archive(name: str, version: str) -> bytes:
    """The MMAR as a zip, the same bytes each time. Raises NotPublished."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archived:
        for path, content in files(name, version).items():
            archived.writestr(zipfile.ZipInfo(path), content)
    return written.getvalue()
