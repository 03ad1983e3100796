"""How a server of the stack is: its containers, and whether AIAA in them answers."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Literal

from docker.errors import NotFound
from docker.models.containers import Container

from clients.aiaa import AiaaClient, ModelEntry
from clients.docker_engine import docker_engine
from clients.engine_answers import optional, part
from clients.errors import ClientError, Unreachable
from engines.address import EngineAddress
from operations.stack_file import Stack

ROLES = ("aiaa", "tritonserver")

_PATIENCE = 15.0  # seconds for the list of models, which takes AIAA no time


@dataclass(frozen=True)
class ContainerState:
    """`state`: Docker's own word, with the health check's if there is one, as `running, unhealthy`; or `absent`."""

    name: str
    state: str


@dataclass(frozen=True)
class ServerState:
    """
    Attributes:
        state: `up` lists its models. `hung` answers at `/` and not at `/v1/models`. `down` does not answer. `wrong`
            answers something else than a list, or a container of it does not run although it answers.
        told: what is wrong and what to do; empty if all is well.
        containers: of a server whose engine answers.
        models: what it lists; None if it does not.
    """

    name: str
    url: str
    state: Literal["up", "hung", "down", "wrong"]
    told: str
    containers: tuple[ContainerState, ...]
    models: tuple[ModelEntry, ...] | None


def look(stack: Stack, name: str) -> ServerState:
    """A server as it is now; raises nothing, as what cannot be seen of it is told, too."""
    server = stack.server(name)
    containers, reason = _containers(stack, name)
    stopped = [container for container in containers if not container.state.startswith("running")]
    faults = [reason] if reason else []
    if stopped:
        words = " and ".join(f"container {container.name} is {container.state}" for container in stopped)
        faults.append(f"{words}: run `bin/pulumi refresh`, then `bin/pulumi up`; `bin/aiaa logs {name}` tells more")
    models: tuple[ModelEntry, ...] | None = None
    state: Literal["up", "hung", "down", "wrong"] = "wrong" if stopped else "up"
    with AiaaClient(server.deployer_url, timeout=_PATIENCE) as client:
        try:
            models = tuple(client.models())
        except Unreachable as error:
            state = "hung" if client.page_answers() else "down"
            # A container that does not run says enough of a server that does not answer.
            if state == "hung":
                faults.append(_hung(stack, name))
            elif not stopped:
                faults.append(error.line)
        except ClientError as error:
            state = "wrong"
            faults.append(error.line)
    return ServerState(name, server.deployer_url, state, "; ".join(faults), containers, models)


def _containers(stack: Stack, name: str) -> tuple[tuple[ContainerState, ...], str]:
    """The states of a server's containers; without any, the reason why they cannot be seen, if there should be some."""
    if stack.server(name).is_external:
        return (), ""
    try:
        with docker_engine(stack.server(name).docker_host) as engine:
            found = []
            for role in ROLES:
                container_name = stack.container(name, role)
                try:
                    found.append(ContainerState(container_name, _state(engine.containers.get(container_name))))
                except NotFound:
                    found.append(ContainerState(container_name, "absent"))
            return tuple(found), ""
    except ClientError as error:
        return (), error.line


def _state(container: Container) -> str:
    state = part(container.attrs, dict, "State")
    words = [part(state, str, "Status")]
    if words == ["exited"]:
        words.append("out of memory" if state.get("OOMKilled") else f"exit code {state.get('ExitCode', '?')}")
    if health := optional(state, str, "", "Health", "Status"):
        words.append(health)
    return ", ".join(words)


def _hung(stack: Stack, name: str) -> str:
    if stack.server(name).is_external:
        return "it hangs: / answers, /v1/models does not: AIAA has to be restarted where it runs"
    engine = stack.server(name).docker_host
    docker = EngineAddress.of(engine).docker_command if engine else ["docker"]
    command = [*docker, "restart", stack.container(name, "aiaa")]
    return f"it hangs: / answers, /v1/models does not: run `{shlex.join(command)}` (docs/operations.md tells more)"
