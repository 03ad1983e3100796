"""The tests' own Docker engine is worth having only if nobody notices that it was there."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.docker_engine import DockerEngine, private_docker_engine

_WRITTEN_BY_ENGINES = ("/etc/docker", "/opt/containerd", "/run/containerd", "/run/docker")


def _traces(engine: DockerEngine) -> list[str]:
    """Processes, network devices, mounts, control groups and files that the engine or its containers have now."""
    name = engine.folder.name[: len("xa-12345678")]
    found = [str(path) for path in (engine.folder, Path("/sys/class/net", name)) if path.exists()]
    found += [str(path) for path in Path("/sys/fs/cgroup").rglob(f"{name}*")]
    # The mounts of any process that is in the engine's mount namespace, a container's or our own.
    found += [str(path) for path in Path("/proc").glob("[0-9]*/mountinfo") if name in _text(path)]
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""  # the process is gone


def _do_nothing(_: DockerEngine) -> None:
    pass


def _kill_parent(engine: DockerEngine) -> None:
    os.kill(engine.pid, signal.SIGKILL)


def _fail(_: DockerEngine) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("last_act", [_do_nothing, _kill_parent, _fail])
def test_nothing_is_left_of_an_engine_and_its_containers(last_act: Callable[[DockerEngine], None]) -> None:
    before = [place for place in _WRITTEN_BY_ENGINES if Path(place).exists()]
    try:
        with private_docker_engine(nvidia_hook=False) as engine:
            engine.add_image("tiny:1")
            engine.client.containers.run(
                "tiny:1", ["sleep", "600"], detach=True, volumes=["kept:/kept"], ports={"5000/tcp": 5000}
            )
            assert len(_traces(engine)) > 4, "the search for traces finds none of a running engine"
            last_act(engine)
    except ZeroDivisionError:
        assert last_act is _fail

    assert _traces(engine) == []
    assert [place for place in _WRITTEN_BY_ENGINES if Path(place).exists()] == before


def test_an_engine_ends_with_the_test_run_even_if_that_is_killed() -> None:
    with private_docker_engine(nvidia_hook=False):
        pass  # so that what keeps engines from starting here is told by this process
    program = (
        "from tests.support.docker_engine import private_docker_engine\n"
        "with private_docker_engine(nvidia_hook=False) as engine:\n"
        "    print(engine.pid, engine.folder, flush=True)\n"
        "    input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout
        pid, folder = run.stdout.readline().split()
        run.kill()
    deadline = time.monotonic() + 30
    name = Path(folder).name[: len("xa-12345678")]
    while Path(f"/proc/{pid}").exists() or Path("/sys/class/net", name).exists():
        assert time.monotonic() < deadline, f"process {pid} or network device {name} is still there"
        time.sleep(0.05)
    subprocess.run(["rm", "-r", folder], check=True)


def test_this_machine_reaches_an_engine_at_its_address() -> None:
    with (
        private_docker_engine(nvidia_hook=False) as engine,
        pytest.raises(ConnectionRefusedError),  # by the engine's network: from nowhere comes no refusal
    ):
        socket.create_connection((str(engine.address), 9), timeout=10)


def test_two_engines_have_the_same_port_published_at_the_same_time() -> None:
    with private_docker_engine(nvidia_hook=False) as one, private_docker_engine(nvidia_hook=False) as other:
        for engine in (one, other):
            engine.add_image("tiny:1")
            container = engine.client.containers.run("tiny:1", ["sleep", "600"], detach=True, ports={"5000/tcp": 5000})
            container.reload()
            assert container.status == "running"
