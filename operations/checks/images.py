"""Whether an engine has the images of its servers, or could pull them, and with which log-in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import docker

from clients import images, registry_login
from clients.errors import ClientError
from clients.image_name import ImageName
from clients.registry_login import Login
from operations.checks import engine as engines
from operations.checks.finding import Finding
from settings import Registry, SettingsError


def check(
    engine: docker.DockerClient, docker_host: str | None, names: Iterable[str], registries: Mapping[str, Registry]
) -> Iterator[Finding]:
    """
    Args:
        names: of the images.
        registries: log-ins of the stack file, by the registry's host.
    """
    for image in names:
        registry = ImageName.of(image).registry
        is_there = engines.has_image(engine, image)
        where = f"Docker engine {engines.name(docker_host)}"
        if is_there and registry not in registries:
            yield _of_its_platform(engine, where, image)
            continue
        try:
            login = _login(registry, registries)
            images.available(engine, where, image, login)
        except (ClientError, SettingsError) as error:
            message = error.line if isinstance(error, ClientError) else f"{error}, then run the command again"
            message = message.removeprefix(f"image {image}: ")
            if is_there:
                yield Finding(
                    "warning", f"image {image}", f"is on the engine, but could not be pulled again: {message}"
                )
            else:
                yield Finding("wrong", f"image {image}", message)
            continue
        by = f"the log-in from {login.source}" if login else "no log-in"
        message = "is on the engine" if is_there else "is not on the engine yet"
        yield Finding("ok", f"image {image}", f"{message}; {registry} allows the pull with {by}")


def _of_its_platform(engine: docker.DockerClient, where: str, image: str) -> Finding:
    try:
        images.require_platform(engine, where, image)
    except ClientError as error:
        return Finding("wrong", f"image {image}", error.line.removeprefix(f"image {image}: "))
    return Finding("ok", f"image {image}", "is on the engine")


def _login(registry: str, registries: Mapping[str, Registry]) -> Login | None:
    """
    Raises:
        ClientError: Docker's own log-in cannot be read. SettingsError: the password is not where the stack file says.
    """
    if given := registries.get(registry):
        return registry_login.given(registry, given.username, given.read_password(registry))
    return registry_login.of_docker(registry)
