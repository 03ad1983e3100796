"""The models that a pipeline runs, which must be on the same server before it."""

from __future__ import annotations

from typing import Any

from model_files.document import found

ENGINES = ("TRITON", "AIAA")


def parts(config: Any) -> tuple[str, ...]:
    """The names in `args.models` of either engine's section, each once, in order.

    NVIDIA's published pipeline has a list there
    (https://github.com/NVIDIA/clara-train-examples, AIAA/Deepgrow2D3D_pipeline.json); pipelines of one's own may take
    an object whose values are names: https://docs.nvidia.com/clara/clara-train-sdk/aiaa/byom/byoip.html leaves it open.
    """
    names: list[str] = []
    for engine in ENGINES:
        names += named(found(config, "inference", engine, "args", "models"))
    return tuple(dict.fromkeys(names))


def named(models: Any) -> list[str]:
    """The names in a value of `args.models`."""
    values = list(models.values()) if isinstance(models, dict) else models if isinstance(models, list) else []
    return [value for value in values if isinstance(value, str) and value]
