"""`bin/aiaa`, each command that docs/operations.md shows, on a stack that is up."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import docker
import pytest
import requests

from clients.aiaa import AiaaClient
from sandbox.ngc.app import create_app
from sandbox.serve import serve
from tests.support.free_port import free_port
from tests.support.pulumi_stack import PulumiStack, pulumi_stack

LIVER = "liver_demo"
NAME = "operations"
TIMEOUT = 300  # seconds for one command


class Aiaa:
    """`bin/aiaa` on one stack, from a folder that is not the project's."""

    def __init__(self, stack: PulumiStack, folder: Path) -> None:
        self.stack = stack
        self.folder = folder

    def run(self, *args: str, code: int = 0, env: Mapping[str, str] | None = None) -> str:
        """What it printed; both streams, as a person sees them."""
        of_stack = [] if args[0] == "ngc" else ["--stack", self.stack.name]
        done = subprocess.run(
            [self.stack.folder / "bin" / "aiaa", *args, *of_stack],
            cwd=self.folder,
            env={**self.stack.env, "PYTHONUNBUFFERED": "", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert done.returncode == code, f"bin/aiaa {' '.join(args)} ended with {done.returncode}:\n{done.stdout}"
        assert "Traceback" not in done.stdout
        return done.stdout

    def json(self, *args: str, code: int = 0) -> Any:
        return json.loads(self.run(*args, "--json", code=code))


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    files = {"config": "models/liver_demo/config_aiaa.json", "data": "models/liver_demo/model.ts"}
    triton = {"model_timeout": 180}
    return {
        "servers": {"main": {"gpus": [], "ulimits": {"memlock": None}, "triton": triton, "port": free_port()}},
        "models": {LIVER: {"local": files}},
        "xnat": {"username": "admin", "password_env": "XNAT_PASSWORD"},
        "registrations": {"projects": {"LIVER": "main"}},
        "sandbox": {"xnat": {"port": free_port(), "projects": ["LIVER"]}},
    }


@pytest.fixture(scope="module")
def url(settings: dict[str, Any]) -> str:
    return f"http://127.0.0.1:{settings['servers']['main']['port']}"


@pytest.fixture(scope="module")
def aiaa(
    settings: dict[str, Any], engine_with_image: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Aiaa]:
    del engine_with_image
    with pulumi_stack(settings, name=NAME, env={"XNAT_PASSWORD": "admin"}) as stack:
        aiaa = Aiaa(stack, tmp_path_factory.mktemp("elsewhere"))
        before = aiaa.json("doctor")
        assert before["well"], before
        stack.up()
        yield aiaa


@contextmanager
def locked(stack: PulumiStack) -> Iterator[None]:
    """As another run of Pulumi's holds it (pulumi/pulumi, pkg/backend/diy/lock.go)."""
    state = Path(urlsplit(stack.env["PULUMI_BACKEND_URL"]).path)
    lock = state / ".pulumi" / "locks" / "organization" / "xnat-aiaa" / stack.name / "another-run.json"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(json.dumps({"pid": 1, "username": "x", "hostname": "x", "timestamp": "2026-01-01T00:00:00Z"}))
    try:
        yield
    finally:
        lock.unlink()


def test_doctor_knows_the_stacks_own_ports_and_leaves_nothing_on_the_engine(
    aiaa: Aiaa, engine_with_image: docker.DockerClient
) -> None:
    told = {finding["what"]: finding["told"] for finding in aiaa.json("doctor")["findings"]}
    assert told["servers.main.port"].endswith("is free on 127.0.0.1, or the stack's own")
    assert told["sandbox.xnat.port"].endswith("is free on 127.0.0.1, or the stack's own")
    assert not engine_with_image.images.list(filters={"label": "xnat-aiaa.probe"})


def test_the_commands_of_the_documentation_work_as_they_stand_there(aiaa: Aiaa) -> None:
    page = (aiaa.stack.folder / "docs" / "operations.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    commands = [shlex.split(line) for block in blocks for line in block.splitlines()]
    assert {words[1] for words in commands} == {"status", "verify", "logs", "ngc", "viewer-metadata"}
    with serve(create_app()) as ngc:
        for program, *args in commands:
            assert program == "bin/aiaa"
            assert aiaa.run(*args, env={"NGC_CLI_API_URL": ngc})


def test_status_shows_a_stack_that_is_well(aiaa: Aiaa, url: str) -> None:
    status = aiaa.json("status")
    assert status["well"]
    assert [server["state"] for server in status["servers"]] == ["up"]
    assert [(model["model"], model["state"]) for model in status["models"]] == [(LIVER, "infers")]
    assert [(view["scope"], view["url"], view["problems"]) for view in status["browsers"]] == [
        ("projects/LIVER", url, [])
    ]


def test_verify_passes_and_writes_its_results_where_the_user_is(aiaa: Aiaa) -> None:
    assert "1 of 1 smoke tests passed" in aiaa.run("verify", "--junit", "results.xml")
    suite = ElementTree.parse(aiaa.folder / "results.xml").getroot().find("testsuite")  # noqa: S314 - we wrote it
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")
    failed = aiaa.run("verify", "--junit", "no-such-folder/results.xml", code=1)
    assert "1 of 1 smoke tests passed" in failed
    assert "--junit" in failed.splitlines()[-1]


def test_logs_shows_both_containers_last_lines(aiaa: Aiaa) -> None:
    said = aiaa.run("logs", "main", "--lines", "5")
    parts = re.split(r"^== .*\n", said, flags=re.MULTILINE)
    assert [len(part.splitlines()) for part in parts] == [0, 5, 5]
    assert "there is no server mian in Pulumi.operations.yaml" in aiaa.run("logs", "mian", code=2)


def test_a_hung_server_is_told_and_what_is_told_mends_it(
    aiaa: Aiaa, url: str, engine_with_image: docker.DockerClient
) -> None:
    faults = [{"path": path, "kind": "hang"} for path in ("/v1/*", "/admin/*")]
    assert requests.put(f"{url}/sandbox/faults", json=faults, timeout=10).ok
    status = aiaa.json("status", code=1)
    assert [server["state"] for server in status["servers"]] == ["hung"]
    assert [(model["model"], model["state"]) for model in status["models"]] == [(LIVER, "unknown")]
    assert "no answer in time" in status["browsers"][0]["problems"][0]
    assert "server main is hung" in aiaa.run("verify", code=1)
    command = f"docker restart xnat-aiaa-{NAME}-main-aiaa"
    assert f"`{command}`" in status["servers"][0]["told"]
    engine_with_image.containers.get(command.split()[-1]).restart(timeout=5)  # the CLI need not be on this machine
    with AiaaClient(url) as client:
        client.wait_until_ready(180, on_wait=print)
    assert "1 of 1 smoke tests passed" in aiaa.run("verify")


def test_a_stopped_triton_is_seen_and_its_models_fail(aiaa: Aiaa, engine_with_image: docker.DockerClient) -> None:
    triton = engine_with_image.containers.get(f"xnat-aiaa-{NAME}-main-tritonserver")
    triton.pause()
    try:
        status = aiaa.json("status", "--no-inference", code=1)
        assert [server["state"] for server in status["servers"]] == ["wrong"]
        assert f"container {triton.name} is paused" in status["servers"][0]["told"]
    finally:
        triton.unpause()


def test_forget_takes_a_server_out_of_the_state_and_nothing_else(
    aiaa: Aiaa, engine_with_image: docker.DockerClient
) -> None:
    before = aiaa.stack.resources()
    assert "give --yes" in aiaa.run("forget", "main", code=2)
    with locked(aiaa.stack):
        assert "lock" in aiaa.run("forget", "main", "--yes", code=1)
    assert aiaa.stack.resources().keys() == before.keys()
    said = aiaa.run("forget", "main", "--yes")
    assert f"Model main/{LIVER}" in said
    assert f"container xnat-aiaa-{NAME}-main-aiaa" in said
    after = aiaa.stack.resources()
    assert "AiaaServers projects/LIVER" in after
    assert "Container sandbox-xnat" in after
    assert not [name for name in after if "main" in name]
    _remove_all_of_main(engine_with_image)


def test_forget_xnat_leaves_no_list_in_the_state_and_then_destroy_asks_no_xnat(
    aiaa: Aiaa, engine_with_image: docker.DockerClient
) -> None:
    engine_with_image.containers.get(f"xnat-aiaa-{NAME}-sandbox-xnat").stop(timeout=5)
    assert "in XNAT http://127.0.0.1" in aiaa.run("forget", "xnat", "--yes")
    aiaa.stack.destroy()
    assert "has nothing of xnat" in aiaa.run("forget", "xnat", "--yes", code=2)


def _remove_all_of_main(engine: docker.DockerClient) -> None:
    """What `forget` said stays behind."""
    prefix = f"xnat-aiaa-{NAME}-main-"
    for container in engine.containers.list(all=True, filters={"name": prefix}):
        container.remove(force=True, v=True)
    for network in engine.networks.list(filters={"name": prefix}):
        network.remove()
    for volume in engine.volumes.list(filters={"name": prefix}):
        volume.remove()
