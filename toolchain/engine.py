"""The Docker engine that everything runs on: the machine's, or one of the project's own."""

from __future__ import annotations

import os
import time

import docker
from docker.errors import DockerException

from engines.address import DEFAULT, EngineAddress
from engines.connection import client as engine_client
from engines.connection import connected
from engines.errors import NoEngine
from toolchain import console, private_engine
from toolchain.errors import SetUpError

_ANSWER = 10  # seconds for an engine that is there
_LONG = 900  # seconds, for the longest step of a build
_START = 60  # seconds for one that has just been started


def ensure() -> str:
    """Where an engine answers; one of our own is started if there is none.

    Raises:
        SetUpError: there is none, and none can be had.
    """
    machines = of_the_machine()
    if machines is not None:
        private_engine.HOST.unlink(missing_ok=True)  # of one that crashed: bin/pulumi would go there
        return machines
    host = private_engine.start()
    try:
        _await(host)
    except SetUpError:
        if private_engine.pid() is not None:
            raise
        # After a crash, dockerd may wait in vain for the containerd of the former one, which has ended by then.
        host = private_engine.start()
        _await(host)
    return host


def of_the_machine() -> str | None:
    """Where an engine answers that is not this project's own; None if there is none, or ours runs already.

    Raises:
        SetUpError: DOCKER_HOST names one that does not answer.
    """
    host = os.environ.get("DOCKER_HOST")
    if host:
        failure = _failure(host)
        if failure:
            raise SetUpError(
                f"No Docker engine answers at DOCKER_HOST={host}: {failure}. Start it, or unset DOCKER_HOST"
            )
        return host
    # Ours first if it runs: the stack's containers are there.
    return DEFAULT if private_engine.pid() is None and not _failure(DEFAULT) else None


def client(host: str, timeout: int = _LONG) -> docker.DockerClient:
    """
    Args:
        timeout: seconds without a byte from the engine.

    Raises:
        SetUpError: it does not answer.
    """
    try:
        return engine_client(EngineAddress.of(host), timeout)
    except NoEngine as error:
        raise SetUpError(f"No Docker engine answers at {host}: {error}: {error.advice}") from None


def _await(host: str) -> None:
    deadline = time.monotonic() + _START
    while failure := _failure(host):
        if time.monotonic() > deadline or private_engine.pid() is None:
            raise SetUpError(
                f"This project's Docker engine does not answer at {host}: {failure}; its log ends with: "
                f"{private_engine.log_end()}"
            )
        time.sleep(0.2)


def _failure(host: str) -> str | None:
    """Why no engine answers there, or None if one does."""
    try:
        with connected(EngineAddress.of(host), _ANSWER) as engine:
            version = engine.version()
    except (DockerException, NoEngine) as error:
        return str(error).splitlines()[0]
    console.say(f"Docker engine {version['Version']} at {host}")
    return None
