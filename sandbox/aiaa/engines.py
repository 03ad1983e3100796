"""A config's part ``inference`` as the engine reads it, of Clara 3 and of Clara 4.

Sources: https://docs.nvidia.com/clara/clara-train-archive/3.1/aiaa/model_config.html, the same page
under .../4.0/, and ``byom/byoi.html`` beside them; published configs of Clara 3: fzbuzz/Clara-Train-Spleen and
Taiwan-CVAI/HeaortaNet, config/config_aiaa.json.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.aiaa.errors import AIAAException

TRITON_INFERENCE = "aiaa.inference.TritonInference"
TRTIS_INFERENCE = "TRTISInference"
DEEPGROW_PIPELINE = "aiaa.apps.deepgrow.DeepgrowInferencePipeline"

_SHOWN_OF_ANNOTATION = {"padding": 20, "roi": [128, 128, 128]}
"""Recorded of a 3.x server's annotation models, and what clients take where it is missing."""


@dataclass(frozen=True)
class Engine:
    """
    name       the class that runs the inference
    input      key of the image in the data dictionary, and ``output`` of the result
    arguments  of the class
    triton_model_config  Triton's ModelConfig as JSON, if the class takes one
    image      key of what the writer makes a file of, ``json`` of the JSON result
    """

    name: str
    input: str
    output: str
    arguments: Mapping[str, Any]
    triton_model_config: dict[str, Any] | None
    image: str
    json: str


def engine_of(config: Mapping[str, Any], *, tensorflow: bool) -> Engine:
    """Raises AIAAException for a config without the section that the engine in use, Triton, needs."""
    return _of_clara_3(config) if tensorflow else _of_clara_4(config)


def shown(config: Mapping[str, Any], *, tensorflow: bool) -> dict[str, Any]:
    """What an entry of ``/v1/models`` says beyond the fields that every model has."""
    inference = config.get("inference") or {}
    if not tensorflow:
        return dict(inference.get("meta_data") or {})
    of_annotation = {}
    if config["type"] == "annotation":
        told = _arguments_of_clara_3(inference)
        of_annotation = {key: told.get(key, default) for key, default in _SHOWN_OF_ANNOTATION.items()}
    return of_annotation | (inference.get("additional_info") or {})


def _of_clara_4(config: Mapping[str, Any]) -> Engine:
    inference, writer = config.get("inference") or {}, (config.get("writer") or {}).get("args") or {}
    section = inference.get("TRITON")
    if not isinstance(section, Mapping):
        raise AIAAException("MODEL_IMPORT_ERROR", "config has no inference.TRITON, which the engine TRITON needs")
    return Engine(
        name=section.get("name", TRITON_INFERENCE),
        input=inference.get("input", "image"),
        output=inference.get("output", "model"),
        arguments=section.get("args") or {},
        triton_model_config=section.get("triton_model_config"),
        image=writer.get("image", ""),
        json=writer.get("json", ""),
    )


def _of_clara_3(config: Mapping[str, Any]) -> Engine:
    inference, writer = config.get("inference") or {}, (config.get("writer") or {}).get("args") or {}
    name = inference.get("name", TRTIS_INFERENCE)
    trtis = inference.get("trtis")
    if name == TRTIS_INFERENCE and not isinstance(trtis, Mapping):
        raise AIAAException("MODEL_IMPORT_ERROR", "config has no inference.trtis, which the engine TRTIS needs")
    fields = inference.get("node_mapping") or {}
    arguments = _arguments_of_clara_3(inference)
    return Engine(
        name=name,
        input=fields.get("NV_MODEL_INPUT", inference.get("image", "image")),
        output=fields.get("NV_MODEL_OUTPUT", "model"),
        arguments=arguments,
        triton_model_config=_triton_of_clara_3(trtis, arguments.get("roi")) if isinstance(trtis, Mapping) else None,
        image=writer.get("field", ""),
        json=writer.get("json", "result"),
    )


def _arguments_of_clara_3(inference: Mapping[str, Any]) -> dict[str, Any]:
    """Version 3 of the schema has ``args``; in version 2 they stand in ``inference`` itself."""
    plain = {key: inference[key] for key in ("scanning_window", "roi", "padding") if key in inference}
    return plain | (inference.get("args") or {})


def _triton_of_clara_3(trtis: Mapping[str, Any], window: list[int] | None) -> dict[str, Any]:
    """Triton's own ModelConfig, or numbers of channels by field, as in version 2."""
    if "input" in trtis:
        return dict(trtis)
    spatial = window or [-1, -1, -1]

    def tensors(name: str, channels: Mapping[str, int]) -> list[dict[str, Any]]:
        return [{"name": name, "data_type": "TYPE_FP32", "dims": [count, *spatial]} for count in channels.values()]

    return {
        "max_batch_size": trtis.get("max_batch_size", 1),
        "input": tensors("NV_MODEL_INPUT", trtis.get("input_channels") or {}),
        "output": tensors("NV_MODEL_OUTPUT", trtis.get("output_channels") or {}),
    }
