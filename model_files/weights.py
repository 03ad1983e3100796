"""Whether the inference class of a model can load a file of weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from model_files import torchscript
from model_files.config_schema import Api, Engine
from model_files.content import ZIP, head_of, no_file
from model_files.errors import one_line
from model_files.inference_class import takes_any_file


def problems(path: Path, config: Any, *, api: Api, engine: Engine, file: str | None = None) -> str | None:
    """Why the file is not what a server of this generation needs for this configuration, and what to do, in one line;
    None if it may be.

    Args:
        file: what the file is called; None for its path.
    """
    if not takes_any_file(config, api, engine):
        return torchscript.problems(path, api=api, file=file)
    try:
        wrong = no_file(head_of(path))
    except OSError as error:
        wrong = f"cannot be read: {error.strerror or error}"
    return one_line(f"{file or path}: {wrong}") if wrong else None


def sent_as(path: Path, config: Any, *, api: Api, engine: Engine, name: str) -> str:
    """The name by which the server gets the file.

    Args:
        name: the file's own.

    Raises:
        OSError: the file cannot be read.
    """
    if takes_any_file(config, api, engine):
        return name
    if api != "clara-3.1":
        return "model.ts"
    return "model.zip" if head_of(path).startswith(ZIP) else "model.trt.pb"
