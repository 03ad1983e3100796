"""What a killed run left on Docker engines, and what no longer runs there although the state says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import docker

from clients.docker_engine import docker_engine
from clients.engine_answers import items, part
from clients.errors import Broken, shortened
from runs.state import PROJECT, Container, State

_PROJECT_LABEL, _STACK_LABEL = "xnat-aiaa.project", "xnat-aiaa.stack"  # components/labels.py gives them
_RUNS = ("running", "restarting")
_SLACK = 5.0  # seconds by which the clocks of this machine and an engine's may differ


def remove_strays(state: State, stack: str, address: str | None, since: float) -> Iterator[str]:
    """Remove the stack's things on one engine that its state does not know, made since `since`; tells each.

    Args:
        address: the engine's.
        since: seconds since the epoch. What is older is somebody's: another backend may have a stack of this name.

    Raises:
        ClientError: the engine did not answer, or refused.
    """
    with docker_engine(address) as engine:
        for kind, thing in _things(engine, stack):
            if thing.id not in state.ids(kind) and _made(thing) >= since - _SLACK:
                _remove(kind, thing)
                yield f"removed {kind} {thing.name}, which it had made and no state knows"


def not_running(containers: Sequence[Container], address: str | None) -> list[Container]:
    """Those on one engine that should run and do not: paused ones too, and those that are gone.

    Raises:
        ClientError: the engine did not answer.
    """
    expected = [container for container in containers if container.engine == address and container.must_run]
    if not expected:
        return []
    with docker_engine(address) as engine:
        found = items(engine.api.containers(all=True))
        states = {part(item, str, "Id"): item.get("State") for item in found}
    return [container for container in expected if states.get(container.id) not in _RUNS]


def missing(state: State, address: str | None) -> list[str]:
    """URNs of containers, networks and volumes that should be on one engine, and that it does not have.

    Raises:
        ClientError: the engine did not answer.
    """
    with docker_engine(address) as engine:
        there = {
            "container": {part(item, str, "Id") for item in items(engine.api.containers(all=True))},
            "network": {part(item, str, "Id") for item in items(engine.api.networks())},
            "volume": {part(item, str, "Name") for item in items(engine.api.volumes(), "Volumes")},
        }
    return [
        urn
        for kind, ids in there.items()
        for id_, urn in state.ids(kind).items()
        if id_ not in ids and state.engine_of(urn) == address
    ]


def _things(engine: docker.DockerClient, stack: str) -> Iterator[tuple[str, Any]]:
    """Containers first: nothing that one of them uses can be removed."""
    ours: dict[str, str | list[str] | bool] = {"label": [f"{_PROJECT_LABEL}={PROJECT}", f"{_STACK_LABEL}={stack}"]}
    yield from (("container", thing) for thing in engine.containers.list(all=True, filters=ours, ignore_removed=True))
    yield from (("network", thing) for thing in engine.networks.list(filters=ours))
    yield from (("volume", thing) for thing in engine.volumes.list(filters=ours))


def _made(thing: Any) -> float:
    created = thing.attrs.get("Created") or thing.attrs.get("CreatedAt")
    # Nanoseconds are more than Python reads.
    whole, _, rest = str(created).replace("Z", "+00:00").partition(".")
    zone = rest[rest.find("+") :] if "+" in rest else rest[rest.find("-") :] if "-" in rest else ""
    try:
        return datetime.fromisoformat(whole + zone).timestamp()
    except (ValueError, OverflowError):
        raise Broken(f"a Docker engine does not say when it created {thing.name}: {shortened(str(created))}") from None


def _remove(kind: str, thing: Any) -> None:
    try:
        if kind == "container":
            thing.remove(force=True, v=True)
        else:
            thing.remove()
    except docker.errors.NotFound:
        pass  # gone meanwhile
