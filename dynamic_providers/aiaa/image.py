"""`aiaa:Image`: an image that an engine has. Containers that use the image depend on this resource.

A hook of the program pulls it first (`components/images.py`): this host has four threads for all resources of a stack,
and a pull may take hours.
"""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from clients.images import id_on
from dynamic_providers.boundary import Props, Provider, ProviderError, one_line_errors, plain, say


class ImageProvider(Provider):
    """Checks that the engine has the image, at creation and again when its name or the engine changes.

    The program never sets `drift`: `read` sets it when the engine has no image of this name, so that the next
    `up` pulls it again.
    """

    required = ("server", "role", "image")
    managed = ("image", "docker_host", "drift")

    def create(self, props: dict[str, Any]) -> CreateResult:
        inputs = plain(props)
        _require(inputs)
        return CreateResult(f"{inputs['server']}/{inputs['role']}", inputs)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        inputs = plain(news)
        _require(inputs)
        return UpdateResult(inputs)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        found = {key: value for key, value in plain(props).items() if key != "drift"}
        with one_line_errors(_subject(found)):
            there = id_on(found.get("docker_host"), found["image"])
        if there is None:
            found["drift"] = "the engine has no image of this name"
            say(f"{_subject(found)}: {found['drift']}; the next `up` pulls it")
        return ReadResult(id_, found, found)


class Image(Resource, module="aiaa", name="Image"):
    """An image on a server's engine. It stays there when the resource is deleted."""

    def __init__(
        self, server: str, role: str, *, image: str, docker_host: str | None, opts: pulumi.ResourceOptions
    ) -> None:
        """
        Args:
            server, role: the server, and the container that uses the image; together they are the resource's id.
            image: its name, with a tag or a digest.
            docker_host: the engine; None is the default one.
        """
        props = {"server": server, "role": role, "image": image, "docker_host": docker_host}
        super().__init__(ImageProvider(), f"{server}/{role}", props, opts)


def _subject(props: Props) -> str:
    return f"image {props['image']} of server {props['server']}"


def _require(inputs: Props) -> None:
    with one_line_errors(_subject(inputs)):
        if id_on(inputs.get("docker_host"), inputs["image"]) is None:
            raise ProviderError("the engine has no image of this name: run the command again")
