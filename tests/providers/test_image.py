"""`aiaa:Image` in Pulumi's real host, on a scripted engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dynamic_providers.aiaa.image import ImageProvider
from tests.support.provider_host import Provider, ProviderFailed, ProviderHost
from tests.support.scripted_docker import ScriptedDocker, scripted_docker

IMAGE = "nvcr.io/nvidia/x:1"


@pytest.fixture
def engine() -> Iterator[ScriptedDocker]:
    with scripted_docker() as made:
        made.images[IMAGE] = "amd64"
        yield made


@pytest.fixture
def inputs(engine: ScriptedDocker) -> dict[str, Any]:
    return {"server": "main", "role": "aiaa", "image": IMAGE, "docker_host": engine.host}


@pytest.fixture
def image(host: ProviderHost) -> Provider:
    return host.provider(ImageProvider)


def test_an_image_that_is_there_is_found_again_without_a_difference(image: Provider, inputs: dict[str, Any]) -> None:
    id_, state = image.create(inputs)
    assert (id_, state) == ("main/aiaa", inputs)
    assert image.read(id_, state) == (id_, inputs, inputs)
    assert not image.diff(id_, state, inputs)


def test_an_image_that_is_gone_is_drift_which_the_next_up_undoes(
    image: Provider, host: ProviderHost, engine: ScriptedDocker, inputs: dict[str, Any]
) -> None:
    id_, state = image.create(inputs)
    engine.images.clear()
    id_, found, _ = image.read(id_, state)
    assert found == {**inputs, "drift": "the engine has no image of this name"}
    assert f"image {IMAGE} of server main: the engine has no image of this name; the next `up` pulls it" in host.said()
    assert image.diff(id_, found, inputs)
    with pytest.raises(ProviderFailed, match="the engine has no image of this name"):
        image.update(id_, found, inputs)
    engine.images[IMAGE] = "amd64"  # as the program's hook sees to
    assert image.update(id_, found, inputs) == inputs


def test_no_call_of_the_provider_pulls_so_none_takes_hours(
    image: Provider, engine: ScriptedDocker, inputs: dict[str, Any]
) -> None:
    engine.images.clear()
    with pytest.raises(ProviderFailed):
        image.create(inputs)
    assert image.check(inputs) == {}
    image.delete("main/aiaa", inputs)
    assert engine.pulls == []
