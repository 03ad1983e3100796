"""What of a Docker engine is read outside Pulumi's docker plugin: the log of a container that failed."""

from __future__ import annotations

import docker
from docker.errors import DockerException, NotFound

from clients.errors import Rejected, Unreachable

_TIMEOUT = 15  # seconds


def last_log_lines(container: str, lines: int, docker_host: str | None) -> list[str]:
    """The last lines that a container wrote, oldest first.

    Args:
        docker_host: the engine's address; None is DOCKER_HOST's, or the default socket.

    Raises:
        Rejected: the engine has no such container. Unreachable: the engine did not answer.
    """
    try:
        client = (
            docker.DockerClient(base_url=docker_host, timeout=_TIMEOUT, use_ssh_client=docker_host.startswith("ssh://"))
            if docker_host
            else docker.from_env(timeout=_TIMEOUT)
        )
        try:
            log = client.containers.get(container).logs(tail=lines)
        finally:
            client.close()
    except NotFound:
        raise Rejected(f"the engine has no container {container}") from None
    except (DockerException, OSError) as error:
        raise Unreachable(f"the Docker engine did not answer: {' '.join(str(error).split())[:200]}") from None
    return [line.strip() for line in log.decode(errors="replace").splitlines() if line.strip()]
