"""Whether a port of the stack is free on its engine's host; if not, by whom it is taken."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import docker

from clients.engine_probe import refusal
from operations.checks.finding import Finding

_LISTENS = "0A"  # the state's number in /proc/net/tcp


def check(
    engine: docker.DockerClient,
    image: str,
    labels: Mapping[str, str],
    *,
    key: str,
    bind: str,
    port: int,
    own: str,
    local: bool,
) -> Finding:
    """
    Args:
        image: of `clients.engine_probe.empty_image`.
        key: of the port in the stack file.
        own: the stack's container that may have it.
        local: whether the engine is on this machine.
    """
    holder = _container(engine, port)
    if holder == own:
        return Finding("ok", key, f"{port} is served by {own}")
    said = refusal(engine, image, labels, ports={"1/tcp": (bind, port)})
    if not said:
        return Finding("ok", key, f"{port} is free on {bind}")
    if "cannot assign requested address" in said:
        return Finding("wrong", key, f"{bind} is no address of the engine's host: mend servers.<name>.bind")
    if not any(words in said for words in ("port is already allocated", "address already in use")):
        return Finding(
            "wrong", key, f"{port} cannot be published on {bind} (the engine says: {said}): mend what it names"
        )
    who = f"container {holder}" if holder else (local and _process(port)) or "a process on the engine's host"
    return Finding("wrong", key, f"{port} is taken on {bind} by {who}: choose another port, or stop that")


def _container(engine: docker.DockerClient, port: int) -> str:
    """The name of the running container that publishes the port; empty if none does."""
    for container in engine.api.containers():
        if any(published.get("PublicPort") == port for published in container.get("Ports") or ()):
            return str(container["Names"][0]).removeprefix("/")
    return ""


def _process(port: int) -> str:
    """The process of this machine that listens on the port; empty if it cannot be told.

    Sources: proc(5) for /proc/net/tcp and /proc/PID/fd, which only root sees of all processes.
    """
    sockets = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                sockets.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(link.readlink()) in sockets for link in (process / "fd").iterdir()):
                return f"process {process.name} ({(process / 'comm').read_text().strip()})"
        except OSError:
            continue  # it has ended, or is somebody else's
    return ""
