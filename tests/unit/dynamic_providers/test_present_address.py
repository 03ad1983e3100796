"""Where a server is now, by a state, the stack file and the engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pulumi.dynamic import Config

from dynamic_providers.aiaa.present_address import present_url
from tests.support.scripted_docker import ScriptedContainer, ScriptedDocker, scripted_docker

OLD, NEW = "http://127.0.0.1:5000", "http://127.0.0.1:6000"
NAME = "xnat-aiaa-prod-main-aiaa"


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedDocker]:
    with scripted_docker() as made:
        monkeypatch.setenv("DOCKER_HOST", made.host)
        yield made


def now(servers: dict[str, Any] | None, **state: str) -> str:
    config = {} if servers is None else {"xnat-aiaa:servers": json.dumps(servers)}
    known = {"server": "main", "url": OLD, "owner": "xnat-aiaa/prod", "generation": "one"}
    return present_url(Config(config, "xnat-aiaa"), known | state)


@pytest.mark.parametrize("servers", [None, {}, {"other": {"port": 6000}}])
def test_a_server_that_left_the_stack_file_is_where_it_was(servers: dict[str, Any] | None) -> None:
    assert now(servers) == OLD


def test_one_that_is_wrong_in_the_stack_file_does_not_matter_to_others() -> None:
    assert now({"main": {"port": 5000}, "other": {"port": "many"}}) == OLD


@pytest.mark.parametrize(
    ("published", "wanted", "url"),
    [
        # The `up` at whose end the model goes, or one that failed before that.
        ([("127.0.0.1", 6000)], {"port": 6000}, NEW),
        ([("0.0.0.0", 6000)], {"port": 6000, "bind": "0.0.0.0"}, NEW),
        ([("", 6000)], {"port": 6000, "bind": "0.0.0.0"}, NEW),
        ([("::", 6000)], {"port": 6000, "bind": "::"}, NEW),
        ([("127.0.0.1", 7000), ("127.0.0.1", 6000)], {"port": 6000}, NEW),
        ([("127.0.0.1", 5000)], {"port": 5000, "url": "http://gpu1.example.org:5000"}, "http://gpu1.example.org:5000"),
        ([("10.0.0.5", 5000)], {"bind": "10.0.0.5"}, "http://10.0.0.5:5000"),
        # The stack file was changed, and no `up` was run: `destroy`, `refresh`.
        ([("127.0.0.1", 5000)], {"port": 6000}, OLD),
        ([("127.0.0.1", 5000)], {"port": 6000, "url": "http://gpu1.example.org:6000"}, OLD),
        ([("127.0.0.1", 5000)], {"bind": "10.0.0.5"}, OLD),
        ([], {"port": 6000}, OLD),
    ],
)
def test_a_server_of_ours_is_at_the_new_address_once_its_container_has_it(
    engine: ScriptedDocker, published: list[tuple[str, int]], wanted: dict[str, Any], url: str
) -> None:
    engine.containers[NAME] = ScriptedContainer("1", published=published)
    assert now({"main": wanted}) == url


def test_a_server_that_moved_to_another_engine_is_there_once_its_container_is(engine: ScriptedDocker) -> None:
    moved = {"docker": engine.host, "bind": "10.0.0.5", "url": "http://gpu2.example.org:5000"}
    assert now({"main": moved}) == OLD
    engine.containers[NAME] = ScriptedContainer("1", published=[("10.0.0.5", 5000)])
    assert now({"main": moved}) == "http://gpu2.example.org:5000"


def test_an_engine_with_tls_is_asked_with_its_certificate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str | None] = []

    def published(_container: str, docker_host: str | None) -> list[tuple[str, int]]:
        asked.append(docker_host)
        return [("0.0.0.0", 6000)]

    monkeypatch.setattr("clients.containers.published", published)
    server = {"docker": "tcp://gpu1:2376", "docker_cert_path": "/certs", "bind": "0.0.0.0", "port": 6000}
    assert now({"main": server}) == "http://gpu1:6000"
    assert asked == ["tcp://gpu1:2376?cert_path=/certs"]


def test_a_container_that_is_not_there_has_moved_nowhere(engine: ScriptedDocker) -> None:
    assert engine.containers == {}
    assert now({"main": {"port": 6000}}) == OLD


def test_an_engine_that_does_not_answer_is_reported_and_the_known_address_used(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    assert now({"main": {"port": 6000}}) == OLD
    message = capsys.readouterr().out
    assert message.startswith(
        f"server main: using {OLD}, because the engine cannot say whether the server is at {NEW}: "
        "Docker engine tcp://127.0.0.1:9 "
    )


@pytest.mark.parametrize(
    ("wanted", "generation", "url"),
    [
        ({"runtime": "external", "url": NEW}, "", NEW),
        ({"runtime": "external", "url": OLD}, "", OLD),
        # The models are on the server that it was, which goes at the end of the `up`, or is not ours.
        ({"runtime": "external", "url": NEW}, "one", OLD),
        ({"port": 6000}, "", OLD),
    ],
)
def test_an_external_server_is_where_the_stack_file_says_unless_it_is_another_one(
    wanted: dict[str, Any], generation: str, url: str
) -> None:
    assert now({"main": wanted}, generation=generation) == url


def test_a_state_from_before_workspaces_had_a_generation_is_for_the_same_kind_of_server(engine: ScriptedDocker) -> None:
    engine.containers[NAME] = ScriptedContainer("1", published=[("127.0.0.1", 6000)])
    for wanted in ({"port": 6000}, {"runtime": "external", "url": NEW}):
        config = Config({"xnat-aiaa:servers": json.dumps({"main": wanted})}, "xnat-aiaa")
        assert present_url(config, {"server": "main", "url": OLD, "owner": "xnat-aiaa/prod"}) == NEW
