"""What somebody stops and removes on an engine between two runs, in any combination: one `up` creates it again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import docker
import pytest
from pytest_httpserver import HTTPServer

from tests.support.docker_engine import private_docker_engine
from tests.support.idle_server import IMAGES, SCRIPTS
from tests.support.pulumi_stack import PulumiStack, pulumi_stack

PREFIX = "xnat-aiaa-byhand"
# By server: one word for each thing that is done to it, in this order.
DAMAGES = {
    "network": ["stop", "network"],
    "another-network": ["stop", "network", "create another network"],
    "one-container": ["stop", "remove triton", "network"],
    "all-containers": ["remove", "network"],
    "everything": ["remove", "network", "volumes"],
    "workspace": ["remove", "volumes"],
}


@dataclass(frozen=True)
class Deployed:
    engine: docker.DockerClient
    stack: PulumiStack

    def damage(self, server: str, what: str) -> None:
        client, prefix = self.engine, f"{PREFIX}-{server}"
        roles = ("aiaa", "tritonserver", "prepare-workspace")
        match what:
            case "stop":
                for role in roles[:2]:
                    client.containers.get(f"{prefix}-{role}").kill()
            case "remove triton":
                client.containers.get(f"{prefix}-tritonserver").remove()
            case "remove":
                for role in roles:
                    client.containers.get(f"{prefix}-{role}").remove(force=True)
            case "network":
                client.networks.get(f"{prefix}-aiaa").remove()
            case "create another network":
                client.networks.create(f"{prefix}-aiaa")
            case "volumes":
                for part in ("workspace", "triton-models"):
                    client.volumes.get(f"{prefix}-{part}").remove()

    def require_up(self) -> None:
        for server in DAMAGES:
            network = self.engine.networks.get(f"{PREFIX}-{server}-aiaa")
            for role in ("aiaa", "tritonserver"):
                found = self.engine.containers.get(f"{PREFIX}-{server}-{role}")
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
        alike = {"docker": engine.host, "gpus": [], "ulimits": {"memlock": None}, "url": aiaa.url_for("")}
        servers = {name: {**alike, "port": 5000 + number} for number, name in enumerate(DAMAGES)}
        with pulumi_stack({"servers": servers}, name="byhand") as stack:
            stack.up()
            yield Deployed(engine.client, stack)


def test_one_up_creates_again_what_was_removed_in_any_combination(deployed: Deployed) -> None:
    for server, damages in DAMAGES.items():
        for damage in damages:
            deployed.damage(server, damage)
    deployed.stack.up()
    deployed.require_up()


def test_after_a_refresh_the_preview_shows_that_network_and_containers_are_created_again(deployed: Deployed) -> None:
    for damage in DAMAGES["network"]:
        deployed.damage("network", damage)
    deployed.stack.refresh()
    changes = deployed.stack.preview().changes
    assert changes["Network network-aiaa"] == "create"
    assert changes["Container network-aiaa"] == changes["Container network-tritonserver"] == "replace"
