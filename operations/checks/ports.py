"""Whether a port of the stack can be had on its engine's host; if not, by whom it is taken."""

from __future__ import annotations

from collections.abc import Mapping

import docker

from clients.engine_host import Wanted, refusal_of
from operations.checks.finding import Finding


def check(
    engine: docker.DockerClient,
    docker_host: str | None,
    labels: Mapping[str, str],
    *,
    key: str,
    bind: str,
    port: int,
    own: str,
) -> Finding:
    """
    Args:
        key: of what has the port, in the stack file.
        own: the stack's container that may have it.
    """
    refused = refusal_of(engine, docker_host, Wanted(bind, port, holder=own), labels)
    if refused:
        return Finding("wrong", f"{key}.{refused.key}", refused.line)
    return Finding("ok", f"{key}.port", f"{port} is free on {bind}, or the stack's own")
