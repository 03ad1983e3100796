"""From a config to what this server runs; everything that can be wrong with a config is found here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.aiaa.deepgrow_pipeline import DeepgrowPipeline
from sandbox.aiaa.engines import DEEPGROW_PIPELINE, TRITON_INFERENCE, TRTIS_INFERENCE, Engine, engine_of, shown
from sandbox.aiaa.errors import AIAAException
from sandbox.aiaa.generations import Generation
from sandbox.aiaa.inference import Inference

_TYPES = ("segmentation", "annotation", "classification", "deepgrow", "others", "pipeline")
_REQUIRED = ("version", "type", "labels")
_VERSIONS_OF_CLARA_3 = ("2", "3")


class CustomInference:
    """A class of the user's own from ``<workspace>/lib``: loaded and listed, but not run here."""

    def __init__(self, name: str, engine: Engine) -> None:
        self.triton_model_config = engine.triton_model_config
        self.refusal = f"{name} is run by {engine.name}: this stand-in runs no code of users"


Loaded = Inference | DeepgrowPipeline | CustomInference


def build(name: str, config: Any, generation: Generation, lib: Path) -> Loaded:
    """
    lib  the workspace's folder of user code
    Raises AIAAException for a config that a server of this generation cannot load.
    """
    _check(config, generation)
    engine = engine_of(config, tensorflow=generation.tensorflow)
    inference = Inference(name, config, engine, generation)  # a pipeline's transforms are instantiated too: recorded
    if engine.name == DEEPGROW_PIPELINE and not generation.tensorflow:
        return DeepgrowPipeline(name, engine)
    if engine.name == (TRTIS_INFERENCE if generation.tensorflow else TRITON_INFERENCE):
        if engine.triton_model_config is None:
            raise AIAAException("MODEL_IMPORT_ERROR", f"config of {name} has no triton_model_config")
        return inference
    module, _, short = engine.name.rpartition(".")
    top = module.partition(".")[0]
    if not top or not ((lib / f"{top}.py").is_file() or (lib / top).is_dir()):
        reason = f"No module named '{module or short}'"
        raise AIAAException("CLASS_INIT_ERROR", f"Instantiation of class {short} failed: {reason}.")
    return CustomInference(name, engine)


def entry(name: str, config: Mapping[str, Any], generation: Generation) -> dict[str, Any]:
    """A model's public entry. ``version`` is always a string; what the config tells clients is merged in.

    Recorded: visiont3lab/clara-train-examples AIAA.ipynb, and https://discourse.slicer.org/t/error-in-nvidia-aiaa/20730;
    of 3.x: oncai/ohif-viewer-xnat, extensions/xnat/src/aiaa-tools (a captured list).
    """
    return {
        "name": name,
        "labels": list(config["labels"]),
        "description": config.get("description", ""),
        "version": str(config["version"]),
        "type": config["type"],
        **shown(config, tensorflow=generation.tensorflow),
    }


def _check(config: Any, generation: Generation) -> None:
    if not isinstance(config, dict):
        raise AIAAException("MODEL_IMPORT_ERROR", "config is not a JSON object")
    if missing := [key for key in _REQUIRED if key not in config]:
        raise AIAAException("MODEL_IMPORT_ERROR", f"config lacks {', '.join(missing)}")
    if config["type"] not in _TYPES:
        raise AIAAException("MODEL_IMPORT_ERROR", f"config type {config['type']!r} is not one of {', '.join(_TYPES)}")
    if generation.tensorflow and str(config["version"]) not in _VERSIONS_OF_CLARA_3:
        raise AIAAException("MODEL_IMPORT_ERROR", f"config version {config['version']!r} is not 3 or 2")
