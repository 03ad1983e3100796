"""The present address of a server, for a delete and a refresh: they get only the state, no new inputs.

A model's state has the address at which it was loaded. The server may have moved since then: in the same `up`, because
models are removed at its end, or in an earlier `up` that failed before the models. The stack file has the wanted
address, which is not the present one before an `up`. For a server that we run, its container shows which one is right.
"""

from __future__ import annotations

import ipaddress

from pulumi.dynamic import Config

from clients import containers
from clients.errors import ClientError
from dynamic_providers import stack_config
from dynamic_providers.boundary import Props, say
from settings import Server


def present_url(config: Config, state: Props) -> str:
    """The address of a model's server: the stack file's, if the server already has it, else the state's.

    The address of an external server is valid as soon as it is in the stack file.

    Args:
        state: of the model.

    Raises:
        SettingsError, ProviderError: the stack file is wrong there.
    """
    name, known = str(state["server"]), str(state["url"])
    server = stack_config.server(config, name)
    if server is None or server.deployer_url == known:
        return known
    # A workspace of ours has a generation. Older states have no such key.
    was_external = state["generation"] == "" if "generation" in state else server.is_external
    if server.is_external != was_external:
        return known  # the name is another server now, and the model is on the former one
    if server.is_external:
        return server.deployer_url
    container = container_of(str(state["owner"]), name)
    try:
        return server.deployer_url if _has_moved(server, container) else known
    except ClientError as error:
        say(
            f"server {name}: using {known}, because the engine cannot say whether the server is at "
            f"{server.deployer_url}: {error}"
        )
        return known


def container_of(owner: str, server: str) -> str:
    """The name of a server's AIAA container, as components/labels.py has it.

    Args:
        owner: `<project>/<stack>`.
    """
    return f"{owner.replace('/', '-')}-{server}-aiaa"


def _has_moved(server: Server, container: str) -> bool:
    """Whether the container publishes what the stack file says."""
    return any(
        port == server.port and _same(address, server.bind)
        for address, port in containers.published(container, server.docker_host)
    )


def _same(published: str, wanted: str) -> bool:
    """For all addresses, Docker writes no address or an unspecified one."""
    address = ipaddress.ip_address(published or "0.0.0.0")  # noqa: S104 - compared only
    other = ipaddress.ip_address(wanted)
    return address == other or (address.is_unspecified and other.is_unspecified)
