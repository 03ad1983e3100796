"""What is wrong with a `config_aiaa.json`, all of it at once, and what to write instead."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from model_files.config_schema import TYPES, Api, Config3, Config4, Engine, Section
from model_files.document import found
from model_files.errors import one_line, shortened
from model_files.inference_class import CLASS, SECTION, is_aiaas_own
from model_files.pipeline_parts import named

# What its answer is made of: without one there is no mask. The other types may answer without, or are made of models
# that have one.
_WITH_A_WRITER = ("segmentation", "annotation", "deepgrow")
_OF_CLARA_3 = ("node_mapping", "trtis", "tf", "image_format", "additional_info")

Found = Iterator[tuple[str, str]]


@dataclass(frozen=True)
class Problem:
    """
    Attributes:
        file: as the caller calls it.
        path: of the place, such as `inference.TRITON.triton_model_config.input[0].dims`; "" for the whole document.
        told: what is wrong, and what to write instead.
    """

    file: str
    path: str
    told: str

    def __str__(self) -> str:
        return one_line(": ".join(part for part in (self.file, self.path, self.told) if part))


def problems(config: Any, file: str, *, api: Api, engine: Engine, has_weights: bool) -> list[Problem]:
    """All that is wrong, in the order of the document's schema.

    Args:
        config: the document, whatever it is.
        file: what it is called in the problems.
        has_weights: whether a file with weights goes with it.
    """
    if not isinstance(config, Mapping):
        return [Problem(file, "", "holds no object: write {...} with version, type, labels and inference")]
    schema: type[BaseModel] = Config3 if api == "clara-3.1" else Config4
    wrong = dict(_shape(schema, config)) | dict(_near_misses(schema, config))
    rules = [_of_its_type(config, api), _of_weights(config, has_weights)]
    rules.append(_of_clara_3(config) if api == "clara-3.1" else _of_the_engine(config, engine, has_weights))
    for rule in rules:
        for path, message in rule:
            wrong.setdefault(path, message)
    return [Problem(file, path, one_line(message)) for path, message in wrong.items()]


def _near_misses(model: type[BaseModel], document: Mapping[str, Any], at: str = "") -> Found:
    """Keys that are not known and look like one that is, and is not there: AIAA would pass over them. Other keys that
    are not known are left alone."""
    absent = [key for key in model.model_fields if key not in document]
    for key, value in document.items():
        field = model.model_fields.get(key)
        if field is None:
            if close := difflib.get_close_matches(key[:80], absent, n=1, cutoff=0.85):
                yield one_line(f"{at}{key}"), f"is not known: is {close[0]} meant?"
        elif isinstance(value, Mapping) and (inner := _model_in(field.annotation)):
            yield from _near_misses(inner, value, f"{at}{key}.")


def _of_its_type(config: Mapping[str, Any], api: Api) -> Found:
    """What all published models of a type have. A pipeline leaves images to the models that it runs."""
    kind = config.get("type")
    load = "LoadNifti" if api == "clara-3.1" else "monai.transforms.LoadImaged"
    writer = "WriteNifti" if api == "clara-3.1" else "aiaa.transforms.Writer"
    if kind in TYPES and kind != "pipeline" and config.get("pre_transforms") is None:
        message = (
            f'write a list of transforms that begins with one that loads the image, such as {{"name": "{load}", ...}}'
        )
        yield "pre_transforms", f"is missing: {message}"
    if kind in _WITH_A_WRITER and config.get("writer") is None:
        yield (
            "writer",
            f'is missing: a {kind} model needs one to answer a mask: write {{"name": "{writer}", "args": ...}}',
        )


def _of_weights(config: Mapping[str, Any], has_weights: bool) -> Found:
    if config.get("type") == "pipeline" and has_weights:
        message = (
            "a pipeline has no weights of its own: give the configuration alone, and name its models in args.models"
        )
        yield "type", message


def _of_clara_3(config: Mapping[str, Any]) -> Found:
    inference = config.get("inference")
    if config.get("type") == "pipeline" and isinstance(inference, Mapping):
        yield from _of_a_pipeline(inference, "inference", "clara-3.1")
    sections = [name for name in SECTION.values() if found(config, "inference", name) is not None]
    if sections:
        message = "belongs to Clara 4: for Clara 3.1 write name, args and trtis into inference itself"
        yield f"inference.{sections[0]}", message


def _of_the_engine(config: Mapping[str, Any], engine: Engine, has_weights: bool) -> Found:
    """The other engine's section is not looked at: AIAA does not use it."""
    inference = config.get("inference")
    if not isinstance(inference, Mapping):
        return
    path = f"inference.{SECTION[engine]}"
    section = inference.get(SECTION[engine])
    if section is None:
        old = [key for key in _OF_CLARA_3 if key in inference]
        message = f"is missing, and the engine {engine} needs it"
        other = [key for key in inference if key in SECTION.values() or key.upper() == SECTION[engine]]
        message += f" (there is {', '.join(map(_shown, other))})" if other else ""
        message += f" (inference.{old[0]} is of Clara 3: the model may be, too)" if old else ""
        yield path, f'{message}: write {{"name": "{CLASS[engine]}", ...}}'
        return
    if not isinstance(section, Mapping):
        yield path, f'is {_shown(section)}: write an object with "name" and "args"'
        return
    for at, message in _shape(Section, section, path):
        # Triton can complete a model's configuration for most backends, and a class may do so.
        if is_aiaas_own(section) or at not in (f"{path}.triton_model_config.{part}" for part in ("input", "output")):
            yield at, message
    yield from _near_misses(Section, section, f"{path}.")
    if config.get("type") == "pipeline":
        yield from _of_a_pipeline(section, path, "clara-4.0")
    else:
        yield from _of_a_model(section, path, engine, has_weights)


def _of_a_pipeline(section: Mapping[str, Any], path: str, api: Api) -> Found:
    """Whether a class of one's own takes models, and how it wants them, is its own affair
    (https://docs.nvidia.com/clara/clara-train-sdk/aiaa/byom/byoip.html: an optional argument of the example)."""
    models = found(section, "args", "models")
    if not is_aiaas_own(section, api) or (models is None and not is_aiaas_own(section)):
        return
    count = len(models) if isinstance(models, (list, dict)) else 0
    if not count or len(named(models)) != count:
        message = "is missing" if models is None else f"is {_shown(models)}"
        yield f"{path}.args.models", f'{message}: write the names of the models that it runs, such as ["deepgrow_2d"]'


def _of_a_model(section: Mapping[str, Any], path: str, engine: Engine, has_weights: bool) -> Found:
    """An inference class of one's own may do without weights and without Triton, or give Triton what it likes."""
    if not has_weights:
        if is_aiaas_own(section):
            message = f"{_shown(section.get('name'))} needs weights: give them, or name a class of your own"
            message += ', or for a pipeline write "type": "pipeline"'
            yield f"{path}.name", message
        return
    if engine == "native":
        return
    triton = section.get("triton_model_config")
    if triton is None and is_aiaas_own(section):
        message = (
            'is missing: write {"platform": "pytorch_libtorch", "max_batch_size": 1, "input": [...], "output": [...]}'
        )
        yield f"{path}.triton_model_config", message
    elif (
        isinstance(triton, Mapping)
        and is_aiaas_own(section)
        and triton.get("platform") != "pytorch_libtorch"
        and not triton.get("backend")
    ):
        # Triton of 21.02 knows a TorchScript file by either
        # (https://github.com/triton-inference-server/server/blob/r21.02/docs/model_configuration.md).
        platform = triton.get("platform")
        message = "is missing" if platform is None else f"is {_shown(platform)}"
        yield f"{path}.triton_model_config.platform", f'{message}: for TorchScript write "pytorch_libtorch"'


def _shape(model: type[BaseModel], document: Mapping[str, Any], at: str = "") -> Found:
    try:
        model.model_validate(document)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            loc = [part for part in detail["loc"] if part != "[key]"]
            path = at + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
            wanted, siblings = _declared_at(model, loc)
            if detail["type"] == "missing":
                message = "is missing" + _misspelt(str(loc[-1]), detail["input"], siblings)
            elif detail["type"] == "string_unicode":
                message = "holds half of a character"
            else:
                message = f"is {_shown(detail['input'])}"
            yield one_line(path).removeprefix("."), f"{message}: {wanted}"


def _declared_at(model: type[BaseModel], loc: list[int | str]) -> tuple[str, Mapping[str, Any]]:
    """What to write at a place, and the fields beside it: walks the declared types along the place."""
    here: type[BaseModel] | None = model
    wanted, siblings = "write it as NVIDIA's page on the model config shows", model.model_fields
    for part in loc:
        if isinstance(part, str) and here is not None and part in here.model_fields:
            field = here.model_fields[part]
            wanted, siblings = field.description or wanted, here.model_fields
            here = _model_in(field.annotation)
    return wanted, siblings


def _model_in(declared: Any) -> type[BaseModel] | None:
    """The model among the parts of a type such as `list[Model] | None`."""
    if isinstance(declared, type) and issubclass(declared, BaseModel):
        return declared
    return next((inner for arg in get_args(declared) if (inner := _model_in(arg))), None)


def _misspelt(key: str, beside: Any, known: Mapping[str, Any]) -> str:
    """Names a key that is there and could be the one that is missing."""
    there = [other for other in beside if isinstance(other, str) and other not in known]
    close = difflib.get_close_matches(key, [other[:80] for other in there], n=1, cutoff=0.7)
    return f" (is {_shown(close[0])} meant?)" if close else ""


def _shown(value: Any) -> str:
    """A value as JSON writes it, in one short line."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list) and len(value) > 4:
        return f"a list of {len(value)}"
    if isinstance(value, (list, str)) or value is None or isinstance(value, (bool, float)):
        return shortened(json.dumps(value))
    return str(value) if abs(value) < 10**20 else "a number of more than 20 digits"
