"""`aiaa:Model` at the end of an `up` in which its server moved: deletes and refreshes have a state only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from dynamic_providers.aiaa.model import ModelProvider
from tests.support.aiaa_stand_in import AiaaStandIn, aiaa_stand_in
from tests.support.free_port import free_port
from tests.support.model_props import local
from tests.support.provider_host import PROJECT, ProviderFailed, provider_host
from tests.support.scripted_docker import ScriptedContainer, scripted_docker

FILES = PROJECT / "models" / "liver_demo"


@pytest.fixture
def other(tmp_path: Path) -> Iterator[AiaaStandIn]:
    """Another server of the same stack."""
    with aiaa_stand_in(tmp_path / "other") as server:
        yield server


def loaded(aiaa: AiaaStandIn, **changed: Any) -> tuple[str, dict[str, Any]]:
    with provider_host() as host:
        return host.provider(ModelProvider).create(local(aiaa.url, FILES, **changed))


def listed(aiaa: AiaaStandIn) -> list[str]:
    return [entry["name"] for entry in requests.get(f"{aiaa.url}/v1/models", timeout=5).json()]


def moved(state: dict[str, Any], to: str) -> dict[str, Any]:
    """The state of a model that was loaded when its server had another address."""
    return {**state, "url": to}


def external(url: str) -> dict[str, Any]:
    return {"servers": {"main": {"runtime": "external", "url": url}}}


def test_a_model_is_read_and_taken_from_where_the_server_is_now(aiaa: AiaaStandIn) -> None:
    id_, state = loaded(aiaa, generation="")
    old = moved(state, f"http://127.0.0.1:{free_port()}")
    with provider_host(external(aiaa.url)) as host:
        models = host.provider(ModelProvider)
        assert models.read(id_, old)[:2] == (id_, old)
        models.delete(id_, old)
        assert listed(aiaa) == []
        models.delete(id_, old)
        assert f"model main/liver_demo: not on the server at {aiaa.url}; if there is still one at {old['url']}" in (
            host.said()
        )


def test_two_servers_that_changed_places_keep_what_is_not_taken_out(aiaa: AiaaStandIn, other: AiaaStandIn) -> None:
    id_, state = loaded(aiaa, generation="")
    loaded(other, server="far", generation="")
    with provider_host(external(aiaa.url)) as host:
        host.provider(ModelProvider).delete(id_, moved(state, other.url))
    assert (listed(aiaa), listed(other)) == ([], ["liver_demo"])


def test_a_server_of_ours_is_asked_where_its_container_is(aiaa: AiaaStandIn, other: AiaaStandIn) -> None:
    id_, state = loaded(aiaa)
    loaded(other, server="far")
    port = int(aiaa.url.rpartition(":")[2])
    with scripted_docker() as engine:
        settings = {"servers": {"main": {"port": port}}}
        engine.containers["xnat-aiaa-tests-main-aiaa"] = ScriptedContainer("1", published=[("127.0.0.1", port)])
        with provider_host(settings, {"DOCKER_HOST": engine.host}) as host:
            host.provider(ModelProvider).delete(id_, moved(state, other.url))
        assert (listed(aiaa), listed(other)) == ([], ["liver_demo"])
        # Destroyed, or refreshed, before an `up` brought the stack file's new port.
        engine.containers["xnat-aiaa-tests-main-aiaa"].published = [("127.0.0.1", 1)]
        with provider_host(settings, {"DOCKER_HOST": engine.host}) as host:
            host.provider(ModelProvider).delete(id_, moved(state, other.url))
        assert listed(other) == []


def test_a_server_that_left_the_stack_file_is_asked_where_it_was(aiaa: AiaaStandIn) -> None:
    id_, state = loaded(aiaa)
    with provider_host({"servers": {}}) as host:
        host.provider(ModelProvider).delete(id_, state)
    assert listed(aiaa) == []


def test_a_stack_file_that_is_wrong_there_is_reported_by_its_key(aiaa: AiaaStandIn) -> None:
    id_, state = loaded(aiaa)
    with (
        provider_host({"servers": {"main": {"port": "many"}}}) as host,
        pytest.raises(ProviderFailed, match=r"^model main/liver_demo: servers\.main\.port: "),
    ):
        host.provider(ModelProvider).delete(id_, state)
