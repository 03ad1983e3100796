"""AIAA's `config_aiaa.json`: reading it, what is wrong with it, and what it says of the model.

NVIDIA's pages on it: https://docs.nvidia.com/clara/clara-train-archive/3.1/aiaa/model_config.html,
https://docs.nvidia.com/clara/clara-train-archive/4.0/aiaa/model_config.html and
https://docs.nvidia.com/clara/clara-train-sdk/aiaa/model_config.html (4.1).
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from model_files.config_problems import Problem, problems
from model_files.config_schema import Api, Engine
from model_files.content import ZIP
from model_files.declared_input import Declared, declared
from model_files.errors import Unusable, size_in_words
from model_files.pipeline_parts import parts

__all__ = [
    "Api",
    "Declared",
    "Engine",
    "Problem",
    "Unreadable",
    "declared",
    "digest",
    "marked",
    "parse",
    "parts",
    "problems",
    "read",
]

_LARGEST = 4 << 20  # bytes; published ones have 4 KB
_DEEPEST = 60  # levels; published ones have seven
_MOST_DIGITS = 300  # of a whole number; Python itself refuses to write more than 4300
_HALF = re.compile("[\ud800-\udfff]")  # of a character


class Unreadable(Unusable):
    """The file holds no configuration."""


def read(path: Path) -> dict[str, Any]:
    """
    Raises:
        Unreadable: with the place of what is wrong, where it has one.
    """
    try:
        if (size := path.stat().st_size) > _LARGEST:
            raise Unreadable(f"{path}: has {size_in_words(size)}, which no configuration has: name config_aiaa.json")
        content = path.read_bytes()
        if content.startswith(ZIP):
            raise Unreadable(f"{path}: is a zip archive, as TorchScript is: are the config and the weights swapped?")
        return parse(content, str(path))
    except OSError as error:
        raise Unreadable(f"{path}: cannot be read: {error.strerror}") from None


def parse(content: bytes, file: str) -> dict[str, Any]:
    """
    Args:
        file: what the content is called in an error.

    Raises:
        Unreadable: as `read`.
    """
    try:
        # A mark of the byte order, as editors on Windows write it, is no part of the text.
        document = json.loads(
            content.decode("utf-8-sig"), parse_constant=_no_number, parse_float=_finite, parse_int=_int
        )
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"{file}: line {line}: is not UTF-8: save it as UTF-8") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Unreadable(f"{file}: {where}: is not JSON: {error.msg}: mend it there or just before") from None
    except RecursionError:
        raise Unreadable(_too_deep(file)) from None
    except ValueError as error:
        raise Unreadable(f"{file}: {error}") from None
    if not isinstance(document, dict):
        raise Unreadable(f"{file}: holds no JSON object: begin it with {{ and end it with }}")
    _require_plain(document, file)
    return document


def marked(config: Mapping[str, Any], mark: Mapping[str, str], api: Api) -> dict[str, Any]:
    """A copy with `mark` among what AIAA shows clients of a model: `inference.meta_data`, and
    `inference.additional_info` before Clara 4.0."""
    changed: dict[str, Any] = copy.deepcopy(dict(config))
    inference = changed.get("inference") or {}
    key = "additional_info" if api == "clara-3.1" else "meta_data"
    changed["inference"] = {**inference, key: {**(inference.get(key) or {}), **mark}}
    return changed


def digest(config: Mapping[str, Any]) -> str:
    """Of the content, not of its layout: re-indenting a config is no change of the model."""
    canonical = json.dumps(config, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number in JSON: write a number")


def _finite(text: str) -> float:
    if math.isinf(number := float(text)):
        raise ValueError(f"{text[:20]} is too large for a number: write a smaller one")
    return number


def _int(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"a number has {len(text)} digits: write a smaller one")
    return int(text)


def _too_deep(file: str) -> str:
    return f"{file}: is nested more than {_DEEPEST} levels deep, which no configuration is: name config_aiaa.json"


def _require_plain(document: Any, file: str) -> None:
    """Not nested so deep that it could not be copied, and without halves of characters, which UTF-8 cannot hold."""
    level = [document]
    for _ in range(_DEEPEST):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner += [*value, *value.values()]
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, str) and _HALF.search(value):
                raise Unreadable(f"{file}: {json.dumps(value)[:60]} holds half of a character: write all of it")
        if not inner:
            return
        level = inner
    raise Unreadable(_too_deep(file))
