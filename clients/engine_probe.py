"""Whether a Docker engine would start a container with certain options: asked of the engine itself, wherever it is.

A container of an empty image is told to start. What it asks for (GPUs, limits, ports) is looked at before its program,
which does not exist: so it never runs, no image has to be there, and what fails is the engine's own reason.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import docker
from docker.errors import APIError

from clients.engine_answers import part
from clients.errors import Broken, one_line, shortened

_PROGRAM = "/no-program"
_SAID = 400  # characters of each end of what an engine said


@contextmanager
def empty_image(engine: docker.DockerClient) -> Iterator[str]:
    """The id of an image without files, which is removed at the end."""
    archive = io.BytesIO()
    tarfile.open(fileobj=archive, mode="w").close()
    # Its own label makes it another image than one that somebody else made of nothing.
    said = engine.api.import_image_from_data(archive.getvalue(), changes=["LABEL xnat-aiaa.probe=1"])
    image = _image_of(said)
    try:
        yield image
    finally:
        engine.images.remove(image, force=True)


def _image_of(said: str) -> str:
    """The id of an image that the engine has made: it is the last of the lines that it answers."""
    try:
        return part(json.loads(str(said).strip().splitlines()[-1]), str, "status")
    except (ValueError, IndexError, RecursionError):
        raise Broken(
            f"a Docker engine gave an unexpected answer when an image was made: {shortened(one_line(str(said)))}"
        ) from None


def refusal(engine: docker.DockerClient, image: str, labels: Mapping[str, str], **options: Any) -> str:
    """Why the engine starts no container with these options, in its own words; empty if it would.

    Args:
        image: of `empty_image`.
        labels: of the container, by which a clean-up finds one that a kill left.
        options: as `docker.DockerClient.containers.create` takes them.

    Raises:
        APIError: the engine does not even make the container, and was asked for no devices.
        DockerException: it did not answer.
    """
    try:
        container = engine.containers.create(image, command=[_PROGRAM], labels=dict(labels), **options)
    except APIError as error:
        if options.get("device_requests"):
            return _words(error)
        raise
    try:
        container.start()
    except APIError as error:
        said = _words(error)
        return "" if _about_the_program(said) else said
    finally:
        container.remove(force=True)
    return ""


def _words(error: APIError) -> str:
    said = one_line(str(error.explanation or error)) or "nothing"
    # The engine's own words come first. The words of the hook that it quotes come last.
    return said if len(said) <= 2 * _SAID else f"{said[:_SAID]} ... {said[-_SAID:]}"


def _about_the_program(said: str) -> bool:
    """Whether a refusal says that the image has no such program: runtimes look for it last, after their hooks.

    The words are those of runc ("exec: "/x": stat /x: no such file or directory"), crun ("executable file `/x` not
    found"), gVisor ("error finding executable "/x" in PATH []: no such file or directory") and Kata ("the file /x was
    not found"). Every other message is a refusal. A hook may name the program too, as part of the command line that
    it refuses.
    """
    program = re.escape(_PROGRAM)
    found = rf"(exec|executable|file)\W+{program}\W.{{0,80}}(no such file|not found|permission denied)"
    return re.search(found, said, re.IGNORECASE) is not None
