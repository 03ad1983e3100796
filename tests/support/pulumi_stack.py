"""A stack of this project for one test: the real engine on a copy of the project, with a state of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

_PROJECT = Path(__file__).parents[2]
_TOOLS = (".venv", ".toolchain")  # not copied: the copy uses the project's
_TIMEOUT = 600  # seconds, for one command: not a measure of anything, but no test run should hang


class PulumiFailed(Exception):
    """A command of Pulumi's ended with an error.

    Attributes:
        output: all that it said.
        errors: the lines of it that say what went wrong.
    """

    def __init__(self, command: str, output: str) -> None:
        super().__init__(f"pulumi {command} failed:\n{output}")
        self.output = output
        self.errors = [line.strip() for line in output.splitlines() if line.strip().startswith("error:")]


@dataclass(frozen=True)
class Preview:
    """What `up` would do.

    Resources go by the last part of their type and their name: `Container main-aiaa`, `Model main/liver_demo`.

    Attributes:
        changes: what would be done to each resource that does not stay as it is: `create`, `update`, `replace`,
            `delete`, `read`.
        properties: for each of them, what of its inputs differs: `ports[0].external`.
    """

    changes: dict[str, str]
    properties: dict[str, set[str]]

    @classmethod
    def of(cls, steps: list[dict[str, Any]]) -> Preview:
        changes: dict[str, str] = {}
        properties: dict[str, set[str]] = {}
        for step in steps:
            if step["op"] == "same":
                continue
            resource = resource_name(step["urn"])
            # A replacement is told in steps, of which "replace" is one.
            if changes.get(resource) != "replace":
                changes[resource] = step["op"]
            properties.setdefault(resource, set()).update(_differing(step))
        return cls(changes, properties)


def _differing(step: dict[str, Any]) -> set[str]:
    """As the provider tells it; of a dynamic provider, which does not, the inputs that are not the same."""
    if step.get("detailedDiff"):
        return set(step["detailedDiff"])
    if not (step.get("oldState") and step.get("newState")):
        return set()
    old, new = step["oldState"].get("inputs", {}), step["newState"].get("inputs", {})
    return {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}


def resource_name(urn: str) -> str:
    """`Container main-aiaa` of `urn:pulumi:STACK::PROJECT::PARENTS$docker:index/container:Container::main-aiaa`."""
    _, _, types, name = urn.split("::", 3)
    return f"{types.rpartition(':')[2]} {name}"


@dataclass
class PulumiStack:
    """
    Attributes:
        folder: the copy of the project; change its files to see what becomes of it.
        name: the stack's. The names of its containers, volumes and networks begin with `xnat-aiaa-<name>-`.
        env: of the commands.
    """

    folder: Path
    name: str
    env: dict[str, str] = field(repr=False)

    def configure(self, settings: Mapping[str, object]) -> None:
        """Write the stack file.

        Args:
            settings: what it says under `xnat-aiaa:`, by key (`servers`, `models`, ...).
        """
        config = {f"xnat-aiaa:{key}": value for key, value in settings.items()}
        # JSON is YAML.
        (self.folder / f"Pulumi.{self.name}.yaml").write_text(json.dumps({"config": config}, indent=2))

    def run(self, *args: str) -> str:
        """Any command of `bin/pulumi`, on this stack; gives its standard output.

        Raises:
            PulumiFailed: it ended with an error.
        """
        done = subprocess.run(
            [self.folder / "bin" / "pulumi", *args, "--non-interactive", "--stack", self.name],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
        if done.returncode != 0:
            raise PulumiFailed(" ".join(args), done.stdout + done.stderr)
        return done.stdout

    def up(self, *args: str) -> str:
        return self.run("up", "--yes", "--skip-preview", *args)

    def preview(self, *args: str) -> Preview:
        return Preview.of(json.loads(self.run("preview", "--json", *args)).get("steps", []))

    def preview_text(self) -> str:
        """What a person is shown."""
        return self.run("preview", "--diff")

    def require_no_changes(self) -> None:
        """Neither has the program anything to change, nor have the servers changed anything.

        Raises:
            PulumiFailed: one of both; with what it is.
        """
        self.run("preview", "--diff", "--expect-no-changes")
        self.run("refresh", "--preview-only", "--diff", "--expect-no-changes")

    def refresh(self, *args: str) -> str:
        return self.run("refresh", "--yes", "--skip-preview", *args)

    def destroy(self, *args: str) -> str:
        return self.run("destroy", "--yes", "--skip-preview", *args)

    def outputs(self) -> dict[str, Any]:
        return dict(json.loads(self.run("stack", "output", "--json")))

    def resources(self) -> dict[str, dict[str, Any]]:
        """What the state remembers of each resource (`inputs`, `outputs`, `id`, ...), by its name as in `Preview`."""
        deployment = json.loads(self.run("stack", "export"))["deployment"]
        return {resource_name(found["urn"]): found for found in deployment.get("resources", [])}


@contextmanager
def pulumi_stack(
    settings: Mapping[str, object], *, name: str = "tests", env: Mapping[str, str] | None = None
) -> Iterator[PulumiStack]:
    """A stack that is not up yet; at the end it is destroyed.

    Args:
        settings: see `PulumiStack.configure`.
        name: has to be another one for stacks that are on one Docker engine at the same time.
        env: variables on top of this process's.
    """
    missing = [tool for tool in (*_TOOLS, "bin/pulumi") if not (_PROJECT / tool).exists()]
    if missing:
        pytest.skip(f"stacks need {', '.join(missing)}: run `make toolchain`")
    with TemporaryDirectory(prefix=f"stack-{name}-") as temporary:
        folder = Path(temporary) / "project"
        shutil.copytree(_PROJECT, folder, ignore=_not_copied)
        for tool in _TOOLS:
            (folder / tool).symlink_to(_PROJECT / tool)
        state = Path(temporary) / "state"
        state.mkdir()
        own = {"PULUMI_BACKEND_URL": f"file://{state}?metadata=skip", "PULUMI_CONFIG_PASSPHRASE": "tests"}
        stack = PulumiStack(folder, name, {**os.environ, **own, **(env or {})})
        stack.run("stack", "init", "--no-select")  # the selection would stay behind in PULUMI_HOME
        stack.configure(settings)
        try:
            yield stack
        finally:
            stack.destroy()


def _not_copied(folder: str, names: list[str]) -> set[str]:
    of_no_use = {"__pycache__"}
    if Path(folder) == _PROJECT:
        of_no_use |= {"tests", *(name for name in names if name.startswith("."))}
    return of_no_use
