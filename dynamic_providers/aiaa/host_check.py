"""`aiaa:HostCheck`: an engine whose host gives what a server needs of it. All that is made there depends on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, Resource, UpdateResult

from clients.engine_host import Wanted, refusal
from dynamic_providers.boundary import Props, Provider, ProviderError, one_line_errors, plain


class HostCheckProvider(Provider):
    """Tries, at creation and again when something of it changes, whether the engine answers, the port can be had on
    that address, and there are the GPUs; so that a wrong one is found before a container is made or replaced."""

    required = ("name", "key", "bind", "port")
    managed = ("docker_host", "bind", "port", "gpus")

    def create(self, props: dict[str, Any]) -> CreateResult:
        inputs = plain(props)
        _try(inputs)
        return CreateResult(inputs["name"], inputs)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        inputs = plain(news)
        _try(inputs)
        return UpdateResult(inputs)


class HostCheck(Resource, module="aiaa", name="HostCheck"):
    """An engine's host that has the port and the GPUs."""

    def __init__(
        self,
        name: str,
        *,
        key: str,
        docker_host: str | None,
        bind: str,
        port: int,
        gpus: Sequence[str] = (),
        holder: str,
        labels: Mapping[str, str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """
        Args:
            name: the server's name, which is also the resource's id.
            key: where the stack file has the settings, as `servers.main`: an error names the key.
            docker_host: the engine; None is the default one.
            bind, port, gpus: what the host has to give.
            holder: the container that may have the port already, as it is the server's own.
            labels: of the container that tries it.
        """
        props = {
            "name": name,
            "key": key,
            "docker_host": docker_host,
            "bind": bind,
            "port": port,
            "gpus": list(gpus),
            "holder": holder,
            "labels": dict(labels),
        }
        super().__init__(HostCheckProvider(), name, props, opts)


def _try(inputs: Props) -> None:
    wanted = Wanted(inputs["bind"], inputs["port"], tuple(inputs["gpus"]), inputs["holder"])
    with one_line_errors(inputs["key"]):
        refused = refusal(inputs.get("docker_host"), wanted, inputs["labels"])
    if refused:
        raise ProviderError(f"{inputs['key']}.{refused.key}: {refused.line}")
