"""What a Docker engine answers, read with care: another program, or a proxy, may answer in its place.

The Docker SDK does not check any answer, nor the user's own `config.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from clients.errors import Broken, one_line, shortened

T = TypeVar("T")

_PROJECT = str(Path(__file__).parents[1])


def part(answer: object, kind: type[T], *path: str) -> T:
    """The value at a place in an answer.

    Raises:
        Broken: there is nothing of this kind.
    """
    value = answer
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        what = f"{'.'.join(path) or 'the answer'} is {type(value).__name__} instead of {kind.__name__}"
        raise Broken(f"a Docker engine's answer does not match its API: {what}")
    return value


def optional(answer: object, kind: type[T], default: T, *path: str) -> T:
    """The same, with a default for a value that is missing or null."""
    try:
        return part(answer, kind, *path)
    except Broken:
        return default


def items(answer: object, *path: str) -> list[Mapping[str, Any]]:
    """The objects of a list; null is an empty one.

    Raises:
        Broken: it is not a list, or an item is not an object.
    """
    value = answer
    for key in path:
        value = part(value, dict).get(key)
    if value is None:
        return []
    return [part(item, dict) for item in part(value, list)]


def sdk_failed(error: Exception, where: str) -> Exception:
    """What to raise for an error that is not one of the Docker SDK's own classes: `Broken` if it was raised inside the
    SDK. A defect of our own code stays as it is.

    Args:
        where: the engine, for people.
    """
    if not _is_of_sdk(error.__traceback__):
        return error
    words = shortened(one_line(f"{type(error).__name__}: {error}"))
    return Broken(
        f"{where}: the Docker SDK cannot work with its address, its answer or your Docker configuration: {words}",
        advice=(
            "check that `docker info` works there, the address (a server's docker:, or DOCKER_HOST), and config.json "
            "in ~/.docker or DOCKER_CONFIG"
        ),
    )


def _is_of_sdk(trace: TracebackType | None) -> bool:
    """Whether the last of our frames and the SDK's is the SDK's."""
    for package in reversed(list(_packages(trace))):
        if package in ("docker", "ours"):
            return package == "docker"
    return False


def _packages(trace: TracebackType | None) -> Iterator[str]:
    while trace:
        globals_, file = trace.tb_frame.f_globals, trace.tb_frame.f_code.co_filename
        package = str(globals_.get("__name__", "")).partition(".")[0]
        yield "ours" if file.startswith(_PROJECT) and "site-packages" not in file else package
        trace = trace.tb_next
