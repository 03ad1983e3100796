"""Images on a Docker engine: whether the engine has one, whether it could pull it, and the pull itself.

Source: https://docs.docker.com/reference/api/engine/version/v1.41/ (ImageCreate, DistributionInspect).
"""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import docker
import urllib3
from docker.errors import APIError, ImageNotFound

from clients import image_errors
from clients.docker_engine import docker_engine
from clients.errors import ClientError
from clients.image_name import ImageName
from clients.registry_login import Login

SILENCE = 1800  # seconds without data from an engine that pulls: it sends something each second while the pull works
# The name of a processor in images, by the name that an engine may use.
_SAME = {"x86_64": "amd64", "aarch64": "arm64"}


def id_of(engine: docker.DockerClient, image: str) -> str | None:
    """The id of an image that the engine has under this name; None if it has none."""
    try:
        return str(engine.images.get(image).id)
    except ImageNotFound:
        return None


def id_on(docker_host: str | None, image: str) -> str | None:
    """The same, with a connection of its own to the engine.

    Raises:
        Rejected, Unreachable: the engine said no, or did not answer.
    """
    with docker_engine(docker_host) as engine:
        return id_of(engine, image)


@dataclass
class Layers:
    """The progress of a pull, from the engine's events.

    Attributes:
        retries: how often a transfer broke off and the engine tried it again.
    """

    retries: int = 0
    _states: dict[str, str] = field(default_factory=dict)
    _bytes: dict[str, tuple[int, int]] = field(default_factory=dict)

    def note(self, event: Mapping[str, Any]) -> None:
        layer, status = event.get("id"), str(event.get("status", ""))
        if not layer or status.startswith("Pulling from"):
            return
        if status.startswith("Retrying") and not self._states.get(layer, "").startswith("Retrying"):
            self.retries += 1
        self._states[layer] = status
        detail = event.get("progressDetail") or {}
        if status == "Downloading" and detail.get("total"):
            self._bytes[layer] = (int(detail.get("current", 0)), int(detail["total"]))
        elif layer in self._bytes and status in ("Verifying Checksum", "Download complete", "Extracting"):
            self._bytes[layer] = (self._bytes[layer][1],) * 2

    def so_far(self) -> dict[str, Any]:
        """The progress as plain values."""
        is_there = [layer for layer, state in self._states.items() if state in ("Pull complete", "Already exists")]
        known = all(layer in self._bytes or state == "Already exists" for layer, state in self._states.items())
        total = sum(total for _, total in self._bytes.values())
        done = sum(done for done, _ in self._bytes.values())
        return {
            "layers": len(self._states),
            "complete": len(is_there),
            "bytes": done,
            "total": total if known else None,
            "unpacking": bool(known and total and done == total),
            "retries": self.retries,
        }


def pull(
    engine: docker.DockerClient, where: str, image: str, login: Login | None, tell: Callable[[Layers], None]
) -> str:
    """Have the engine pull an image; returns its id. An engine that already pulls it does not pull it twice.

    Args:
        engine: with a timeout of `SILENCE`.
        where: the engine, for errors.
        login: for the image's registry.
        tell: gets the progress, each time that the engine sends an event.

    Raises:
        ClientError: the pull failed, or the image is for another processor. OSError: the connection broke off.
    """
    name = ImageName.of(image)
    auth = dict(login.auth) if login else {}
    layers, broke_off = Layers(), ""
    try:
        events: Iterable[Mapping[str, Any]] = engine.api.pull(
            name.unqualified, tag=name.reference, stream=True, decode=True, auth_config=auth
        )
        for event in events:
            if "error" in event:
                raise image_errors.refusal(image, where, str(event["error"]), login)
            layers.note(event)
            tell(layers)
    except APIError as error:
        raise image_errors.refusal(image, where, str(error.explanation or error), login) from None
    except (urllib3.exceptions.HTTPError, http.client.HTTPException) as error:
        broke_off = type(error).__name__
    if (
        broke_off
    ):  # a plain connection error, which `docker_engine` explains; the library's own words do not help a person
        raise ConnectionError(f"the connection broke off while it pulled {image} ({broke_off})")
    got = id_of(engine, image)
    if got is None:
        raise ClientError(
            f"image {image}: {where} ended the pull, but does not have the image",
            advice="run the command again; the engine's own log may say why",
        )
    require_platform(engine, where, image)
    return got


def available(engine: docker.DockerClient, where: str, image: str, login: Login | None) -> None:
    """Whether the engine could pull an image: it asks the registry for the manifest.

    Raises:
        ClientError: it could not, or the image is for another processor.
    """
    try:
        # The engine asks the registry, from its own host.
        about = engine.images.get_registry_data(image, auth_config=dict(login.auth) if login else {}).attrs
    except APIError as error:
        raise image_errors.refusal(image, where, str(error.explanation or error), login) from None
    platforms = {_platform(each) for each in about.get("Platforms") or ()} - {"", "unknown"}
    if platforms and (wanted := _platform(engine.version())) not in platforms:
        raise image_errors.wrong_platform(image, where, ", ".join(sorted(platforms)), wanted)


def require_platform(engine: docker.DockerClient, where: str, image: str) -> None:
    """Without an error, an engine pulls an image for another processor, if the registry has no other.

    Raises:
        ClientError: the engine has the image, but for another processor than its own.
    """
    has, wanted = _platform(engine.images.get(image).attrs), _platform(engine.version())
    if has and has != wanted:
        raise image_errors.wrong_platform(image, where, has, wanted)


def _platform(document: Mapping[str, Any]) -> str:
    """The processor, as it is called in the documents of the engine and of registries."""
    found = str(document.get("Architecture") or document.get("architecture") or document.get("Arch") or "")
    return _SAME.get(found, found)
