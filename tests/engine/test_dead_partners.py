"""A dead AIAA keeps nothing else from its end: what must stay behind is named, with the command that forgets it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from typing import Any

import docker
import pytest

from tests.support.free_port import free_port
from tests.support.pulumi_stack import PulumiFailed, PulumiStack, pulumi_stack

NAME = f"dead-{os.getpid()}"
SERVERS = ("own", "theirs")
THEIR_WORKSPACE = f"{NAME}-workspace"


def settings() -> dict[str, Any]:
    """Of two servers, one has its models in a volume of the stack's, the other in one that is the user's."""
    server: dict[str, Any] = {"gpus": [], "ulimits": {"memlock": None}, "triton": {"model_timeout": 180}}
    local = {"config": "models/liver_demo/config_aiaa.json", "data": "models/liver_demo/model.ts"}
    return {
        "servers": {
            "own": {**server, "port": free_port()},
            "theirs": {**server, "port": free_port(), "workspace": THEIR_WORKSPACE},
        },
        "models": {"liver_demo": {"local": local}},
        "sandbox": {},
    }


@pytest.fixture
def engine(engine_with_image: docker.DockerClient) -> Iterator[docker.DockerClient]:
    """At the end without what the stack cannot remove: the user's volumes, and what it was told to forget."""
    yield engine_with_image
    remove_forgotten(engine_with_image)
    for volume in engine_with_image.volumes.list(filters={"name": THEIR_WORKSPACE}):
        volume.remove()


def remove_forgotten(engine: docker.DockerClient) -> None:
    """What `forget` says stays on the engine."""
    for container in engine.containers.list(all=True, filters={"name": f"xnat-aiaa-{NAME}-theirs-"}):
        container.remove(force=True)
    for network in engine.networks.list(filters={"name": f"xnat-aiaa-{NAME}-theirs-"}):
        network.remove()


def test_destroy_ends_although_every_aiaa_is_dead(engine: docker.DockerClient) -> None:
    with pulumi_stack(settings(), name=NAME) as stack:
        stack.up()
        url = stack.outputs()["servers"]["theirs"]["url"]
        for server in SERVERS:
            engine.containers.get(f"xnat-aiaa-{NAME}-{server}-aiaa").kill()
        with pytest.raises(PulumiFailed) as failed:
            stack.destroy()
        told = [error for error in failed.value.errors if "model " in error]
        assert told == [
            "error: Exception calling application: model theirs/liver_demo: "
            f"GET {url}/v1/models: connection failed: Connection refused: check the address, that the server runs, "
            "and that no firewall is in between; then run the command again; until then the model stays in the "
            "server's workspace. If the server is gone for good: bin/aiaa forget theirs"
        ]
        left = set(stack.resources())
        assert "Model theirs/liver_demo" in left
        assert not [name for name in left if "own" in name]
        forget(stack, "theirs")
        remove_forgotten(engine)
        stack.destroy()
        assert not [name for name in stack.resources() if not name.startswith("Stack ")]
        assert engine.volumes.list(filters={"name": f"xnat-aiaa-{NAME}-"}) == []
        assert {volume.name for volume in engine.volumes.list(filters={"name": THEIR_WORKSPACE})} == {
            THEIR_WORKSPACE,
            f"{THEIR_WORKSPACE}-triton-models",
        }


def forget(stack: PulumiStack, server: str) -> None:
    subprocess.run(
        [stack.folder / "bin" / "aiaa", "forget", server, "--yes", "--stack", stack.name],
        cwd=stack.folder,
        env=stack.env,
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=120,
    )
