"""Whether a container would get the limits that the stack file asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import docker
from docker.types import Ulimit

from clients.engine_probe import empty_image, refusal
from operations.checks.finding import Finding
from settings import Server


def check(engine: docker.DockerClient, labels: Mapping[str, str], name: str, server: Server) -> Iterator[Finding]:
    """
    Args:
        name: the server's.
    """
    for limit in ("memlock", "stack"):
        value = getattr(server.ulimits, limit)
        if value is None:
            continue
        what = f"servers.{name}.ulimits.{limit}"
        ulimits = [Ulimit(name=limit, soft=value, hard=value)]
        with empty_image(engine) as image:
            said = refusal(engine, image, labels, network_mode="none", ulimits=ulimits)
        if said:
            advice = "set it to null, or give the engine the right to raise limits (CAP_SYS_RESOURCE)"
            yield Finding("wrong", what, f"no container gets {value} (the engine says: {said}): {advice}")
        else:
            yield Finding("ok", what, f"a container gets {value}")
