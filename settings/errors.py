"""From what pydantic finds to lines that a person can act on: the key as the stack file writes it, then our words.

A value is shown as the stack file has it, in one short line, unless the place where it stands holds a secret.
"""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

_M = TypeVar("_M", bound=BaseModel)
_LONGEST = 80  # characters of a value or key that are shown

# By pydantic's type of the error (https://docs.pydantic.dev/latest/errors/validation_errors/). What our own value types
# find comes as `value_error` and has its words already.
_WANTED = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must hold keys and values",
    "literal_error": "must be {expected}",
    "model_type": "must hold keys and values",
    "tuple_type": "must be a list",
}
_TOLD_WITHOUT_THE_VALUE = {
    "missing": "is missing, and is needed here",
    "too_short": "must name at least one",
}


class SettingsError(Exception):
    """The stack file is wrong; the message has one line for each thing to mend."""


class WrongKeys(ValueError):
    """What a validator finds wrong with keys below the value that it looks at: pairs of a key and a message."""

    def __init__(self, found: Iterable[tuple[str, str]]) -> None:
        self.found = list(found)
        super().__init__("; ".join(": ".join(pair) for pair in self.found))


def validated(model: type[_M], raw: object, at: str = "", context: Mapping[str, object] | None = None) -> _M:
    """The model of a value already decoded; `at` is the key under which the value stands.

    Raises:
        SettingsError: with one line for each error.
    """
    try:
        return model.model_validate(raw, context=context)
    except ValidationError as error:
        raise SettingsError("\n".join(_lines(error, model, at))) from None


def nested(model: type[_M], raw: object) -> _M:
    """The same within a validator of the value that holds this one.

    Raises:
        WrongKeys: with a pair for each error.
    """
    try:
        return validated(model, raw)
    except SettingsError as error:
        pairs = (line.partition(": ") for line in str(error).splitlines())
        raise WrongKeys((key, message) for key, _, message in pairs) from None


def shown(value: object) -> str:
    """A value as it would be written in the stack file, in one short line; what could be a log-in in a URL is not."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "keys and values"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, int):
        return str(value) if abs(value) < 10**20 else "a number of more than 20 digits"
    if isinstance(value, str):
        return _shortened(repr(re.sub(r"//.*@", "//***@", value, flags=re.DOTALL)))
    return _shortened(repr(value))


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'that'?`, or what there is."""
    known = sorted(known)
    close = difflib.get_close_matches(word[:_LONGEST], known, n=1)
    if close:
        return f"; did you mean {shown(close[0])}?"
    return _shortened(f"; there is: {', '.join(map(written, known))}", 1000) if known else ""


def written(key: str) -> str:
    """A key as part of a path of keys; in quotes if it is odd."""
    return key if key.isprintable() and 0 < len(key) <= _LONGEST else shown(key)


def _shortened(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def _lines(error: ValidationError, model: type[BaseModel], at: str) -> Iterator[str]:
    for detail in error.errors(include_url=False):
        loc, kind = list(detail["loc"]), detail["type"]
        if (
            kind == "string_unicode"
        ):  # a key that is no Unicode text: pydantic names its parent, and no key of ours is odd
            loc, kind = [*loc, detail["input"]], "extra_forbidden"
        if loc[-1:] == ["[key]"] and kind != "extra_forbidden":
            loc.pop()  # it is pydantic's word for the key itself
        where = at + "".join(f"[{part}]" if isinstance(part, int) else f".{written(part)}" for part in loc)
        where = where.removeprefix(".")
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, WrongKeys):
            yield from (_line(f"{where}.{key}".strip("."), message) for key, message in cause.found)
        elif kind == "extra_forbidden":
            siblings = _fields(_declared_at(model, loc[:-1]))
            yield _line(where, f"unknown key{nearest(str(loc[-1]), siblings)}")
        elif kind == "value_error":
            yield _line(where, str(cause))
        elif kind in _WANTED:
            wanted = _WANTED[kind].format_map(detail.get("ctx", {}))
            yield _line(where, wanted + _instead(detail["input"], _declared_at(model, loc)))
        else:
            yield _line(where, _TOLD_WITHOUT_THE_VALUE.get(kind, detail["msg"]))


def _line(where: str, message: str) -> str:
    return f"{where}: {message}" if where else message


def _instead(value: object, declared: Any) -> str:
    """What stands there, where something else is wanted."""
    if value is None:
        fields = _fields(declared)
        has_defaults = fields and not any(field.is_required() for field in fields.values())
        return ", but is empty: fill it, or " + ("write {} for the defaults" if has_defaults else "remove the key")
    if _holds_a_secret(declared):
        return ""
    # A text where keys belong may be anything: the password, if `xnat` itself was misplaced.
    return ", not " + ("a text" if isinstance(value, str) and not _is_plain_value(declared) else shown(value))


def _is_plain_value(declared: Any) -> bool:
    return declared is bool or typing.get_origin(declared) is typing.Literal


def _holds_a_secret(declared: Any) -> bool:
    return declared is SecretStr or any(_holds_a_secret(_plain(f.annotation)) for f in _fields(declared).values())


def _fields(declared: Any) -> dict[str, FieldInfo]:
    return declared.model_fields if isinstance(declared, type) and issubclass(declared, BaseModel) else {}


def _declared_at(model: type[BaseModel], loc: list[int | str]) -> Any:
    """The type of the value at a place, found by walking the declared types along it; None for no such place."""
    here: Any = model
    for part in loc:
        fields = _fields(here)
        if fields:
            here = fields[str(part)].annotation if part in fields else None
        else:
            inner = typing.get_args(here) or (None,)
            here = inner[0] if typing.get_origin(here) is tuple else inner[-1]
        here = _plain(here)
    return here


def _plain(declared: Any) -> Any:
    """Without `| None` and `Annotated`."""
    if typing.get_origin(declared) in (typing.Union, types.UnionType):
        return _plain(next(arg for arg in typing.get_args(declared) if arg is not type(None)))
    if typing.get_origin(declared) is typing.Annotated:
        return _plain(typing.get_args(declared)[0])
    return declared
