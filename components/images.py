"""The images of a server's containers. They are pulled before anything on the engine is created or replaced.

The docker plugin could pull them too, but shows no progress and stops after 20 minutes.
"""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from clients.errors import ClientError
from clients.image_name import ImageName
from clients.image_pull import Wanted, pulled
from dynamic_providers.aiaa.image import Image
from dynamic_providers.aiaa.packages import CACHE
from settings import Registry, Server, SettingsError

_PULLS = CACHE / "pulls"


def on_engine(
    name: str,
    server: Server,
    images: Mapping[str, str],
    registries: Mapping[str, Registry],
    opts: pulumi.ResourceOptions,
) -> list[Image]:
    """
    Args:
        name: the server's.
        images: names, by the role of their container.
        registries: log-ins, by the registry's host.
    """
    return [
        Image(
            name,
            role,
            image=image,
            docker_host=server.docker_host,
            opts=pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(hooks=_pulled_before(f"{name}/{role}", registries))
            ),
        )
        for role, image in images.items()
    ]


def _pulled_before(name: str, registries: Mapping[str, Registry]) -> pulumi.ResourceHookBinding:
    """A hook that pulls in the program, which can wait for any number of pulls at a time."""

    async def pull(args: pulumi.ResourceHookArgs) -> None:
        assert args.new_inputs is not None  # noqa: S101 - the engine gives them before a creation and an update
        wanted = _wanted(args.new_inputs.get("docker_host"), str(args.new_inputs["image"]), registries)
        try:
            await pulled(wanted, _PULLS, _tell)
        except ClientError as error:
            raise RuntimeError(error.line) from None
        except OSError as error:  # of our own files about pulls
            where = error.filename or _PULLS
            raise RuntimeError(
                f"image {wanted.image}: {where}: {error.strerror}: check that this user can write to {_PULLS}, "
                "and that its disk has room"
            ) from None

    hook = pulumi.ResourceHook(f"image-{name}-pulled", pull)
    return pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook])


def _tell(line: str) -> None:
    """Shown during the run, and not again at its end."""
    pulumi.log.info(line, ephemeral=True)


def _wanted(docker_host: str | None, image: str, registries: Mapping[str, Registry]) -> Wanted:
    registry = ImageName.of(image).registry
    if (login := registries.get(registry)) is None:
        return Wanted(docker_host, image)
    try:
        return Wanted(docker_host, image, (login.username, login.read_password(registry)))
    except SettingsError as error:
        return Wanted(docker_host, image, wrong_login=str(error))
