"""A Docker engine, outside Pulumi's docker plugin: what is read of its containers, and their logs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import docker
from docker.errors import APIError

from clients.engine_answers import sdk_failed
from clients.errors import Rejected, Unreachable, shortened
from engines.address import EngineAddress
from engines.connection import connected
from engines.errors import NoEngine

_TIMEOUT = 15  # seconds


@contextmanager
def docker_engine(docker_host: str | None, *, timeout: int = _TIMEOUT) -> Iterator[docker.DockerClient]:
    """A client of the engine, closed at the end; what the engine refuses inside comes out as our own errors.

    Args:
        docker_host: the engine's address, as `engines.address.EngineAddress` reads it; None is the default engine.
        timeout: seconds for one call.

    Raises:
        Rejected: the engine said no, or has no such object. Unreachable: it did not answer. Broken: its answer is
            not one of a Docker engine.
    """
    try:
        address = EngineAddress.of(docker_host)
    except NoEngine as error:
        raise Unreachable(f"there is no Docker engine to ask: {error}", advice=error.advice) from None
    where = f"Docker engine {address.url}"
    try:
        with connected(address, timeout) as client:
            yield client
    except APIError as error:
        raise Rejected(f"{where}: {_one_line(error.explanation or error)}") from None
    except NoEngine as error:
        raise Unreachable(f"{where} did not answer: {_one_line(error)}", advice=error.advice) from None
    except Exception as error:  # noqa: BLE001 - the SDK's errors have no common class; all are raised again
        raise sdk_failed(error, where) from None


def last_log_lines(container: str, lines: int, docker_host: str | None) -> list[str]:
    """The last lines that a container wrote, oldest first.

    Raises:
        Rejected: the engine has no such container. Unreachable: the engine did not answer.
    """
    with docker_engine(docker_host) as engine:
        log = engine.containers.get(container).logs(tail=lines)
    return [line.strip() for line in log.decode(errors="replace").splitlines() if line.strip()]


def _one_line(error: object) -> str:
    return shortened(" ".join(str(error).split()))
