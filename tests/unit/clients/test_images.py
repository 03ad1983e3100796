"""Images on an engine, from a scripted one: how far a pull is, and what is an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from clients import images
from clients.docker_engine import docker_engine
from clients.errors import ClientError
from clients.images import Layers
from clients.registry_login import given
from tests.support.scripted_docker import ScriptedDocker, scripted_docker

IMAGE = "nvcr.io/nvidia/x:1"
BY_DIGEST = f"nvcr.io/nvidia/x@sha256:{'0' * 64}"
LOGIN = given("nvcr.io", "$oauthtoken", "ngc-key-4711")
AUTH = {"username": "$oauthtoken", "password": "ngc-key-4711", "serveraddress": "nvcr.io"}


@pytest.fixture
def engine() -> Iterator[ScriptedDocker]:
    with scripted_docker() as made:
        yield made


def pull(engine: ScriptedDocker, image: str = IMAGE) -> str:
    with docker_engine(engine.host) as client:
        return images.pull(client, "Docker engine tests", image, LOGIN, lambda _: None)


def available(engine: ScriptedDocker) -> None:
    with docker_engine(engine.host) as client:
        images.available(client, "Docker engine tests", IMAGE, LOGIN)


@pytest.mark.parametrize("image", [IMAGE, BY_DIGEST])
def test_the_engine_gets_the_image_and_the_login_of_its_registry(engine: ScriptedDocker, image: str) -> None:
    engine.registry[image] = []
    assert pull(engine, image) == f"sha256:{image}"
    assert engine.pulls == [(image, AUTH)]


def test_without_a_login_the_engine_is_given_none(engine: ScriptedDocker) -> None:
    engine.registry[IMAGE] = []
    with docker_engine(engine.host) as client:
        images.pull(client, "Docker engine tests", IMAGE, None, lambda _: None)
        images.available(client, "Docker engine tests", IMAGE, None)
    assert [auth for _, auth in engine.pulls] == [{}, {}]


@pytest.mark.parametrize(
    "script", ["unauthorized", [{"status": "Pulling from x", "id": "1"}, {"error": "unauthorized"}]]
)
def test_a_refusal_is_one_at_the_beginning_and_in_the_middle(engine: ScriptedDocker, script: Any) -> None:
    engine.registry[IMAGE] = script
    with pytest.raises(ClientError, match=r"refused the log-in .* from registries\.nvcr\.io \(it said: unauthorized\)"):
        pull(engine)


def test_an_image_for_another_processor_is_an_error_though_the_engine_takes_it(engine: ScriptedDocker) -> None:
    engine.registry[IMAGE], engine.comes_for = [], "arm64"
    message = f"image {IMAGE}: it is for arm64, and the host of Docker engine tests is amd64"
    with pytest.raises(ClientError, match=message):
        pull(engine)
    with pytest.raises(ClientError, match=message):
        available(engine)


def test_whether_an_image_could_be_pulled_is_asked_of_the_engine_with_the_login(engine: ScriptedDocker) -> None:
    engine.registry[IMAGE] = []
    available(engine)
    assert engine.pulls == [(f"manifest of {IMAGE}", AUTH)]
    engine.registry[IMAGE] = "manifest unknown"
    with pytest.raises(ClientError, match="it has no tag 1 of nvidia/x"):
        available(engine)


def downloading(layer: str, current: int, total: int) -> dict[str, Any]:
    return {"id": layer, "status": "Downloading", "progressDetail": {"current": current, "total": total}}


def test_progress_counts_layers_and_bytes_and_knows_the_total_when_all_layers_have_begun() -> None:
    layers = Layers()
    layers.note({"status": "Pulling from nvidia/x", "id": "1"})
    for layer in ("a", "b", "c"):
        layers.note({"status": "Pulling fs layer", "id": layer})
    layers.note({"status": "Already exists", "id": "a"})
    layers.note(downloading("b", 50, 100))
    so_far = layers.so_far()
    assert (so_far["complete"], so_far["layers"], so_far["bytes"], so_far["total"]) == (1, 3, 50, None)
    layers.note(downloading("c", 10, 900))
    assert layers.so_far()["total"] == 1000
    layers.note({"status": "Download complete", "id": "b"})
    layers.note({"status": "Pull complete", "id": "b"})
    so_far = layers.so_far()
    assert (so_far["complete"], so_far["bytes"], so_far["unpacking"]) == (2, 110, False)
    layers.note({"status": "Verifying Checksum", "id": "c"})
    layers.note({"id": "c", "status": "Extracting", "progressDetail": {"current": 1, "total": 900}})
    so_far = layers.so_far()
    assert (so_far["bytes"], so_far["unpacking"]) == (1000, True)


def test_a_transfer_that_broke_off_is_counted_once_though_the_engine_counts_seconds() -> None:
    layers = Layers()
    for status in (
        "Downloading",
        "Retrying in 2 seconds",
        "Retrying in 1 second",
        "Downloading",
        "Retrying in 5 seconds",
    ):
        layers.note({"id": "a", "status": status, "progressDetail": {}})
    assert layers.retries == 2


def test_unknown_events_are_ignored() -> None:
    layers = Layers()
    unknown: list[dict[str, Any]] = [
        {},
        {"status": "Digest: sha256:1"},
        {"id": "a"},
        {"id": "b", "progressDetail": None},
    ]
    for event in unknown:
        layers.note(event)
    assert layers.so_far()["bytes"] == 0
