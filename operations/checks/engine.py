"""A Docker engine: whether it answers, is new enough, and has room."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import docker

from clients.engine_answers import optional, part
from engines.address import EngineAddress
from operations.checks.finding import Finding

_OLDEST_API = (1, 41)  # Docker 20.10's
_GB = 1000**3
_LEAST = 1  # GB without which nothing can be made
# GB, this project's estimates: for what servers write, and for NVIDIA's two images on top of it.
_FOR_WORK, _FOR_IMAGES = 3, 30


def is_local(docker_host: str | None) -> bool:
    """Whether the engine is on this machine, so that its disk and processes can be looked at from here."""
    return EngineAddress.of(docker_host).scheme == "unix"


def name(docker_host: str | None) -> str:
    found = docker_host or os.environ.get("DOCKER_HOST") or os.environ.get("DOCKER_CONTEXT")
    return found.partition("?")[0] if found else "of this machine"


def version(engine: docker.DockerClient) -> Finding:
    said = engine.version()
    found, api = optional(said, str, "?", "Version"), optional(said, str, "", "ApiVersion")
    number = re.fullmatch(r"([0-9]{1,4})\.([0-9]{1,4})", api, re.ASCII)
    if not number:
        return Finding("warning", "engine", f"version {found}; the version of its API is unknown: {api or 'none'}")
    if (int(number[1]), int(number[2])) < _OLDEST_API:
        return Finding("wrong", "engine", f"version {found} is too old: install Docker 20.10 or newer")
    return Finding("ok", "engine", f"version {found}")


def disk(engine: docker.DockerClient, docker_host: str | None, images: Sequence[str]) -> Finding:
    """Room where the engine keeps images, containers and volumes.

    Args:
        images: that the stack needs there.
    """
    folder = Path(part(engine.info(), str, "DockerRootDir"))
    missing = [image for image in images if not has_image(engine, image)]
    needed = _FOR_WORK + (_FOR_IMAGES if missing else 0)
    return room("disk of the engine", folder, needed, local=is_local(docker_host))


def workspaces(folders: Sequence[str], docker_host: str | None) -> Iterator[Finding]:
    for folder in folders:
        yield room("disk of the workspace", Path(folder), _FOR_WORK, local=is_local(docker_host))


def room(what: str, folder: Path, needed: int, *, local: bool) -> Finding:
    """
    Args:
        needed: GB.
    """
    if not local:
        return Finding("warning", what, f"unknown from this machine: check that {folder} has {needed} GB free there")
    try:
        there = next((parent for parent in (folder, *folder.parents) if parent.exists()), Path("/"))
        free = shutil.disk_usage(there).free / _GB
    except (OSError, ValueError) as error:  # not for this user to see; a name that no file has
        return Finding("warning", what, f"unknown ({error}): check that {folder} has {needed} GB free")
    told = f"{folder} has {free:.1f} GB free"
    if free >= needed:
        return Finding("ok", what, told)
    advice = f"{needed} GB are advisable: free some, or move it to another disk"
    return Finding("wrong" if free < _LEAST else "warning", what, f"{told}; {advice}")


def has_image(engine: docker.DockerClient, image: str) -> bool:
    try:
        engine.images.get(image)
    except docker.errors.ImageNotFound:
        return False
    return True
