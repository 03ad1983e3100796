"""The folder that AIAA keeps everything in, laid out as a real 4.0 server's log shows it.

Source: the start-up log in visiont3lab/clara-train-examples:PyTorch/NoteBooks/AIAA/AIAA.ipynb (executed cells).
"""

import errno
import json
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

PART = ".part"
"""How the name of a file ends that is still being written."""


class Workspace:
    """Paths in the workspace, and the registry of loaded models.

    The registry, ``aiaa-models-config.json``, maps a model's name to its config; it is read again at every start.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.models = root / "models"
        self.triton_models = root / "triton_models"
        self.sessions = root / "sessions"
        self.lib = root / "lib"
        self.downloads = root / "downloads" / "0"
        self.log = root / "logs" / "0" / "aiaa.log"
        self._folders = (self.models, self.triton_models, self.sessions, self.downloads, self.log.parent)
        self.registry = root / "aiaa-models-config.json"
        self.run_config = root / "aiaa-run-config.json"

    def create(self) -> None:
        """Make the folders that are missing. Raises PermissionError if the workspace belongs to somebody else."""
        for folder in self._folders:
            folder.mkdir(parents=True, exist_ok=True)

    def check_writable(self) -> None:
        """Raises PermissionError, with the folder as its ``filename``, if one is not writable."""
        for folder in self._folders:
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, "not writable", str(folder))

    def read_registry(self) -> dict[str, dict[str, Any]]:
        if not self.registry.exists():
            return {}
        entries: dict[str, dict[str, Any]] = json.loads(self.registry.read_text(encoding="utf-8"))
        return entries

    def write_registry(self, entries: dict[str, dict[str, Any]]) -> None:
        write_whole(self.registry, json.dumps(entries, indent=2).encode())


def write_whole(path: Path, content: bytes) -> None:
    """Put a file in place by renaming: a reader, or a kill, never meets half of it."""
    stage(content, path.parent).replace(path)


def stage(content: bytes | Path, folder: Path) -> Path:
    """Write content, or copy a file, under a passing name in ``folder``; the caller renames it to where it belongs."""
    part = folder / f".{uuid.uuid4().hex}{PART}"
    try:
        if isinstance(content, Path):
            shutil.copyfile(content, part)
        else:
            part.write_bytes(content)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    return part
