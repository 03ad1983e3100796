"""Networks on a Docker engine, by name."""

from __future__ import annotations

from clients.docker_engine import docker_engine


def remove(name: str, docker_host: str | None) -> bool:
    """Remove all networks of this name; returns whether there was one.

    Raises:
        Rejected, Unreachable: the engine said no, as running containers are on it; or it did not answer.
    """
    with docker_engine(docker_host) as engine:
        # The engine's filter finds names that contain this one, too.
        found = [network["Id"] for network in engine.api.networks(names=[name]) if network["Name"] == name]
        for network in found:
            engine.api.remove_network(network)
    return bool(found)
