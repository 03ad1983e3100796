"""A container in the way: one that has the name which a container of ours is to get.

A person made it (ours was removed, and run again by hand), or a run that was killed before the state knew of it. The
name says project, stack, server and role, so whatever has it stands where ours belongs; Docker would refuse the second.
"""

from __future__ import annotations

from collections.abc import Callable

from pulumi import ResourceHookArgs, ResourceHookBinding, log

from clients import containers, networks
from clients.errors import ClientError


def namesake_removed(docker_host: str | None) -> ResourceHookBinding:
    """Before a container is created, remove the one of its name, with a warning.

    Args:
        docker_host: the engine; None is the default one.
    """

    def remove(name: str) -> str:
        was = containers.remove(name, docker_host)
        return f"removed one of image {was} that this stack did not know: it had the name" if was else ""

    return _before_creation("container", remove)


def network_namesake_removed(docker_host: str | None) -> ResourceHookBinding:
    """Before a network is created, remove networks of the same name that no running container uses, with a warning.

    Args:
        docker_host: the engine; None is the default one.
    """

    def remove(name: str) -> str:
        return "removed one of this name that is not in the stack's state" if networks.remove(name, docker_host) else ""

    return _before_creation("network", remove)


def _before_creation(kind: str, remove: Callable[[str], str]) -> ResourceHookBinding:
    """
    Args:
        kind: of the resource, for messages.
        remove: removes what has this name; returns what to warn of, "" for nothing.
    """

    def hook(args: ResourceHookArgs) -> None:
        assert args.new_inputs is not None  # noqa: S101 - the engine gives a hook before a creation the new inputs
        name = str(args.new_inputs["name"])
        try:
            warning = remove(name)
        except ClientError as error:
            raise RuntimeError(f"{kind} {name}: {error.line}") from None
        if warning:
            log.warn(f"{kind} {name}: {warning}")

    return ResourceHookBinding(before_create=[hook])
