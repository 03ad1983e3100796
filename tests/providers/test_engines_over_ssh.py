"""Engines over SSH in Pulumi's real host of dynamic providers, a process that speaks gRPC; ssh is scripted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pytest_httpserver import HTTPServer

from dynamic_providers.aiaa.workspace import WorkspaceProvider
from tests.support.provider_host import provider_host
from tests.support.scripted_ssh import ScriptedSsh, to

SERVERS = [f"gpu{number}" for number in range(6)]


def test_many_servers_engines_answer_at_once_in_a_process_that_speaks_grpc(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    httpserver.expect_request("/version").respond_with_json({"ApiVersion": "1.44"})
    ssh = ScriptedSsh(tmp_path, to(httpserver))
    with provider_host(env={"PATH": ssh.path}) as host, ThreadPoolExecutor() as pool:
        provider = host.provider(WorkspaceProvider)

        def drift(server: str) -> str:
            engine = f"ssh://{server}"
            httpserver.expect_request("/v1.44/containers/none/json").respond_with_json({"message": "none"}, status=404)
            state = {"server": server, "prepared_by": "none", "used_by": [], "docker_host": engine, "generation": "1"}
            return str(provider.read(server, state)[1]["drift"])

        found = list(pool.map(drift, SERVERS))
        said = [line for line in host.said().splitlines()[1:] if not line.startswith("workspace of server")]
    assert found == ["it cannot be looked at: all containers that mount it are gone"] * len(SERVERS)
    assert said == []
    assert {words[-2] for words in ssh.arguments()} == set(SERVERS)
    assert ssh.none_is_left()
