"""How AIAA takes a model from NGC. Here NGC is the catalogue of :mod:`sandbox.ngc`, without a network between."""

from pathlib import Path

from sandbox.aiaa.errors import AIAAException
from sandbox.ngc import mmar

_PREFIX = "nvidia/med/"


def download(path: str, version: str, folder: Path) -> Path:
    """Put ``<name>_v<version>`` with ``config/config_aiaa.json`` and the model in ``models`` into ``folder``.

    path  ``nvidia/med/<name>``; raises AIAAException for a path or version that is not in the catalogue
    """
    name = path.removeprefix(_PREFIX)
    try:
        files = mmar.files(name if path.startswith(_PREFIX) else "", version)
    except mmar.NotPublished:
        raise AIAAException("MODEL_IMPORT_ERROR", f"NGC has no model {path}, version {version}") from None
    target = folder / f"{name}_v{version}"
    for inside, content in files.items():
        (target / inside).parent.mkdir(parents=True, exist_ok=True)
        (target / inside).write_bytes(content)
    return target
