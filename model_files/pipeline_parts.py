"""The models that a pipeline runs, which must be on the same server before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model_files.document import found
from model_files.inference_class import SECTION, is_aiaas_pipeline


def parts(config: Any) -> tuple[str, ...]:
    """The names in `args.models`, each once, in order: of both engines' sections, or of `inference` itself where the
    configuration has none, as before Clara 4.

    Of type `pipeline`, and of AIAA's own pipeline class whatever the type; in any other class, `args.models` may be
    anything. NVIDIA's published pipeline has a list there
    (https://github.com/NVIDIA/clara-train-examples, AIAA/Deepgrow2D3D_pipeline.json); pipelines of one's own may take
    an object whose values are names: https://docs.nvidia.com/clara/clara-train-sdk/aiaa/byom/byoip.html leaves it open.
    """
    inference = found(config, "inference")
    sections = [found(inference, name) for name in SECTION.values()]
    if not any(isinstance(section, Mapping) for section in sections):
        sections = [inference]
    is_pipeline = found(config, "type") == "pipeline"
    names: list[str] = []
    for section in sections:
        if isinstance(section, Mapping) and (is_pipeline or is_aiaas_pipeline(section)):
            names += named(found(section, "args", "models"))
    return tuple(dict.fromkeys(names))


def named(models: Any) -> list[str]:
    """The names in a value of `args.models`."""
    values = list(models.values()) if isinstance(models, dict) else models if isinstance(models, list) else []
    return [value for value in values if isinstance(value, str) and value]
