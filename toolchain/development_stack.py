"""What `make down` and `make clean` take back: the development stack, then the engine and the images that served it."""

from __future__ import annotations

import json
import subprocess

from docker.errors import DockerException

from toolchain import base_image, console, engine, layout, private_engine, root_filesystem
from toolchain.errors import SetUpError

_PULUMI = layout.PROJECT / "bin" / "pulumi"
_STACK = ["--stack", "dev"]


def take_back() -> None:
    """Destroy the stack if anything of it is there, and stop the engine if it is this project's own.

    Raises:
        SetUpError: the stack could not be destroyed; then its engine goes on running.
    """
    if _has_resources():
        engine.ensure()
        if subprocess.run([_PULUMI, "destroy", *_STACK, "--yes", "--skip-preview"], check=False).returncode:
            raise SetUpError("the development stack could not be destroyed, for the reason above: run it again")
    else:
        console.say("Nothing of the development stack is up")
    private_engine.stop()


def remove_images() -> None:
    """From an engine that is not this project's own; the own one's go with the tool cache."""
    try:
        host = engine.of_the_machine()
    except SetUpError as error:
        console.say(f"The sandbox's images stay, where there are any: {error}")
        return
    if host is None:
        return
    client = engine.client(host)
    for name in (base_image.NAME, root_filesystem.NAME):
        for tag in [tag for image in client.images.list(name) for tag in image.tags]:
            try:
                client.images.remove(tag, force=True)
            except DockerException as error:
                console.say(f"Image {tag} stays: {str(error).splitlines()[0]}")


def _has_resources() -> bool:
    """Also true for half a stack, whose creation was interrupted."""
    answer = subprocess.run([_PULUMI, "stack", "export", *_STACK], capture_output=True, text=True, check=False)
    if answer.returncode:
        if "no stack named" in answer.stderr:
            return False
        raise SetUpError(f"the development stack cannot be read: {answer.stderr.strip()}")
    deployment = json.loads(answer.stdout)["deployment"]
    return bool(deployment.get("resources") or deployment.get("pending_operations"))
