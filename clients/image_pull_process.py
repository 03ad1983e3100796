"""A process that holds one pull. `clients.image_pull` starts it, and it continues when that is killed.

An engine stops a pull when its client disconnects. An engine that stores images with graph drivers (the default before
Docker 29) then deletes all layers that it received. So the client of a pull is this process, which no run ends.

It reads one JSON document, the request, and writes JSON documents, one a line: the progress, and at the end the result.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import Any

from clients import images, registry_login
from clients.docker_engine import docker_engine
from clients.errors import ClientError
from clients.image_name import ImageName
from clients.registry_login import Login

_EVERY = 1.0  # seconds between two lines


def main() -> None:
    try:
        _write({"done": _pulled(json.load(sys.stdin))})
    except ClientError as error:
        _write({"error": str(error), "advice": error.advice})


def _pulled(request: Mapping[str, Any]) -> str:
    """The image's id.

    Raises:
        ClientError: the engine does not have the image, and the pull failed.
    """
    docker_host, image = request["docker_host"], request["image"]
    with docker_engine(docker_host, timeout=images.SILENCE) as engine:
        if found := images.id_of(engine, image):
            images.require_platform(engine, request["where"], image)
            return found
        return images.pull(engine, request["where"], image, _login(request), _Teller())


def _login(request: Mapping[str, Any]) -> Login | None:
    """The stack file's, else Docker's own."""
    if request["wrong_login"]:
        raise ClientError(request["wrong_login"], advice="then run the command again")
    registry = ImageName.of(request["image"]).registry
    if request["login"]:
        return registry_login.given(registry, *request["login"])
    return registry_login.of_docker(registry)


class _Teller:
    """Writes the progress, once a second."""

    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, layers: images.Layers) -> None:
        now = time.monotonic()
        if now - self._last >= _EVERY:
            self._last = now
            _write({"at": layers.so_far()})


def _write(document: Mapping[str, Any]) -> None:
    print(json.dumps(document), flush=True)


if __name__ == "__main__":
    main()
