"""What somebody does to a stack by hand: a refresh tells it in words, the next `up` repairs it and touches no more."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from clients.aiaa import AiaaClient
from tests.engine.conftest import BASE_IMAGE
from tests.support.free_port import free_port
from tests.support.pulumi_stack import PulumiStack, pulumi_stack

NAME = "drift"
PREFIX = f"xnat-aiaa-{NAME}-main"
MODEL = "main/liver_demo"
ROLES = ("aiaa", "tritonserver", "prepare-workspace")
DEADLINE = 120  # seconds

AIAA_MADE_ANEW = {"Endpoint main": "update", f"SmokeTest {MODEL}": "update"}
ALL_MADE_ANEW = {"Workspace main": "update", f"Model {MODEL}": "update", **AIAA_MADE_ANEW}


def settings() -> dict[str, Any]:
    server = {
        "port": free_port(),
        "gpus": [],
        "ulimits": {"memlock": None},
        "triton": {"model_timeout": 180},
        "healthcheck": {"interval": 1, "timeout": 30},
    }
    local = {"config": "models/liver_demo/config_aiaa.json", "data": "models/liver_demo/model.ts"}
    return {"servers": {"main": server}, "models": {"liver_demo": {"local": local}}, "sandbox": {}}


@pytest.fixture(scope="module")
def stack(engine_with_image: docker.DockerClient) -> Iterator[PulumiStack]:
    """Brought up once; each test damages it and leaves it repaired."""
    del engine_with_image
    with pulumi_stack(settings(), name=NAME) as stack:
        stack.up()
        yield stack


def container(engine: docker.DockerClient, role: str) -> Container:
    return engine.containers.get(f"{PREFIX}-{role}")


def ids(engine: docker.DockerClient) -> dict[str, str | None]:
    return {role: container(engine, role).id for role in ROLES}


def require_repaired(stack: PulumiStack) -> None:
    with AiaaClient(stack.outputs()["servers"]["main"]["url"]) as client:
        assert [entry.name for entry in client.models()] == ["liver_demo"]
    stack.require_no_changes()


def test_docker_finds_aiaa_healthy(stack: PulumiStack, engine_with_image: docker.DockerClient) -> None:
    del stack
    deadline = time.monotonic() + DEADLINE
    while (health := container(engine_with_image, "aiaa").attrs["State"]["Health"])["Status"] != "healthy":
        assert time.monotonic() < deadline, health
        time.sleep(0.5)


def test_a_stopped_triton_is_started_and_a_pruned_container_made_again_and_nothing_else_is_touched(
    stack: PulumiStack, engine_with_image: docker.DockerClient
) -> None:
    before = ids(engine_with_image)
    container(engine_with_image, "tritonserver").kill()
    container(engine_with_image, "prepare-workspace").remove()
    assert f"server main: container {PREFIX}-tritonserver exited with code 137; the next `up`" in stack.refresh()
    assert stack.preview().changes == {
        "Container main-prepare-workspace": "create",
        "Container main-tritonserver": "update",
        "Endpoint main": "update",
    }
    stack.up()
    after = ids(engine_with_image)
    assert {role for role in ROLES if after[role] != before[role]} == {"prepare-workspace"}
    assert container(engine_with_image, "tritonserver").status == "running"
    require_repaired(stack)


@pytest.mark.parametrize(
    ("by_hand", "told", "change"),
    [
        ("stopped", "exited with code 0", "replace"),
        ("made again", "is not the one that we made: somebody made it again", "create"),
    ],
)
def test_an_aiaa_container_that_somebody_handled_is_made_anew_alone(
    stack: PulumiStack, engine_with_image: docker.DockerClient, by_hand: str, told: str, change: str
) -> None:
    before = ids(engine_with_image)
    aiaa = container(engine_with_image, "aiaa")
    aiaa.stop()
    if by_hand == "made again":
        aiaa.remove()
        engine_with_image.containers.create(BASE_IMAGE, ["sleep", "60"], name=f"{PREFIX}-aiaa")
    assert f"server main: container {PREFIX}-aiaa {told}; the next `up` puts it right" in stack.refresh()
    assert stack.preview().changes == {"Container main-aiaa": change, **AIAA_MADE_ANEW}
    said = stack.up()
    assert (f"container {PREFIX}-aiaa: removed one of image {BASE_IMAGE}" in said) == (by_hand == "made again")
    after = ids(engine_with_image)
    assert {role for role in ROLES if after[role] != before[role]} == {"aiaa"}
    require_repaired(stack)


def test_an_emptied_workspace_is_prepared_and_its_models_are_loaded_again(
    stack: PulumiStack, engine_with_image: docker.DockerClient
) -> None:
    before = ids(engine_with_image)
    volumes = {f"{PREFIX}-workspace": {"bind": "/lost"}}
    engine_with_image.containers.run(
        BASE_IMAGE, ["find", "/lost", "-mindepth", "1", "-delete"], volumes=volumes, remove=True
    )
    told = stack.refresh()
    assert re.search(r"workspace of server main: it was emptied, or lost .*; the next `up` prepares it", told)
    assert stack.preview().changes == {
        **ALL_MADE_ANEW,
        "Container main-aiaa": "replace",
        "Container main-tritonserver": "replace",
    }
    stack.up()
    after = ids(engine_with_image)
    assert {role for role in ROLES if after[role] == before[role]} == {"prepare-workspace"}
    require_repaired(stack)


def test_a_stack_whose_containers_and_volumes_are_all_gone_comes_back(
    stack: PulumiStack, engine_with_image: docker.DockerClient
) -> None:
    for role in ROLES:
        container(engine_with_image, role).remove(force=True)
    for volume in ("workspace", "triton-models"):
        engine_with_image.volumes.get(f"{PREFIX}-{volume}").remove()
    assert "workspace of server main: it cannot be looked at: all containers that mount it are gone" in stack.refresh()
    made = {f"Container main-{role}": "create" for role in ROLES}
    made |= {f"Volume main-{volume}": "create" for volume in ("workspace", "triton-models")}
    assert stack.preview().changes == {**ALL_MADE_ANEW, **made}
    stack.up()
    require_repaired(stack)
