"""What is done before a run, on a scripted engine and with a script in the CLI's place."""

from __future__ import annotations

import json
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from runs import recovery
from runs.note import Unfinished
from runs.state import Cli, State

STACK = "urn:pulumi:dev::xnat-aiaa::"
ENGINE = f"{STACK}pulumi:providers:docker::main-engine"
AIAA = f"{STACK}docker:index/container:Container::main-aiaa"
TRITON = f"{STACK}docker:index/container:Container::main-tritonserver"
NETWORK = f"{STACK}docker:index/network:Network::main-aiaa"
WORKSPACE = f"{STACK}pulumi-python:dynamic/aiaa:Workspace::main"
ENDPOINT = f"{STACK}pulumi-python:dynamic/aiaa:Endpoint::main"
BEGAN = 1764000000.0  # 2025-11-24T16:00:00Z
LABELS = {"xnat-aiaa.project": "xnat-aiaa", "xnat-aiaa.stack": "dev"}


@dataclass
class Fake:
    """
    Attributes:
        cli: whose commands go into a file.
        state: that it exports. told: what a person was.
    """

    cli: Cli
    folder: Path
    state: State
    told: list[str]

    def commands(self) -> list[str]:
        path = self.folder / "commands"
        return [line for line in path.read_text().splitlines() if "export" not in line] if path.exists() else []


@pytest.fixture
def engine(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    address = f"tcp://{httpserver.host}:{httpserver.port}"
    monkeypatch.setenv("DOCKER_HOST", address)
    httpserver.expect_request("/version").respond_with_json({"ApiVersion": "1.41"})
    return httpserver


def on_the_engine(engine: HTTPServer, containers: list[dict[str, Any]]) -> None:
    engine.expect_request("/v1.41/containers/json").respond_with_json(containers)
    engine.expect_request("/v1.41/networks").respond_with_json([])
    engine.expect_request("/v1.41/volumes").respond_with_json({"Volumes": None})


def container(urn: str, id_: str) -> dict[str, Any]:
    name = f"xnat-aiaa-dev-{urn.rpartition('::')[2]}"
    outputs = {"name": name, "mustRun": True}
    return {"urn": urn, "type": "docker:index/container:Container", "id": id_, "outputs": outputs}


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    endpoint = {"urn": ENDPOINT, "type": "pulumi-python:dynamic/aiaa:Endpoint", "id": "main", "outputs": {}}
    resources = [container(AIAA, "a1"), container(TRITON, "t1"), endpoint]
    pending = [{"resource": {"urn": f"{STACK}pulumi-python:dynamic/aiaa:Model::main/liver"}, "type": "creating"}]
    exported = {"version": 3, "deployment": {"resources": resources, "pending_operations": pending}}
    (tmp_path / "state").write_text(json.dumps(exported))
    script = tmp_path / "pulumi"
    script.write_text(
        f'#!/bin/sh\necho "$*" >> {tmp_path}/commands\n'
        f'case "$2" in export) cat {tmp_path}/state ;; import) cat > {tmp_path}/imported ;; esac\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return Fake(Cli(str(script), "dev", {}), tmp_path, State(exported), [])


def runs(id_: str, state: str = "running") -> dict[str, Any]:
    return {"Id": id_, "State": state}


def test_what_runs_is_left_alone(engine: HTTPServer, fake: Fake) -> None:
    on_the_engine(engine, [runs("a1"), runs("t1")])
    recovery.bring_back(fake.cli, fake.state, fake.told.append)
    assert recovery.servers_down(fake.state) == []
    assert (fake.told, fake.commands()) == ([], [])


@pytest.mark.parametrize("found", [[runs("a1", "exited")], [runs("a1", "paused")], []])
def test_what_does_not_run_or_is_gone_is_looked_at_with_its_server(
    engine: HTTPServer, fake: Fake, found: list[dict[str, Any]]
) -> None:
    on_the_engine(engine, [*found, runs("t1")])
    recovery.bring_back(fake.cli, fake.state, fake.told.append)
    assert recovery.servers_down(fake.state) == ["main"]
    assert fake.told == ["not running, so started anew: xnat-aiaa-dev-main-aiaa"]
    (refresh,) = fake.commands()
    assert f"--target {AIAA} --target {ENDPOINT} " in refresh
    assert TRITON not in refresh


def test_a_killed_run_is_cleaned_up_after_and_told_of(engine: HTTPServer, fake: Fake) -> None:
    stray = {"Id": "s1", "State": "running", "Names": ["/xnat-aiaa-dev-second-aiaa"], "Labels": LABELS}
    old = {"Id": "o1", "State": "running", "Names": ["/xnat-aiaa-dev-old"], "Labels": LABELS}
    on_the_engine(engine, [runs("a1"), stray, old])
    for found, name, made in (
        ("a1", "xnat-aiaa-dev-main-aiaa", "2025-11-24T15:00:00.123456789Z"),
        ("s1", "xnat-aiaa-dev-second-aiaa", "2025-11-24T16:00:05.123456789Z"),
        ("o1", "xnat-aiaa-dev-old", "2025-11-23T16:00:05.123456789Z"),
    ):
        inspected = {"Id": found, "Name": f"/{name}", "Created": made, "Config": {"Labels": LABELS}}
        engine.expect_request(f"/v1.41/containers/{found}/json").respond_with_json(inspected)
    engine.expect_request("/v1.41/containers/s1", "DELETE").respond_with_data(status=204)
    last = Unfinished("no-process-has-this", "up", 42, BEGAN)
    recovery.clean_up(fake.cli, "s3://bucket", last, fake.told.append)
    assert fake.told == [
        f"the last run, {last}, was cut off: cleaning up after it",
        "cut off: creating Model main/liver; done again if it is still wanted",
        "removed container xnat-aiaa-dev-second-aiaa, which it had made and no state knows",
        "gone from the engine: Container main-tritonserver",
    ]
    assert [request.path for request, _ in engine.log if request.method == "DELETE"] == ["/v1.41/containers/s1"]
    assert "pending_operations" not in json.loads((fake.folder / "imported").read_text())["deployment"]
    imported, refresh = fake.commands()
    assert imported.startswith("stack import ")
    assert f" --target {TRITON} " in refresh
    assert AIAA not in refresh


def test_after_a_run_that_failed_by_itself_nothing_is_told_if_there_is_nothing(engine: HTTPServer, fake: Fake) -> None:
    on_the_engine(engine, [])
    empty = State({"version": 3, "deployment": {}})
    (fake.folder / "state").write_text(json.dumps(empty.exported))
    recovery.clean_up(fake.cli, "s3://bucket", Unfinished("none", "up", 42, BEGAN, failed=True), fake.told.append)
    assert (fake.told, fake.commands()) == ([], [])


def test_an_engine_that_does_not_answer_does_not_keep_the_rest(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    recovery.clean_up(fake.cli, "s3://bucket", Unfinished("none", "up", 42, BEGAN, failed=True), fake.told.append)
    assert fake.told[-1].startswith(
        "what it left on an engine, if anything, stays there (label xnat-aiaa.stack=dev): Docker engine"
    )


def test_a_network_that_somebody_removed_is_looked_at_with_the_servers(engine: HTTPServer, fake: Fake) -> None:
    on_the_engine(engine, [runs("a1"), runs("t1")])
    network = {"urn": NETWORK, "type": "docker:index/network:Network", "id": "n1", "outputs": {}}
    workspace = {"urn": WORKSPACE, "type": "pulumi-python:dynamic/aiaa:Workspace", "id": "main", "outputs": {}}
    fake.state.resources.extend([network, workspace])
    recovery.bring_back(fake.cli, fake.state, fake.told.append)
    assert fake.told == ["gone from the engine, so created again: Network main-aiaa"]
    (refresh,) = fake.commands()
    assert f"--target {NETWORK} " in refresh
    assert f"--target {ENDPOINT}" in refresh
    assert f"--target {WORKSPACE}" in refresh
    assert AIAA not in refresh
