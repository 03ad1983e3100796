"""The README, followed word for word in a fresh clone: every command in it that needs no hospital."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.support.free_port import free_port

PROJECT = Path(__file__).parents[2]
STACK = "xnat-aiaa-dev-"
TIMEOUT = 900  # seconds for one command


class Clone:
    """A newcomer's copy of the project, with this one's tools, so that they are not built again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, command: str, *, env: dict[str, str] | None = None) -> str:
        """What a shell command said, which must succeed."""
        done = subprocess.run(
            ["bash", "-euc", command],
            cwd=self.folder,
            env={**os.environ, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert done.returncode == 0, f"{command} failed:\n{done.stdout}"
        return done.stdout

    def changed_files(self) -> str:
        return self.run("git status --porcelain --untracked-files=all")


@pytest.fixture(scope="module")
def clone(engine_with_image: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    if things_of_the_stack(engine_with_image):
        pytest.skip("needs the names of the development stack's containers: run `make down` first")
    folder = tmp_path_factory.mktemp("clone") / "xnat-aiaa"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (PROJECT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
    stack_file = folder / "Pulumi.dev.yaml"
    stack_file.write_text(re.sub(r"\bport: \d+", lambda _: f"port: {free_port()}", stack_file.read_text()))
    shutil.copytree(
        PROJECT / ".toolchain", folder / ".toolchain", symlinks=True, ignore=shutil.ignore_patterns("docker", "logs")
    )
    clone = Clone(folder)
    clone.run("git init -q . && git add -A && git -c user.name=x -c user.email=x@example.org commit -qm clone")
    yield clone
    if folder.joinpath("Makefile").exists() and things_of_the_stack(engine_with_image):
        clone.run("make down")


def things_of_the_stack(engine: docker.DockerClient) -> list[str]:
    names = [container.name for container in engine.containers.list(all=True)]
    names += [network.name for network in engine.networks.list()] + [volume.name for volume in engine.volumes.list()]
    names += [tag for image in engine.images.list() for tag in image.tags]
    return [name for name in names if name and name.startswith(STACK)]


def commands() -> list[str]:
    """Of the README's blocks marked as shell, in order."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (PROJECT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def test_the_commands_work_in_their_order_and_leave_nothing(
    clone: Clone, engine_with_image: docker.DockerClient
) -> None:
    said = {}
    for command in commands():
        if command == "make test":  # what runs this test
            continue
        said[command] = clone.run(command)
        assert clone.changed_files() == "", command
    assert "a browser will use http://127.0.0.1:" in said["make up"]
    assert "demonstration log-in: admin / admin" in said["make up"]
    assert "NVIDIA Clara AIAA" in said["make up"]
    assert "projects/LIVER" in json.loads(said["bin/pulumi stack output --json"])["registrations"]
    assert "28 unchanged" in said["bin/pulumi preview"]
    assert things_of_the_stack(engine_with_image) == []


def test_taking_back_what_is_not_there_is_no_error(clone: Clone) -> None:
    assert "Nothing of the development stack is up" in clone.run("make down")


def test_clean_leaves_what_git_has_and_no_more(clone: Clone) -> None:
    clone.run("make clean", env={"DOCKER_HOST": "unix:///nonexistent"})
    assert clone.run("git status --porcelain --ignored --untracked-files=all") == ""
    assert "Nothing is up here" in clone.run("make down")


def test_continuous_integration_runs_make_test() -> None:
    assert "\nmake test\n" in (PROJECT / ".ci" / "run").read_text()
    assert commands().count("make test") == 1


def test_help_names_every_make_target_of_the_documentation(clone: Clone) -> None:
    documents = [PROJECT / "README.md", *(PROJECT / "docs").glob("*.md")]
    named = {name for path in documents for name in re.findall(r"`make ([a-z]+)", path.read_text())}
    listed = set(re.findall(r"^  make ([a-z]+)", clone.run("make help"), re.MULTILINE))
    assert {"up", "test", "down"} <= named <= listed
