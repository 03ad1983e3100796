"""A stack's state, through the CLI: so it works with every backend, and secrets stay encrypted."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clients.errors import one_line, shortened
from engines.address import EngineAddress

PROJECT = "xnat-aiaa"  # as Pulumi.yaml names it


class StateFailed(Exception):
    """The CLI could not read or write the state; the message is its own."""


@dataclass(frozen=True)
class Container:
    """A container that the state knows.

    Attributes:
        must_run: it is not one that ends by itself.
        engine: the engine's address; None is the default one.
    """

    urn: str
    id: str
    name: str
    must_run: bool
    engine: str | None


class State:
    """What the backend has of a stack."""

    def __init__(self, exported: dict[str, Any]) -> None:
        self.exported = exported
        deployment = exported.get("deployment")
        deployment = deployment if isinstance(deployment, dict) else {}
        self.resources = _objects(deployment.get("resources"))
        self.pending = _objects(deployment.get("pending_operations"))

    @property
    def cut_off(self) -> list[str]:
        """Operations that began and whose end nobody saw, as `creating Container main-aiaa`."""
        return [one_line(f"{each.get('type')} {in_words(_urn_of(each.get('resource')))}") for each in self.pending]

    def without_cut_off(self) -> State:
        """The same, as if they had never begun. What they made is found by its mark, its labels or its name."""
        deployment = {key: value for key, value in self.exported["deployment"].items() if key != "pending_operations"}
        return State({**self.exported, "deployment": deployment})

    def containers(self) -> list[Container]:
        return [
            Container(
                found["urn"],
                found["id"],
                str(_outputs(found).get("name")),
                _outputs(found).get("mustRun") is not False,
                self._engine(found),
            )
            for found in self._of_type("docker:index/container:Container")
            if "id" in found and not found.get("delete")  # one that was replaced and is still to be deleted
        ]

    @property
    def only_components(self) -> bool:
        """Whether nothing is left that a provider has made."""
        return not any(found.get("custom") and not _is_provider(found) for found in self.resources)

    def endpoints(self) -> list[str]:
        """URNs of what says that an AIAA server answers."""
        return [found["urn"] for found in self._of_type("pulumi-python:dynamic/aiaa:Endpoint")]

    def workspaces(self) -> list[str]:
        """URNs of the resources that say that a server's workspace is prepared."""
        return [found["urn"] for found in self._of_type("pulumi-python:dynamic/aiaa:Workspace")]

    def ids(self, kind: str) -> dict[str, str]:
        """URNs by the engine's id of all networks, volumes or containers."""
        of_kind = self._of_type(f"docker:index/{kind}:{kind.capitalize()}")
        return {found["id"]: found["urn"] for found in of_kind if "id" in found}

    def engines(self) -> set[str | None]:
        """Addresses of the engines that this stack has things on, or had, by its providers; None is the default one."""
        return {None, *(_address(found) for found in self._of_type("pulumi:providers:docker"))}

    def engine_of(self, urn: str) -> str | None:
        return next((self._engine(found) for found in self.resources if found.get("urn") == urn), None)

    def _engine(self, resource: Mapping[str, Any]) -> str | None:
        urn = str(resource.get("provider", "")).rpartition("::")[0]
        provider = next((found for found in self.resources if found.get("urn") == urn), {})
        return _address(provider)

    def _of_type(self, type_: str) -> list[dict[str, Any]]:
        return [found for found in self.resources if found.get("type") == type_ and isinstance(found.get("urn"), str)]


@dataclass(frozen=True)
class Cli:
    """The real CLI, on one stack."""

    pulumi: str
    stack: str
    env: Mapping[str, str]

    def state(self) -> State:
        """
        Raises:
            StateFailed: it cannot be read.
        """
        said = self._run(["stack", "export"])
        try:
            exported = json.loads(said)
        except (ValueError, RecursionError):
            exported = None
        if not isinstance(exported, dict):
            raise StateFailed(
                f"`pulumi stack export` did not print a state, but: {shortened(one_line(said)) or 'nothing'}"
            )
        return State(exported)

    def write(self, state: State) -> None:
        """
        Raises:
            StateFailed: it cannot be written.
        """
        self._run(["stack", "import"], json.dumps(state.exported))

    def refresh(self, urns: Iterable[str]) -> None:
        """Look at these resources only, without the program: what is not as the state says leaves the state, or is
        noted there, and the next `up` mends it.

        Raises:
            StateFailed: it failed.
        """
        targets = [word for urn in sorted(urns) for word in ("--target", urn)]
        self._run(["refresh", "--yes", "--skip-preview", "--run-program=false", *targets])

    def forget_components(self, state: State) -> None:
        """Take out of the state what a destroy with the program left there: components that it registered anew.

        Raises:
            StateFailed: it failed.
        """
        if state.only_components and any(found.get("type") != "pulumi:pulumi:Stack" for found in state.resources):
            self._run(["destroy", "--yes", "--skip-preview", "--run-program=false"])

    def _run(self, args: Sequence[str], stdin: str = "") -> str:
        done = subprocess.run(
            [self.pulumi, *args, "--non-interactive", "--stack", self.stack],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, **self.env},
            check=False,
        )
        if done.returncode != 0:
            reasons = [line for line in (done.stderr + done.stdout).splitlines() if line.strip().startswith("error:")]
            said = (reasons or done.stderr.strip().splitlines() or ["nothing"])[-1]
            raise StateFailed(f"`pulumi {' '.join(args[:2])}` said: {said.strip()[:300]}")
        return done.stdout


def _address(provider: Mapping[str, Any]) -> str | None:
    """The engine of a docker provider; None is the default one."""
    inputs = provider.get("inputs")
    if not isinstance(inputs, Mapping):
        return None
    host, folder = inputs.get("host"), inputs.get("certPath")
    if not isinstance(host, str) or not host:
        return None
    return EngineAddress(host, folder if isinstance(folder, str) and folder else None).text


def _is_provider(resource: Mapping[str, Any]) -> bool:
    return str(resource.get("type")).startswith("pulumi:providers:")


def in_words(urn: str) -> str:
    """`Container main-aiaa` of `urn:pulumi:STACK::PROJECT::PARENTS$docker:index/container:Container::main-aiaa`."""
    parts = urn.split("::", 3)
    return one_line(f"{parts[2].rpartition(':')[2]} {parts[3]}" if len(parts) == 4 else urn)


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _urn_of(resource: object) -> str:
    return str(resource.get("urn")) if isinstance(resource, dict) else "?"


def _outputs(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    found = resource.get("outputs")
    return found if isinstance(found, Mapping) else {}
