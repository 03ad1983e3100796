"""The set-up's list of versions, typed: versions.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Wheel:
    """A package of PyPI, of which one file with one checksum is wanted."""

    package: str
    version: str
    sha256: str
    platform: str | None = None


@dataclass(frozen=True)
class GoBinary:
    """A program that is built from Go modules.

    Attributes:
        folder: of its go.mod, below `toolchain/go`.
        version_variable: the linker sets it to `version`; Pulumi refuses to work without.
        launchers: further files that belong beside the binary, from `launchers_module`.
    """

    folder: str
    package: str
    binary: str
    version_variable: str
    version: str
    tags: str = ""
    launchers_module: str = ""
    launchers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Debian:
    release: str
    image: str
    python: str
    packages: tuple[str, ...]


_LIST: dict[str, Any] = tomllib.loads((Path(__file__).parent / "versions.toml").read_text())


def _go_binary(folder: str) -> GoBinary:
    entry = dict(_LIST["go"][folder])
    return GoBinary(folder=folder, **entry | {"launchers": tuple(entry.get("launchers", ()))})


PULUMI: str = _LIST["pulumi"]["version"]
DOCKER_PLUGIN: str = _LIST["pulumi"]["docker_plugin"]
GO_MINIMUM: str = _LIST["go"]["minimum"]
GO = Wheel(_LIST["go"]["package"], _LIST["go"]["version"], _LIST["go"]["sha256"])
CLI = _go_binary("cli")
LANGUAGE_PYTHON = _go_binary("language-python")
DOCKER_PLUGIN_SOURCE = _go_binary("docker-plugin")
TRITON = Wheel(**_LIST["triton"])
DEBIAN = Debian(**_LIST["debian"] | {"packages": tuple(_LIST["debian"]["packages"])})


def ordered(version: str) -> tuple[int, ...]:
    """`v3.259.0` or `go1.26.6` as numbers that compare.

    Raises:
        ValueError: it is not made of numbers, as versions of development builds are.
    """
    return tuple(int(part) for part in version.strip().removeprefix("go").removeprefix("v").split("."))
