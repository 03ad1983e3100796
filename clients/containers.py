"""Single containers on a Docker engine: the state that one is in, a file in it, and what is done to one by name."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from docker.errors import NotFound

from clients.docker_engine import docker_engine
from clients.engine_answers import optional, part
from clients.errors import Broken

_SLOW = 120  # seconds: an engine under load starts and ends containers slowly
# One or two are a server that comes up before the one that it needs.
_HOPELESS_RESTARTS = 5
_FILE_LIMIT = 1 << 20  # bytes: what is read here are small files


@dataclass(frozen=True)
class ContainerState:
    """
    Attributes:
        id: Docker's, all 64 digits.
        runs: whether it does now; one that is being restarted over and over does not.
        ended: it has, and its restart policy does not start it again.
        restarts: how often its restart policy has started it again.
        words: what to tell of it: `runs`, `exited with code 137 (out of memory)`.
    """

    id: str
    runs: bool
    ended: bool
    restarts: int
    words: str


def state_of(container: str, docker_host: str | None) -> ContainerState | None:
    """
    Args:
        container: name or id.

    Returns:
        None if the engine says that it has no such container.

    Raises:
        Rejected, Unreachable: the engine said no, or did not answer.
    """
    with docker_engine(docker_host) as engine:
        try:
            inspected = engine.api.inspect_container(container)
        except NotFound:
            return None
    state = part(inspected, dict, "State")
    status = part(state, str, "Status")
    return ContainerState(
        part(inspected, str, "Id"),
        runs=status == "running",
        # While the engine waits to start it again, the status is another one: `restarting`.
        ended=status in ("exited", "dead"),
        restarts=optional(inspected, int, 0, "RestartCount"),
        words=_in_words(state),
    )


def published(container: str, docker_host: str | None) -> list[tuple[str, int]]:
    """The addresses and ports of the engine's host that a container was made with, whether or not it runs.

    Args:
        container: name or id.

    Returns:
        An empty list if the engine says that it has no such container. An address may be "": all addresses.

    Raises:
        Rejected, Unreachable: the engine said no, or did not answer.
    """
    with docker_engine(docker_host) as engine:
        try:
            bindings = engine.api.inspect_container(container)["HostConfig"].get("PortBindings") or {}
        except NotFound:
            return []
    return [
        (found.get("HostIp") or "", int(found["HostPort"]))
        for of_a_port in bindings.values()
        for found in of_a_port or ()
        if found.get("HostPort")
    ]


class Watch:
    """Looks at containers while somebody waits for what is in them."""

    def __init__(self, containers: Collection[str], docker_host: str | None) -> None:
        """
        Args:
            containers: names or ids.
        """
        self._containers = containers
        self._docker_host = docker_host
        self._restarts: dict[str, int] = {}

    def hopeless(self) -> str:
        """What makes waiting vain, in words; "" if nothing does.

        Raises:
            Rejected, Unreachable: the engine said no, or did not answer.
        """
        told = []
        for container in self._containers:
            found = state_of(container, self._docker_host)
            if found is None:
                told.append(f"container {container} is gone")
                continue
            restarts = found.restarts - self._restarts.setdefault(container, found.restarts)
            if found.ended:
                told.append(f"container {container} {found.words}, and nothing starts it again")
            elif restarts >= _HOPELESS_RESTARTS:
                told.append(f"container {container} was started again {restarts} times meanwhile, and {found.words}")
        return "; ".join(told)


def text_in(container: str, path: str, docker_host: str | None) -> str | None:
    """What a file holds, as the container sees it with its mounts; it need not run.

    A folder of the engine's host that is to be mounted and is not there is made by the engine for this, empty.

    Args:
        container: name or id of one that there is. path: absolute, in the container.

    Returns:
        None if the engine says that there is no such file.

    Raises:
        Rejected, Unreachable: the engine said no or has no such container, or did not answer.
    """
    with docker_engine(docker_host) as engine:
        found = engine.containers.get(container)
        try:
            chunks, _ = found.get_archive(path)
        except NotFound:
            return None
        try:
            with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
                member = archive.next()
                file = archive.extractfile(member) if member else None
                return None if file is None else file.read(_FILE_LIMIT).decode(errors="replace")
        except (tarfile.TarError, EOFError) as error:
            raise Broken(
                f"container {container}: cannot read {path}: the engine sent no valid archive: {error}"
            ) from None


def run_to_its_end(container: str, docker_host: str | None) -> int:
    """Start a container that ends by itself, or join it if it runs already; gives its exit code.

    Raises:
        Rejected, Unreachable: the engine said no, or has no such container; or did not answer, or it did not end.
    """
    with docker_engine(docker_host, timeout=_SLOW) as engine:
        found = engine.containers.get(container)
        found.start()
        return part(found.wait(), int, "StatusCode")


def remove(container: str, docker_host: str | None) -> str | None:
    """Remove a container, running or not; gives what it was (its image), or None if there is none.

    Raises:
        Rejected, Unreachable: the engine said no, or did not answer.
    """
    with docker_engine(docker_host, timeout=_SLOW) as engine:
        try:
            image = optional(engine.api.inspect_container(container), str, "?", "Config", "Image")
            engine.api.remove_container(container, force=True)
        except NotFound:
            return None
    return image


def _in_words(state: dict[str, Any]) -> str:
    """Of the `State` of `docker inspect`."""
    why = " (out of memory)" if state.get("OOMKilled") else f" ({state['Error']})" if state.get("Error") else ""
    code = state.get("ExitCode", "?")
    match state["Status"]:
        case "running":
            return "runs"
        case "exited" | "dead":
            return f"exited with code {code}{why}"
        case "restarting":
            return f"ends again and again, last with exit code {code}{why}"
        case "created":
            return f"was never started{why}"
        case status:
            return f"is {status}{why}"
