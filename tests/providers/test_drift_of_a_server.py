"""`aiaa:Workspace` and `aiaa:Endpoint`: what was done behind our back is told in words, and put right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from clients import containers
from dynamic_providers.aiaa.endpoint import EndpointProvider
from dynamic_providers.aiaa.workspace import MARKER, WorkspaceProvider
from sandbox.faults import Fault
from tests.support.aiaa_stand_in import AiaaStandIn
from tests.support.provider_host import Provider, ProviderFailed, ProviderHost
from tests.support.scripted_docker import ScriptedContainer, ScriptedDocker, scripted_docker


@pytest.fixture
def docker() -> Iterator[ScriptedDocker]:
    with scripted_docker() as engine:
        engine.containers["prepare"] = ScriptedContainer("p1", made_by_a_run={MARKER: "one\n"})
        engine.containers["aiaa"] = ScriptedContainer("a1", files={MARKER: "one\n"})
        engine.containers["triton"] = ScriptedContainer("t1")
        yield engine


@pytest.fixture
def workspaces(host: ProviderHost) -> Provider:
    return host.provider(WorkspaceProvider)


@pytest.fixture
def endpoints(host: ProviderHost) -> Provider:
    return host.provider(EndpointProvider)


def workspace(docker: ScriptedDocker) -> dict[str, Any]:
    return {
        "server": "main",
        "location": "/srv/aiaa",
        "prepared_by": "prepare",
        "used_by": ["aiaa"],
        "docker_host": docker.host,
    }


def endpoint(docker: ScriptedDocker, url: str) -> dict[str, Any]:
    return {
        "server": "main",
        "url": url,
        "containers": {"aiaa": "a1", "tritonserver": "t1"},
        "logs_of": {"aiaa": "aiaa", "tritonserver": "triton"},
        "docker_host": docker.host,
        "timeout": 20,
    }


def test_a_workspace_is_known_again_by_what_its_preparation_put_into_it(
    workspaces: Provider, docker: ScriptedDocker
) -> None:
    id_, state = workspaces.create(workspace(docker))
    assert (id_, state["generation"], docker.started) == ("main", "one", ["prepare"])
    assert workspaces.read(id_, state) == (id_, state, workspace(docker))
    del docker.containers["prepare"]  # pruned: AIAA's container shows the same
    assert workspaces.read(id_, state)[1] == state
    assert not workspaces.diff(id_, state, workspace(docker))


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, f"it was emptied, or lost and made anew: there is no {MARKER} in it"),
        ({MARKER: ""}, f"it was emptied, or lost and made anew: there is no {MARKER} in it"),
        ({MARKER: "two\n"}, f"it is another one than was prepared: {MARKER} says 'two'"),
    ],
    ids=["lost", "empty marker", "another"],
)
def test_a_workspace_that_was_lost_is_told_and_prepared_again(
    workspaces: Provider, host: ProviderHost, docker: ScriptedDocker, files: dict[str, str], told: str
) -> None:
    id_, state = workspaces.create(workspace(docker))
    docker.containers["prepare"] = ScriptedContainer("p1", files=files, made_by_a_run={MARKER: "two\n"})
    _, drifted, inputs = workspaces.read(id_, state)
    assert drifted["drift"] == inputs["drift"] == told
    assert host.said().splitlines()[-1] == (
        f"workspace of server main: {told}; the next `up` prepares it, and loads its models again"
    )
    assert workspaces.diff(id_, drifted, workspace(docker))
    docker.containers["prepare"].files = {}
    repaired = workspaces.update(id_, drifted, workspace(docker))
    assert repaired == {**state, "generation": "two"}
    assert workspaces.read(id_, repaired)[1] == repaired


def test_a_workspace_without_any_container_cannot_be_looked_at(workspaces: Provider, docker: ScriptedDocker) -> None:
    id_, state = workspaces.create(workspace(docker))
    docker.containers.clear()
    assert workspaces.read(id_, state)[2]["drift"] == "it cannot be looked at: all containers that mount it are gone"


def test_a_workspace_that_cannot_be_prepared_says_why_and_what_to_do(
    workspaces: Provider, docker: ScriptedDocker
) -> None:
    docker.containers["prepare"] = ScriptedContainer("p1", exit_code=1, log="chmod: /workspace: read-only\n")
    with pytest.raises(ProviderFailed) as failed:
        workspaces.create(workspace(docker))
    assert str(failed.value) == (
        "workspace of server main: it could not be prepared: container prepare ended with code 1 and said: "
        "chmod: /workspace: read-only: mend that on the engine's host, or choose another servers.main.workspace"
    )


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"Status": "exited", "ExitCode": 137}, "container triton exited with code 137"),
        (
            {"Status": "exited", "ExitCode": 137, "OOMKilled": True},
            "container triton exited with code 137 (out of memory)",
        ),
        ({"Status": "created", "Error": "no such device"}, "container triton was never started (no such device)"),
        ({"Status": "restarting", "ExitCode": 1}, "container triton ends again and again, last with exit code 1"),
        ({"Status": "paused"}, "container triton is paused"),
    ],
    ids=lambda value: value["Status"] if isinstance(value, dict) else "",
)
def test_a_container_that_does_not_run_is_told(
    endpoints: Provider, docker: ScriptedDocker, aiaa: AiaaStandIn, state: dict[str, Any], told: str
) -> None:
    id_, made = endpoints.create(endpoint(docker, aiaa.url))
    assert endpoints.read(id_, made)[1] == made
    docker.containers["triton"].state = state
    _, drifted, inputs = endpoints.read(id_, made)
    assert drifted["drift"] == inputs["drift"] == told
    assert endpoints.diff(id_, drifted, endpoint(docker, aiaa.url))
    assert endpoints.update(id_, drifted, endpoint(docker, aiaa.url)) == made


def test_all_containers_that_are_gone_or_were_made_again_are_told_at_once(
    endpoints: Provider, host: ProviderHost, docker: ScriptedDocker, aiaa: AiaaStandIn
) -> None:
    id_, made = endpoints.create(endpoint(docker, aiaa.url))
    del docker.containers["triton"]
    docker.containers["aiaa"] = ScriptedContainer("a2")
    endpoints.read(id_, made)
    assert host.said().splitlines()[-1] == (
        "server main: container aiaa is not the one that we made: somebody made it again; container triton is gone; "
        "the next `up` puts it right"
    )


def test_a_server_that_lists_nothing_and_an_engine_that_is_gone_are_drift_and_stop_no_refresh(
    endpoints: Provider, docker: ScriptedDocker, aiaa: AiaaStandIn, tmp_path: Any
) -> None:
    id_, made = endpoints.create(endpoint(docker, aiaa.url))
    aiaa.app.state.faults.set(Fault("/v1/models", "status", status=503))
    assert "/v1/models: answered 503" in endpoints.read(id_, made)[2]["drift"]
    gone = {**made, "docker_host": f"unix://{tmp_path}/none.sock"}
    assert "none.sock did not answer" in endpoints.read(id_, gone)[2]["drift"]


def test_a_container_is_removed_by_its_name_once(docker: ScriptedDocker) -> None:
    assert containers.remove("aiaa", docker.host) == "image:1"
    assert "aiaa" not in docker.containers
    assert containers.remove("aiaa", docker.host) is None
