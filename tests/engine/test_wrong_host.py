"""What an engine's host does not give is told in one line, before anything is made or changed for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import pytest
from pytest_httpserver import HTTPServer

from clients.engine_host import Refusal, Wanted, refusal
from sandbox.serve import serve
from tests.support.docker_engine import private_docker_engine
from tests.support.free_port import free_port
from tests.support.idle_server import IMAGES, SCRIPTS
from tests.support.pulumi_stack import PulumiFailed, PulumiStack, pulumi_stack

LABELS = {"xnat-aiaa.project": "xnat-aiaa", "xnat-aiaa.stack": "wronghost"}
BASE_IMAGE = "xnat-aiaa-sandbox-base:current"


def told(failed: pytest.ExceptionInfo[PulumiFailed]) -> list[str]:
    """The lines that say what is wrong, without Pulumi's own that it stops for it."""
    lines = {
        line.removeprefix("error: ").removeprefix("Exception calling application: ") for line in failed.value.errors
    }
    return sorted(lines - {"update failed", "an unhandled error occurred: program exited with non-zero exit code: 1"})


@contextmanager
def published(engine: docker.DockerClient, port: int, name: str) -> Iterator[None]:
    container = engine.containers.run(
        BASE_IMAGE, ["sleep", "600"], name=name, labels=LABELS, ports={"1/tcp": ("127.0.0.1", port)}, detach=True
    )
    try:
        yield
    finally:
        container.remove(force=True)


def ours(engine: docker.DockerClient) -> list[Any]:
    label = "xnat-aiaa.stack=wronghost"
    containers = engine.containers.list(all=True, filters={"label": label})
    return [*containers, *engine.networks.list(filters={"label": label})]


def test_a_port_that_is_free_is_not_refused_and_the_trial_leaves_nothing(
    engine_with_image: docker.DockerClient,
) -> None:
    images = {image.id for image in engine_with_image.images.list(all=True, filters={"label": "xnat-aiaa.probe"})}
    assert refusal(None, Wanted("127.0.0.1", free_port()), LABELS) is None
    assert ours(engine_with_image) == []
    assert {
        image.id for image in engine_with_image.images.list(all=True, filters={"label": "xnat-aiaa.probe"})
    } <= images


def test_the_servers_own_container_may_have_the_port(engine_with_image: docker.DockerClient) -> None:
    port = free_port()
    with published(engine_with_image, port, "wronghost-own"):
        assert refusal(None, Wanted("127.0.0.1", port, holder="wronghost-own"), LABELS) is None
        assert refusal(None, Wanted("0.0.0.0", port, holder="another"), LABELS) == Refusal(
            "port",
            f"{port} is taken on 0.0.0.0 by container wronghost-own of stack xnat-aiaa/wronghost",
            "choose another port, or stop that container",
        )


def test_an_address_that_the_host_does_not_have_is_told(engine_with_image: docker.DockerClient) -> None:
    del engine_with_image
    refused = refusal(None, Wanted("192.0.2.1", free_port()), LABELS)
    assert refused is not None
    assert refused.key == "bind"
    assert refused.line == (
        "192.0.2.1 is no address of the engine's host: give one that it has; 0.0.0.0 are all, and AIAA has no log-in"
    )


@contextmanager
def wrong_stack(**server: Any) -> Iterator[PulumiStack]:
    main = {"gpus": [], "ulimits": {"memlock": None}, **server}
    with pulumi_stack({"servers": {"main": main}}, name="wronghost") as stack:
        yield stack


def test_a_taken_port_names_who_has_it_and_nothing_is_made(engine_with_image: docker.DockerClient) -> None:
    async def nothing(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive, send

    with serve(nothing) as url, wrong_stack(port=int(url.rpartition(":")[2])) as stack:
        port = int(url.rpartition(":")[2])
        with pytest.raises(PulumiFailed) as failed:
            stack.up()
        process = f"{Path('/proc/self/comm').read_text().strip()} (pid {os.getpid()})"
        assert told(failed) == [
            f"servers.main.port: {port} is taken on 127.0.0.1 by process {process} of the engine's host: "
            "choose another port, or stop that process"
        ]
        assert ours(engine_with_image) == []


def test_an_engine_that_is_gone_is_named_before_anything_else_fails(tmp_path: Path) -> None:
    with wrong_stack(docker=f"unix://{tmp_path}/gone.sock") as stack:
        with pytest.raises(PulumiFailed) as failed:
            stack.up()
        assert told(failed) == [
            f"servers.main: Docker engine unix://{tmp_path}/gone.sock did not answer: No such file or directory: "
            "start it, or fix the address (a server's docker, or DOCKER_HOST); `docker info` shows the same"
        ]


def test_gpus_of_an_engine_without_a_gpu_runtime_are_told_before_anything_is_made(tmp_path: Path) -> None:
    with private_docker_engine(nvidia_hook=False) as engine:
        engine.add_image(*IMAGES, scripts=SCRIPTS)
        with wrong_stack(docker=engine.host, gpus=["0"], workspace=str(tmp_path)) as stack:
            with pytest.raises(PulumiFailed) as failed:
                stack.up()
            assert told(failed) == [
                "servers.main.gpus: the engine has no GPU runtime (it said: could not select device driver "
                '"nvidia" with capabilities: [[gpu]]): install the NVIDIA Container Toolkit on its host and restart '
                "Docker there, or set gpus: []"
            ]
            assert engine.client.containers.list(all=True) == []


def test_another_port_that_is_taken_leaves_the_server_as_it_was(tmp_path: Path) -> None:
    with HTTPServer() as aiaa, private_docker_engine(nvidia_hook=False) as engine:
        aiaa.expect_request("/v1/models").respond_with_json([])
        engine.add_image(*IMAGES, scripts=SCRIPTS)
        server = {"docker": engine.host, "workspace": str(tmp_path), "url": aiaa.url_for("")}
        with wrong_stack(port=5000, **server) as stack:
            stack.up()
            before = {container.id for container in engine.client.containers.list()}
            taken = engine.client.containers.run(
                IMAGES[0], ["start_aiaa.sh"], name="other", ports={"1/tcp": ("127.0.0.1", 5001)}, detach=True
            )
            main = {"gpus": [], "ulimits": {"memlock": None}, "port": 5001, **server}
            stack.configure({"servers": {"main": main}})
            with pytest.raises(PulumiFailed) as failed:
                stack.up()
            assert told(failed) == [
                "servers.main.port: 5001 is taken on 127.0.0.1 by container other: "
                "choose another port, or stop that container"
            ]
            taken.remove(force=True)
            assert {container.id for container in engine.client.containers.list()} == before


def test_a_server_that_ends_at_its_start_is_told_at_once_with_its_last_words(tmp_path: Path) -> None:
    with private_docker_engine(nvidia_hook=False) as engine:
        dies = "#!/bin/sh\nsleep 4\necho no licence\nexit 7\n"
        engine.add_image(*IMAGES, scripts={**SCRIPTS, "/bin/start_aiaa.sh": dies})
        nowhere = f"http://127.0.0.1:{free_port()}"
        server = {"docker": engine.host, "workspace": str(tmp_path), "url": nowhere, "ready_timeout": 3600}
        with wrong_stack(**server) as stack:
            with pytest.raises(PulumiFailed) as failed:
                stack.up()
            aiaa, triton = (f"xnat-aiaa-wronghost-main-{role}" for role in ("aiaa", "tritonserver"))
            assert told(failed) == [
                f"server main: container {aiaa} exited with code 7, and nothing starts it again; last lines of aiaa "
                f"(container {aiaa}): no licence; last lines of tritonserver (container {triton}): (none): mend what "
                "they say, then run the command again; `bin/aiaa logs main` shows more"
            ]
