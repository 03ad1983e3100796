"""Containers that are looked at while somebody waits for what is in them, on a scripted Docker engine."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from clients.containers import Watch
from clients.errors import Unreachable


class Engine:
    """`address`: where the scripted engine answers."""

    def __init__(self, server: HTTPServer) -> None:
        self._server = server
        self.address = f"tcp://{server.host}:{server.port}"

    def has(self, *, restarts: int = 0, **state: Any) -> None:
        self._answer({"Id": "abc", "RestartCount": restarts, "State": {"ExitCode": 0, **state}}, 200)

    def has_none(self) -> None:
        self._answer({"message": "No such container: main-aiaa"}, 404)

    def _answer(self, document: dict[str, Any], status: int) -> None:
        self._server.clear()
        self._server.expect_request("/version").respond_with_json({"ApiVersion": "1.44"})
        self._server.expect_request("/v1.44/containers/main-aiaa/json").respond_with_json(document, status=status)


@pytest.fixture
def engine(httpserver: HTTPServer) -> Engine:
    return Engine(httpserver)


@pytest.fixture
def watch(engine: Engine) -> Watch:
    return Watch(["main-aiaa"], engine.address)


@pytest.mark.parametrize("status", ["running", "created", "restarting", "paused"])
def test_a_container_that_runs_or_may_yet_is_no_reason_to_give_up(engine: Engine, watch: Watch, status: str) -> None:
    engine.has(Status=status)
    assert watch.hopeless() == ""


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"Status": "exited", "ExitCode": 7}, "exited with code 7"),
        ({"Status": "exited", "ExitCode": 137, "OOMKilled": True}, "exited with code 137 (out of memory)"),
        ({"Status": "dead", "ExitCode": 1, "Error": "no such device"}, "exited with code 1 (no such device)"),
    ],
)
def test_a_container_that_has_ended_for_good_is_told(
    engine: Engine, watch: Watch, state: dict[str, Any], told: str
) -> None:
    engine.has(**state)
    assert watch.hopeless() == f"container main-aiaa {told}, and nothing starts it again"


def test_a_container_that_is_gone_is_told(engine: Engine, watch: Watch) -> None:
    engine.has_none()
    assert watch.hopeless() == "container main-aiaa is gone"


def test_restarts_of_former_days_and_a_few_now_are_borne_and_many_are_told(engine: Engine, watch: Watch) -> None:
    for restarts in (90, 94):
        engine.has(restarts=restarts, Status="restarting", ExitCode=1)
        assert watch.hopeless() == ""
    engine.has(restarts=95, Status="restarting", ExitCode=137, OOMKilled=True)
    assert watch.hopeless() == (
        "container main-aiaa was started again 5 times meanwhile, and ends again and again, last with exit code 137 "
        "(out of memory)"
    )


def test_an_engine_that_does_not_answer_is_no_verdict_on_its_containers() -> None:
    with pytest.raises(Unreachable, match="did not answer"):
        Watch(["main-aiaa"], "tcp://127.0.0.1:1").hopeless()
