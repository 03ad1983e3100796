"""Whether a Docker engine would start a container with certain options: asked of the engine itself, wherever it is.

A container of an empty image is told to start. What it asks for (GPUs, limits, ports) is looked at before its program,
which does not exist: so it never runs, no image has to be there, and what fails is the engine's own reason.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import docker
from docker.errors import APIError

_PROGRAM = "/no-program"


@contextmanager
def empty_image(engine: docker.DockerClient) -> Iterator[str]:
    """The id of an image without files, which is removed at the end."""
    archive = io.BytesIO()
    tarfile.open(fileobj=archive, mode="w").close()
    # Its own label makes it another image than one that somebody else made of nothing.
    said = engine.api.import_image_from_data(archive.getvalue(), changes=["LABEL xnat-aiaa.probe=1"])
    image = str(json.loads(said.splitlines()[-1])["status"])
    try:
        yield image
    finally:
        engine.images.remove(image, force=True)


def refusal(engine: docker.DockerClient, image: str, labels: Mapping[str, str], **options: Any) -> str:
    """Why the engine starts no container with these options, in its own words; empty if it would.

    Args:
        image: of `empty_image`.
        labels: of the container, by which a clean-up finds one that a kill left.
        options: as `docker.DockerClient.containers.create` takes them.

    Raises:
        APIError: the engine does not even make the container. DockerException: it did not answer.
    """
    container = engine.containers.create(image, command=[_PROGRAM], labels=dict(labels), **options)
    try:
        container.start()
    except APIError as error:
        said = " ".join(str(error.explanation or error).split())
        return "" if _PROGRAM in said else said
    finally:
        container.remove(force=True)
    return ""
