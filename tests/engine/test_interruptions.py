"""What ends a run before its end, other than `kill -9`: Ctrl-C, a second run, a Docker engine that crashes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
import requests

from tests.support.deployment import Begun, Deployment, deployment_of_a_stack
from tests.support.pulumi_stack import PulumiFailed
from toolchain import private_engine

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def deployment(engine_with_image: docker.DockerClient) -> Iterator[Deployment]:
    """Up before each test, and after it."""
    with deployment_of_a_stack(engine_with_image, "cut-off") as made:
        made.stack.up()
        yield made


def wait_until(what: str, happens: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, f"in {seconds} s it did not happen that {what}"
        time.sleep(0.1)


def begin_a_slow_upload(deployment: Deployment) -> Begun:
    """An `up` that is in the middle of an upload which does not end."""
    faults = f"{deployment.aiaa}/sandbox/faults"
    slow = [{"path": "/admin/model/*", "method": "PUT", "kind": "hang"}]
    assert requests.put(faults, json=slow, timeout=10).ok
    deployment.change_the_model()
    begun = Begun(deployment.stack, "up", "--yes", "--skip-preview")
    wait_until("the upload begins", lambda: "aiaa:Model main/liver_demo updating" in begun.output.read_text())
    time.sleep(0.5)  # for the upload itself: the engine tells before it calls
    assert requests.delete(faults, timeout=10).ok
    return begun


def test_ctrl_c_ends_within_seconds_and_the_next_run_goes_on(deployment: Deployment) -> None:
    things, resources = deployment.things(), deployment.resources()
    begun = begin_a_slow_upload(deployment)
    began = time.monotonic()
    os.killpg(begun.process.pid, signal.SIGINT)  # as a terminal does it
    assert begun.process.wait(60) != 0
    assert time.monotonic() - began < 30
    assert "bin/pulumi: interrupted: what was begun and is not finished is done again by the next run" in (
        begun.output.read_text()
    )
    assert "Traceback" not in begun.output.read_text()
    deployment.stack.up()
    deployment.require_up(things, resources)


def test_a_second_run_on_the_stack_is_told_to_wait_and_changes_nothing(deployment: Deployment) -> None:
    begun = begin_a_slow_upload(deployment)
    try:
        with pytest.raises(PulumiFailed) as refused:
            deployment.stack.up()
        assert refused.value.output.startswith(
            f"bin/pulumi: stack {deployment.stack.name} is being changed from here already, by `up` of "
        )
        assert refused.value.output.endswith(
            "wait for its end, or interrupt it where it runs (or with `kill -INT`, not -9); then run this again\n"
        )
        assert begun.process.poll() is None
    finally:
        os.killpg(begun.process.pid, signal.SIGINT)
        begun.process.wait(60)
    deployment.stack.up()


def test_a_stack_that_is_taken_back_twice_has_nothing(engine_with_image: docker.DockerClient) -> None:
    with deployment_of_a_stack(engine_with_image, "twice") as deployment:
        deployment.stack.configure({"sandbox": {}})
        deployment.stack.up()
        deployment.stack.destroy()
        deployment.stack.destroy()
        deployment.require_down()


def crash_the_engine() -> None:
    """`kill -9` of the machine's Docker engine; the containers go on, unwatched."""
    pid = private_engine.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until("the engine is gone", lambda: private_engine.pid() is None)


def start_the_engine() -> None:
    env = {name: value for name, value in os.environ.items() if name != "DOCKER_HOST"}
    subprocess.run([sys.executable, "-m", "toolchain", "engine"], cwd=PROJECT, env=env, check=True)


@pytest.fixture
def _own_engine(engine_with_image: docker.DockerClient) -> Iterator[None]:
    """Only an engine of this project's own may be killed. It runs again at the end, whatever happens."""
    del engine_with_image
    if not os.environ.get("SOAK"):
        pytest.skip("needs SOAK=1, as it kills the engine that all the other tests need: run `make soak`")
    running = private_engine.HOST.read_text().strip() if private_engine.pid() and private_engine.HOST.exists() else None
    if running != os.environ["DOCKER_HOST"]:
        pytest.skip("needs the Docker engine to be this project's own, as it is killed")
    try:
        yield
    finally:
        start_the_engine()


@pytest.mark.soak
@pytest.mark.usefixtures("_own_engine")
def test_what_an_engine_does_not_bring_back_after_a_crash_the_next_up_starts(deployment: Deployment) -> None:
    things, resources = deployment.things(), deployment.resources()
    crash_the_engine()
    with pytest.raises(PulumiFailed) as failed:
        deployment.stack.up()
    assert "Traceback" not in failed.value.output
    start_the_engine()
    deployment.stack.up()
    deployment.require_up(things, resources)


@pytest.mark.soak
@pytest.mark.usefixtures("_own_engine")
def test_an_engine_that_crashes_in_the_middle_of_a_run_costs_one_more_run(deployment: Deployment) -> None:
    things, resources = deployment.things(), deployment.resources()
    deployment.change()
    begun = Begun(deployment.stack, "up", "--yes", "--skip-preview")
    wait_until("a container is replaced", lambda: "Container main-aiaa" in begun.output.read_text())
    crash_the_engine()
    assert begun.process.wait(300) != 0
    start_the_engine()
    deployment.stack.up()
    deployment.require_up(things, resources)
