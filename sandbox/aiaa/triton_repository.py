"""Triton's model repository as AIAA writes it: one folder per model, polled by Triton.

Triton in poll mode takes every folder of the repository for a model, also one whose name starts with a dot, and a
starting Triton gives up if one of them is incomplete (seen with 2.51: ``failed to load all models``). It ignores plain
files. So a new file is staged as a plain file at the top of the repository, which is on the same filesystem wherever
the repository is mounted, and renamed into place; ``config.pbtxt`` comes last. Each upload's config carries a mark:
when Triton reports that mark, it read the config after the model file was in place, so it serves that file.

Two more things seen with 2.51: its Python backend writes ``__pycache__`` beside ``model.py``, as root, and Triton takes
that for a change and loads the model a second time; a plain file of that name prevents both. And if ``model.py`` goes
away while it is being loaded, Triton hangs for good: so a folder is removed only for a model that was served.
"""

import shutil
import uuid
from importlib import resources
from pathlib import Path
from typing import Any

from google.protobuf import json_format, text_format  # type: ignore[import-untyped, unused-ignore]
from tritonclient.grpc import model_config_pb2

from sandbox.aiaa.errors import AIAAException
from sandbox.aiaa.workspace import PART, stage

MARK = "sandbox_upload"
"""The config parameter that carries an upload's mark."""


class TritonRepository:
    def __init__(self, root: Path) -> None:
        self._root = root

    def publish(self, name: str, config: dict[str, Any], model: Path) -> str:
        """Write or replace a model; returns the mark that Triton reports once it serves it.

        config  ``triton_model_config`` of the AIAA config: Triton's ModelConfig as JSON
        Raises AIAAException if that is not a ModelConfig that Triton can load: it would stop Triton's next start.
        """
        mark = uuid.uuid4().hex
        pbtxt = _pbtxt(name, config, mark)
        folder = self._root / name
        staged = {
            folder / "1" / "model.ts": stage(model, self._root),
            folder / "1" / "model.py": stage(_backend_source(), self._root),
            folder / "config.pbtxt": stage(pbtxt.encode(), self._root),
        }
        (folder / "1").mkdir(parents=True, exist_ok=True)
        (folder / "1" / "__pycache__").touch()
        for target, part in staged.items():
            part.replace(target)
        return mark

    def remove(self, name: str) -> None:
        """Take a model away; Triton unloads it when it polls next. Nothing to remove is no error."""
        if (self._root / name).exists():
            shutil.rmtree(self._root / name)

    def sweep(self) -> None:
        """Remove what a killed server left: staged files and folders without a config, which stop a starting Triton."""
        for entry in self._root.iterdir():
            if entry.suffix == PART:
                entry.unlink()
            elif entry.is_dir() and not (entry / "config.pbtxt").exists():
                shutil.rmtree(entry)


def _backend_source() -> bytes:
    return resources.files("sandbox.aiaa").joinpath("triton_backend.py").read_bytes()


def _pbtxt(name: str, config: dict[str, Any], mark: str) -> str:
    try:
        parsed = json_format.ParseDict(config, model_config_pb2.ModelConfig())
    except json_format.ParseError as error:
        raise AIAAException("MODEL_IMPORT_ERROR", f"triton_model_config of {name}: {error}") from None
    if not parsed.input or not parsed.output or not all(tensor.dims for tensor in (*parsed.input, *parsed.output)):
        raise AIAAException("MODEL_IMPORT_ERROR", f"triton_model_config of {name}: input and output need dims")
    parsed.name = name
    parsed.ClearField("platform")
    parsed.ClearField("default_model_filename")
    parsed.ClearField("instance_group")
    parsed.backend = "python"
    parsed.instance_group.add(kind=model_config_pb2.ModelInstanceGroup.KIND_CPU, count=1)
    parsed.parameters[MARK].string_value = mark
    written: str = text_format.MessageToString(parsed)
    return written
