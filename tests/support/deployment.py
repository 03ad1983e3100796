"""A whole deployment on the real engines whose state is compared from outside, and commands on it that are cut off."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import requests

from runs.note import MARK
from sandbox.serve import serve
from sandbox.xnat.app import create_app
from sandbox.xnat.options import Options
from sandbox.xnat.site import Site
from tests.support.free_port import free_port
from tests.support.pulumi_stack import PulumiStack, pulumi_stack

FOREIGN = ["https://somebody-elses.example.org"]
MODEL = "liver_demo"
ENDS_WITHIN = 15  # seconds, for what is killed to be gone


@dataclass
class Deployment:
    """
    Attributes:
        engine: the one it is on.
        xnat: the address of the XNAT, whose project KIDNEY has somebody else's list.
        settings: what the stack file says.
        number: how often it was changed; the model's version, too.
    """

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
        self.settings["servers"]["main"]["port"] = free_port()
        self.stack.configure(self.settings)
        self.change_the_model()

    def change_the_model(self) -> None:
        self.number += 1
        config = self.stack.folder / "models" / MODEL / "config_aiaa.json"
        config.write_text(json.dumps({**json.loads(config.read_text()), "version": str(self.number)}))

    def things(self) -> list[str]:
        """Containers, networks, volumes and images that bear the stack's name."""
        client = self.engine
        names = [str(container.name) for container in client.containers.list(all=True, ignore_removed=True)]
        names += [str(network.name) for network in client.networks.list()]
        names += [str(volume.name) for volume in client.volumes.list()]
        # Not by the SDK's objects: it asks for each image, and others' tests may have removed one meanwhile.
        names += [tag.partition(":")[0] for image in client.api.images() for tag in image["RepoTags"] or ()]
        return sorted(name for name in names if f"-{self.stack.name}-" in name)

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


@contextmanager
def deployment_of_a_stack(engine: docker.DockerClient, name: str) -> Iterator[Deployment]:
    """One server with a model, and two projects, of an XNAT that is not the stack's and has a third; not up yet.

    Args:
        engine: the one that stacks use unless told otherwise.
        name: the stack's; the process's id is added to it, so that several test runs may share an engine.
    """
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
        with pulumi_stack(settings, name=f"{name}-{os.getpid()}", env={"XNAT_PASSWORD": "admin"}) as stack:
            made = Deployment(stack, engine, xnat, settings)
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
                # A test run in the background has interruptions ignored, and what it starts inherits that.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
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
