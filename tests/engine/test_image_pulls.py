"""Images behind a log-in, on the real engine: pulled before anything is made, once, and on after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import docker
import pytest
from pytest_httpserver import HTTPServer

from tests.support.deployment import Begun
from tests.support.free_port import free_port
from tests.support.idle_server import SCRIPTS
from tests.support.pulumi_stack import PulumiFailed, PulumiStack, pulumi_stack
from tests.support.registry import Registry, image_of, random_image, registry
from tests.support.tiny_image import tiny_image
from tests.support.until import until

NAME = "pulls"
KEY = "ngc-key-4711"
RANDOM = 3_000_000  # bytes of a layer


@dataclass
class Place:
    """
    Attributes:
        aiaa, triton: names of the images.
        slow: digest of the uppermost layer of AIAA's.
    """

    stack: PulumiStack
    engine: docker.DockerClient
    registry: Registry
    settings: dict[str, Any]
    aiaa: str
    triton: str
    slow: str

    def things(self) -> list[str]:
        label = f"xnat-aiaa.stack={self.stack.name}"
        return [str(thing.name) for thing in self.engine.containers.list(all=True, filters={"label": label})]


@pytest.fixture(scope="module")
def place(engine_with_image: docker.DockerClient) -> Iterator[Place]:
    """Not up yet."""
    with HTTPServer() as server, registry(login="token", password=KEY) as made:
        server.expect_request("/v1/models").respond_with_json([])
        aiaa = image_of([tiny_image(SCRIPTS), *random_image([RANDOM, RANDOM]).tars])
        images = {"aiaa": made.add("team/aiaa:1", aiaa), "triton": made.add("team/triton:1", image_of(aiaa.tars[:1]))}
        main = {"gpus": [], "ulimits": {"memlock": None}, "port": free_port(), "url": server.url_for("")}
        settings = {"servers": {"main": {**main, "images": images}}}
        try:
            with pulumi_stack(settings, name=f"{NAME}-{os.getpid()}", env={"REGISTRY_KEY": KEY}) as stack:
                slow = aiaa.layers[-1]
                yield Place(stack, engine_with_image, made, settings, images["aiaa"], images["triton"], slow)
        finally:
            for image in images.values():
                engine_with_image.images.remove(image, force=True)


def test_an_image_whose_login_nobody_gave_stops_its_server_before_anything_is_made(place: Place) -> None:
    with pytest.raises(PulumiFailed) as failed:
        place.stack.up()
    for image in (place.aiaa, place.triton):
        assert any(
            f"image {image}: Docker engine" in line and "requires a log-in" in line for line in failed.value.errors
        )
    assert "Traceback" not in failed.value.output
    assert place.things() == []


def test_a_pull_goes_on_after_a_kill_and_the_next_run_waits_for_it(place: Place) -> None:
    login = {"username": place.registry.user, "password_env": "REGISTRY_KEY"}
    place.stack.configure({**place.settings, "registries": {place.registry.host: login}})
    place.registry.held[place.slow] = RANDOM // 2
    first = Begun(place.stack, "up", "--yes", "--skip-preview")
    until(lambda: place.registry.sent[place.slow] >= RANDOM // 2, seconds=60)
    os.killpg(first.process.pid, signal.SIGKILL)
    first.end()
    second = Begun(place.stack, "up", "--yes", "--skip-preview")
    until(lambda: "it is being pulled already; waiting for that" in second.output.read_text(), seconds=60)
    place.registry.held.clear()
    assert second.process.wait(120) == 0, second.output.read_text()
    # Of each blob, each byte once.
    image = place.registry.images["team/aiaa:1"]
    assert {layer: place.registry.sent[layer] for layer in image.layers} == {
        layer: len(image.blobs[layer]) for layer in image.layers
    }


def test_what_is_up_has_no_changes_and_no_secret_in_its_state(place: Place) -> None:
    place.stack.require_no_changes()
    assert KEY not in place.stack.run("stack", "export", "--show-secrets")
    assert place.stack.resources()["Image main/aiaa"]["id"] == "main/aiaa"


def test_an_image_that_is_gone_is_shown_by_refresh_and_pulled_by_the_next_up(place: Place) -> None:
    containers = place.things()
    place.engine.images.remove(place.triton, force=True)
    place.stack.refresh()
    assert place.stack.preview().changes == {"Image main/tritonserver": "update"}
    place.stack.up()
    assert place.engine.images.get(place.triton)
    assert place.things() == containers
    place.stack.require_no_changes()


def test_doctor_says_which_login_gets_an_image_and_which_image_cannot_be_had(place: Place) -> None:
    def doctor(**images: str) -> dict[str, dict[str, str]]:
        servers = {"main": {**place.settings["servers"]["main"], "images": {"aiaa": place.aiaa, **images}}}
        login = {"username": place.registry.user, "password_env": "REGISTRY_KEY"}
        place.stack.configure({"servers": servers, "registries": {place.registry.host: login}})
        command = [str(place.stack.folder / "bin" / "aiaa"), "doctor", "--json", "--stack", place.stack.name]
        done = subprocess.run(command, env=place.stack.env, capture_output=True, text=True, check=False)
        assert KEY not in done.stdout + done.stderr
        return {found["what"]: found for found in json.loads(done.stdout)["findings"]}

    missing = f"{place.triton}-debug"
    found = doctor(triton=missing)
    by = f"the log-in from registries.{place.registry.host}"
    there = f"is on the engine; {place.registry.host} allows the pull with {by}"
    assert (found[f"image {place.aiaa}"]["level"], found[f"image {place.aiaa}"]["told"]) == ("ok", there)
    assert found[f"image {missing}"]["level"] == "wrong"
    assert "it has no tag 1-debug of team/triton (it said: manifest unknown)" in found[f"image {missing}"]["told"]
