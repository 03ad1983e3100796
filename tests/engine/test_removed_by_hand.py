"""What somebody stops and removes on an engine between two runs, in any combination: one `up` creates it again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import docker
import pytest
from pytest_httpserver import HTTPServer

from tests.support.docker_engine import private_docker_engine
from tests.support.pulumi_stack import PulumiStack, pulumi_stack

IMAGES = ("nvcr.io/nvidia/clara-train-sdk:v4.0", "nvcr.io/nvidia/tritonserver:21.02-py3")
SLEEP = "#!/bin/sh\nexec sleep 600\n"
SCRIPTS = {"/bin/start_aiaa.sh": SLEEP, "/opt/tritonserver/bin/tritonserver": SLEEP}
PREFIX = "xnat-aiaa-byhand-main"
# One word for each thing that is done, in this order.
DAMAGES = {
    "both stopped, their network removed": ["stop", "network"],
    "and a network of that name made by hand": ["stop", "network", "another network"],
    "one removed, the other stopped, their network removed": ["stop", "remove triton", "network"],
    "all containers and the network removed": ["remove", "network"],
    "everything removed, the volumes too": ["remove", "network", "volumes"],
    "the container that prepares and both volumes removed": ["remove", "volumes"],
}


@dataclass(frozen=True)
class Deployed:
    engine: docker.DockerClient
    stack: PulumiStack

    def damage(self, what: str) -> None:
        client = self.engine
        containers = {str(found.name).removeprefix(f"{PREFIX}-"): found for found in client.containers.list(all=True)}
        match what:
            case "stop":
                for role in ("aiaa", "tritonserver"):
                    containers[role].kill()
            case "remove triton":
                containers["tritonserver"].remove()
            case "remove":
                for found in containers.values():
                    found.remove(force=True)
            case "network":
                client.networks.get(f"{PREFIX}-aiaa").remove()
            case "another network":
                client.networks.create(f"{PREFIX}-aiaa")
            case "volumes":
                for part in ("workspace", "triton-models"):
                    client.volumes.get(f"{PREFIX}-{part}").remove()

    def require_up(self) -> None:
        network = self.engine.networks.get(f"{PREFIX}-aiaa")
        for role in ("aiaa", "tritonserver"):
            found = self.engine.containers.get(f"{PREFIX}-{role}")
            assert found.status == "running"
            (attached,) = found.attrs["NetworkSettings"]["Networks"].values()
            assert attached["NetworkID"] == network.id
            assert role in attached["Aliases"]
        self.stack.require_no_changes()


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    with HTTPServer() as aiaa, private_docker_engine(nvidia_hook=False) as engine:
        aiaa.expect_request("/v1/models").respond_with_json([])
        engine.add_image(*IMAGES, scripts=SCRIPTS)
        main = {"docker": engine.host, "gpus": [], "ulimits": {"memlock": None}, "url": aiaa.url_for("")}
        with pulumi_stack({"servers": {"main": main}}, name="byhand") as stack:
            stack.up()
            yield Deployed(engine.client, stack)


@pytest.mark.parametrize("damages", DAMAGES.values(), ids=DAMAGES.keys())
def test_one_up_creates_again_what_was_removed(deployed: Deployed, damages: list[str]) -> None:
    for damage in damages:
        deployed.damage(damage)
    deployed.stack.up()
    deployed.require_up()


def test_a_refresh_before_it_makes_no_difference(deployed: Deployed) -> None:
    for damage in ("stop", "network"):
        deployed.damage(damage)
    deployed.stack.refresh()
    changes = deployed.stack.preview().changes
    assert changes["Network main-aiaa"] == "create"
    assert changes["Container main-aiaa"] == changes["Container main-tritonserver"] == "replace"
    deployed.stack.up()
    deployed.require_up()
