"""A client of a Docker engine, wherever it is, and why there is none."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext

import docker
from docker.constants import MINIMUM_DOCKER_API_VERSION
from docker.errors import APIError, DockerException
from requests.adapters import HTTPAdapter

from engines import tls
from engines.address import EngineAddress
from engines.errors import NoEngine, cause
from engines.ssh import SshAdapter
from engines.words import of_ssh, of_tcp, of_unix

_LOG_IN = 30  # seconds on top, for the first answer over SSH: ssh logs in before


@contextmanager
def connected(address: EngineAddress, timeout: int) -> Iterator[docker.DockerClient]:
    """A client, closed at the end.

    Args:
        timeout: seconds without a byte from the engine.

    Raises:
        NoEngine: no engine answers there, or not any more.
        APIError: from what is done inside: the engine refuses.
    """
    handled = sys.exception()
    adapter = _adapter(address, timeout)
    try:
        with closing(adapter) if adapter else nullcontext():
            client = _client(address, timeout, adapter)
            with closing(client):
                yield client
    except APIError:
        raise
    except (DockerException, OSError) as error:
        if isinstance(adapter, SshAdapter):
            raise of_ssh(adapter.last_words(), error, handled) from None
        refusal = error.__context__  # of the SDK's first question, which it wraps
        said = str(refusal.explanation) if isinstance(refusal, APIError) else cause(error, handled)
        raise (of_unix(said) if address.scheme == "unix" else of_tcp(address, said)) from None


def client(address: EngineAddress, timeout: int) -> docker.DockerClient:
    """The same for as long as the process lives.

    Raises:
        NoEngine: no engine answers there now. Later failures are the Docker SDK's.
    """
    with connected(address, timeout):
        return _client(address, timeout, _adapter(address, timeout))


def _adapter(address: EngineAddress, timeout: int) -> HTTPAdapter | None:
    """What carries the requests; None for the Docker SDK's own."""
    if address.scheme == "ssh":
        return SshAdapter(address.url, timeout)
    return tls.adapter(address.cert_path) if address.cert_path else None


def _client(address: EngineAddress, timeout: int, adapter: HTTPAdapter | None) -> docker.DockerClient:
    if adapter is None:
        return docker.DockerClient(base_url=address.url, timeout=timeout)

    def client(version: str, seconds: int) -> docker.DockerClient:
        """The SDK asks nothing of the engine before it has the adapter, as it is told the version."""
        made = docker.DockerClient(base_url=base, version=version, timeout=seconds)
        made.api.mount(f"{made.api.base_url.partition('://')[0]}://", adapter)
        return made

    # The SDK cannot be given an adapter: a socket that is never opened is what its address says.
    base = "unix:///ssh" if address.scheme == "ssh" else address.url.replace("tcp://", "https://", 1)
    first = client(MINIMUM_DOCKER_API_VERSION, timeout + (_LOG_IN if address.scheme == "ssh" else 0))
    said = first.api.version(api_version=False)
    version = said.get("ApiVersion") if isinstance(said, dict) else None
    if not isinstance(version, str) or not re.fullmatch(r"[0-9]{1,4}\.[0-9]{1,4}", version, re.ASCII):
        raise NoEngine(
            "what answers there names no version of Docker's API", "check that the address is a Docker engine's"
        )
    return client(version, timeout)
