"""Which class infers: one of AIAA's own, or one that the model's owner has put into the workspace's `lib`.

Our checks apply only to AIAA's own classes. Another class decides itself which files and arguments it takes
(https://docs.nvidia.com/clara/clara-train-sdk/aiaa/byom/byoi.html, and byoip.html beside it; of 3.1 under
https://docs.nvidia.com/clara/clara-train-archive/3.1/aiaa/byom/).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model_files.config_schema import Api, Engine
from model_files.document import found

SECTION: dict[Engine, str] = {"triton": "TRITON", "native": "AIAA"}
CLASS: dict[Engine, str] = {"triton": "aiaa.inference.TritonInference", "native": "aiaa.inference.PyTorchInference"}
_PIPELINE = "DeepgrowInferencePipeline"
# Packages of Clara Train by their names in Python: of 4.x; of 3.x.
_PACKAGES = ("aiaa.", "ai4med.", "nvmidl.")


def section_of(config: Any, api: Api, engine: Engine) -> Mapping[str, Any] | None:
    """The part of a configuration that names the class: the engine's, or before Clara 4 `inference` itself."""
    section = found(config, "inference") if api == "clara-3.1" else found(config, "inference", SECTION[engine])
    return section if isinstance(section, Mapping) else None


def is_aiaas_own(section: Mapping[str, Any], api: Api = "clara-4.0") -> bool:
    """By its path, or by the short name that AIAA takes too. In 3.1 every class without a path is AIAA's, and the name
    may be left out."""
    name = section.get("name")
    if api == "clara-3.1" and (name is None or (isinstance(name, str) and "." not in name)):
        return True
    short = (*(own.rpartition(".")[2] for own in CLASS.values()), _PIPELINE)
    return isinstance(name, str) and (name.startswith(_PACKAGES) or name in short)


def is_aiaas_pipeline(section: Mapping[str, Any]) -> bool:
    """Whether it is a class of AIAA's that runs other models."""
    name = section.get("name")
    return isinstance(name, str) and is_aiaas_own(section) and name.endswith("Pipeline")


def takes_any_file(config: Any, api: Api, engine: Engine) -> bool:
    """Whether any file may be the weights: the class is the owner's own, and Triton does not load them."""
    section = section_of(config, api, engine)
    if section is None or is_aiaas_own(section, api):
        return False
    triton = section.get("trtis" if api == "clara-3.1" else "triton_model_config")
    if engine == "native" or not isinstance(triton, Mapping):
        return True
    if api == "clara-3.1":
        return False
    return triton.get("platform") != "pytorch_libtorch" and triton.get("backend") != "pytorch"
