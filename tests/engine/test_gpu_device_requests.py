"""From `gpus` in the stack file, through the real engines, to what NVIDIA's runtime reads in a container.

Docker hands a request for GPUs to NVIDIA's Container Toolkit as the variable NVIDIA_VISIBLE_DEVICES of the container's
first process (moby: daemon/nvidia_linux.go), if the toolkit's hook is there; so a hook that does nothing is enough to
see what would be done on a machine with GPUs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from clients.engine_host import Wanted, refusal
from tests.support.docker_engine import DockerEngine, private_docker_engine
from tests.support.idle_server import IMAGES, SCRIPTS
from tests.support.pulumi_stack import PulumiFailed, PulumiStack, pulumi_stack

GPUS = {"one": ["0"], "two": ["1", "3"], "every": "all", "no": []}


def server(engine: DockerEngine, gpus: object, workspace: Path, port: int, url: str) -> dict[str, object]:
    return {
        "docker": engine.host,
        "gpus": gpus,
        "workspace": str(workspace),
        "port": port,
        "url": url,
        "ulimits": {"memlock": None},  # -1 is refused on machines without CAP_SYS_RESOURCE
    }


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DockerEngine, PulumiStack]]:
    """An engine that takes requests for GPUs, and on it a server for each way to ask for them."""
    workspaces = tmp_path_factory.mktemp("workspaces")
    with HTTPServer() as answers_for_aiaa, private_docker_engine(nvidia_hook=True) as engine:
        answers_for_aiaa.expect_request("/v1/models").respond_with_json([])
        engine.add_image(*IMAGES, scripts=SCRIPTS)
        servers = {
            name: server(engine, gpus, workspaces / name, 5000 + number, answers_for_aiaa.url_for(""))
            for number, (name, gpus) in enumerate(GPUS.items())
        }
        with pulumi_stack({"servers": servers}) as stack:
            stack.up()
            yield engine, stack


@pytest.fixture
def engine(deployed: tuple[DockerEngine, PulumiStack]) -> DockerEngine:
    return deployed[0]


def visible_devices(engine: DockerEngine, container: str) -> str | None:
    """Of the container's first process: what is executed in it later does not see them."""
    exit_code, environment = engine.client.containers.get(container).exec_run(["cat", "/proc/1/environ"])
    assert exit_code == 0, environment
    assert isinstance(environment, bytes)
    variables = {name: value for name, _, value in (line.partition("=") for line in environment.decode().split("\0"))}
    assert "PATH" in variables
    return variables.get("NVIDIA_VISIBLE_DEVICES")


@pytest.mark.parametrize(
    ("server_name", "devices"), [("one", {"0"}), ("two", {"1", "3"}), ("every", {"all"}), ("no", None)]
)
def test_triton_sees_the_gpus_that_the_stack_file_gives_it(
    engine: DockerEngine, server_name: str, devices: set[str] | None
) -> None:
    seen = visible_devices(engine, f"xnat-aiaa-tests-{server_name}-tritonserver")
    assert (set(seen.split(",")) if seen else seen) == devices


@pytest.mark.parametrize("server_name", GPUS)
def test_aiaa_that_leaves_inference_to_triton_sees_no_gpu(engine: DockerEngine, server_name: str) -> None:
    assert visible_devices(engine, f"xnat-aiaa-tests-{server_name}-aiaa") is None


def test_a_hook_that_fails_is_a_refusal_in_its_own_words_and_one_that_does_not_is_none(engine: DockerEngine) -> None:
    hook = engine.folder / "bin" / "nvidia-container-runtime-hook"
    sound, wanted = hook.read_text(), Wanted(gpus=("0",))
    said = "nvidia-container-cli: mount error: bpf_prog_query(BPF_CGROUP_DEVICE) failed: operation not permitted"
    assert refusal(engine.host, wanted, {}) is None
    try:
        hook.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
        refused = refusal(engine.host, wanted, {})
    finally:
        hook.write_text(sound)
    assert refused is not None
    assert (refused.key, said in refused.told) == ("gpus", True)


def test_requests_for_gpus_look_the_same_afterwards_to_preview_and_refresh(
    deployed: tuple[DockerEngine, PulumiStack],
) -> None:
    _, stack = deployed
    stack.require_no_changes()


def test_an_engine_without_nvidias_toolkit_is_told_apart_by_one_line_that_names_the_driver(tmp_path: Path) -> None:
    with private_docker_engine(nvidia_hook=False) as engine:
        engine.add_image(*IMAGES, scripts=SCRIPTS)
        main = server(engine, ["0"], tmp_path, 5000, "http://127.0.0.1:9")
        with pulumi_stack({"servers": {"main": main}}) as stack, pytest.raises(PulumiFailed) as failure:
            stack.up()

    assert any('could not select device driver "nvidia"' in line for line in failure.value.errors)
