"""Whatever is killed, whenever: one more run, and all is as if nothing had been.

`SEED` and `ROUNDS` (three kills each) choose others than a usual test run has; `SOAK=1` makes it 60 kills.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

from runs.note import MARK
from sandbox.serve import serve
from sandbox.xnat.app import create_app
from sandbox.xnat.options import Options
from sandbox.xnat.site import Site
from tests.support.free_port import free_port
from tests.support.pulumi_stack import PulumiFailed, PulumiStack, pulumi_stack

SEED = int(os.environ.get("SEED", "20261125"))
ROUNDS = int(os.environ.get("ROUNDS", "20" if os.environ.get("SOAK") else "1"))
NAME = f"kills-{os.getpid()}"  # several of these tests may share an engine
FOREIGN = ["https://somebody-elses.example.org"]
MODEL = "liver_demo"
ENDS_WITHIN = 15  # seconds, for what is killed to be gone


@dataclass
class Deployment:
    stack: PulumiStack
    engine: docker.DockerClient
    xnat: str
    settings: dict[str, Any]
    number: int = 1

    @property
    def aiaa(self) -> str:
        return f"http://127.0.0.1:{self.settings['servers']['main']['port']}"

    def change(self) -> None:
        """Of everything something: a container is replaced, a model loaded again, a list written again."""
        self.number += 1
        self.settings["servers"]["main"]["port"] = free_port()
        config = self.stack.folder / "models" / MODEL / "config_aiaa.json"
        config.write_text(json.dumps({**json.loads(config.read_text()), "version": str(self.number)}))
        self.stack.configure(self.settings)

    def things(self) -> list[str]:
        """Containers, networks, volumes and images that bear the stack's name."""
        client = self.engine
        names = [str(container.name) for container in client.containers.list(all=True, ignore_removed=True)]
        names += [str(network.name) for network in client.networks.list()]
        names += [str(volume.name) for volume in client.volumes.list()]
        names += [tag.partition(":")[0] for image in client.images.list() for tag in image.tags]
        return sorted(name for name in names if f"-{NAME}-" in name)

    def lists(self) -> dict[str, list[str]]:
        return {project: list_of(self.xnat, project) for project in ("LIVER", "SPLEEN", "KIDNEY")}

    def models(self) -> list[tuple[str, str]]:
        listed = requests.get(f"{self.aiaa}/v1/models", timeout=30).json()
        return [(model["name"], model["version"]) for model in listed]

    def resources(self) -> set[str]:
        return {name for name in self.stack.resources() if not name.startswith("Stack ")}

    def require_up(self, things: list[str], resources: set[str]) -> None:
        assert self.things() == things
        assert self.lists() == {"LIVER": [self.aiaa], "SPLEEN": [self.aiaa], "KIDNEY": FOREIGN}
        assert self.models() == [(MODEL, str(self.number))]
        assert self.resources() == resources
        self.stack.run("preview", "--diff", "--expect-no-changes")

    def require_down(self) -> None:
        assert self.things() == []
        assert self.lists() == {"LIVER": [], "SPLEEN": [], "KIDNEY": FOREIGN}
        assert self.resources() == set()


def list_of(xnat: str, project: str) -> list[str]:
    answer = requests.get(f"{xnat}/xapi/ohifaiaa/projects/{project}/servers", auth=("admin", "admin"), timeout=10)
    return list(answer.json()) if answer.status_code == 200 else []


@pytest.fixture
def deployment(engine_with_image: docker.DockerClient) -> Iterator[Deployment]:
    options = Options(projects=("LIVER", "SPLEEN", "KIDNEY"))
    server = {"gpus": [], "ulimits": {"memlock": None}, "triton": {"model_timeout": 180}, "port": free_port()}
    with serve(create_app(options, Site(options))) as xnat:
        foreign = f"{xnat}/xapi/ohifaiaa/projects/KIDNEY/servers"
        assert requests.put(foreign, json=FOREIGN, auth=("admin", "admin"), timeout=10).ok
        settings = {
            "servers": {"main": server},
            "models": {
                MODEL: {"local": {"config": f"models/{MODEL}/config_aiaa.json", "data": f"models/{MODEL}/model.ts"}}
            },
            "xnat": {"url": xnat, "username": "admin", "password_env": "XNAT_PASSWORD"},
            "registrations": {"projects": {"LIVER": "main", "SPLEEN": "main"}},
            "sandbox": {},
        }
        with pulumi_stack(settings, name=NAME, env={"XNAT_PASSWORD": "admin"}) as stack:
            made = Deployment(stack, engine_with_image, xnat, settings)
            made.change()
            yield made


class Begun:
    """A command at work, in a session of its own, as a terminal's would be."""

    def __init__(self, stack: PulumiStack, *args: str) -> None:
        self.output = Path(stack.folder.parent) / "cut-off.log"
        with self.output.open("wb") as log:
            self.process = subprocess.Popen(
                [stack.folder / "bin" / "pulumi", *args, "--non-interactive", "--stack", stack.name],
                cwd=stack.folder,
                env=stack.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def cli(self) -> int | None:
        """The real CLI, which the wrapper has started; not the ones that it asks things before."""
        for pid in children(self.process.pid):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if words[0].endswith(b"/pulumi") and words[1] in (b"up", b"destroy") and MARK.encode() in environment(pid):
                return pid
        return None

    def end(self) -> int:
        return self.process.wait(ENDS_WITHIN)


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def kill_the_wrapper(begun: Begun) -> None:
    """`kill -9` of `bin/pulumi`: the CLI must end with it, its plugins go on."""
    cli = begun.cli()
    begun.process.kill()
    begun.end()
    deadline = time.monotonic() + ENDS_WITHIN
    while cli and environment(cli):
        assert time.monotonic() < deadline, "the CLI goes on without its wrapper"
        time.sleep(0.05)


def kill_the_session(begun: Begun) -> None:
    os.killpg(begun.process.pid, signal.SIGKILL)
    begun.end()


def kill_the_cli(begun: Begun) -> None:
    """The wrapper tells, and ends."""
    if cli := begun.cli():
        os.kill(cli, signal.SIGKILL)
        begun.end()
    else:
        kill_the_wrapper(begun)


def timed(action: Callable[[], object]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


@pytest.mark.soak
def test_after_a_kill_at_a_random_moment_one_run_ends_as_if_undisturbed(deployment: Deployment) -> None:
    chance = random.Random(SEED)  # noqa: S311 - moments, no secrets
    stack = deployment.stack
    # Undisturbed, to know what to expect, and how long it takes.
    usual = {"up": timed(stack.up)}
    things, resources = deployment.things(), deployment.resources()
    deployment.require_up(things, resources)
    deployment.change()
    usual["update"] = timed(stack.up)
    deployment.require_up(things, resources)
    usual["destroy"] = timed(stack.destroy)
    deployment.require_down()
    kills = [kill_the_wrapper, kill_the_session, kill_the_cli]
    for number in range(3 * ROUNDS):
        step = ("up", "update", "destroy")[number % 3]
        command = "destroy" if step == "destroy" else "up"
        kill = kills[(number + number // 3) % 3]
        if step == "update":
            deployment.change()
        after = chance.uniform(0.1, usual[step])
        begun = Begun(stack, command, "--yes", "--skip-preview")
        time.sleep(after)
        late = begun.process.poll() is not None
        kill(begun)
        told = (
            f"{number + 1}: {step}, {kill.__name__} after {after:.2f} s of {usual[step]:.1f}{' (late)' if late else ''}"
        )
        print(told, flush=True)
        try:
            stack.run(command, "--yes", "--skip-preview")
            if step == "destroy":
                deployment.require_down()
            else:
                deployment.require_up(things, resources)
        except (AssertionError, PulumiFailed) as error:
            raise AssertionError(f"SEED={SEED}, {told}: {error}\ncut off: {begun.output.read_text()}") from error
    assert not [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if leftover(pid, stack)]


def leftover(pid: int, stack: PulumiStack) -> bool:
    """A process of a run on this stack."""
    found = environment(pid)
    return MARK.encode() in found and str(stack.env["PULUMI_BACKEND_URL"]).encode() in found and pid != os.getpid()
