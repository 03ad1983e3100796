"""`aiaa:SmokeTest`: one real inference of a model."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, Resource, UpdateResult

from clients import smoke_test
from clients.aiaa import AiaaClient
from dynamic_providers.boundary import Props, Provider, one_line_errors, plain


class SmokeTestProvider(Provider):
    """Runs at creation, and again when the model, a container or the engine changes."""

    required = ("server", "model", "url")
    managed = ("url", "tested")

    def create(self, props: dict[str, Any]) -> CreateResult:
        inputs = plain(props)
        return CreateResult(_id(inputs), {**inputs, "answer": _try(inputs)})

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        inputs = plain(news)
        return UpdateResult({**inputs, "answer": _try(inputs)})


class SmokeTest(Resource, module="aiaa", name="SmokeTest"):
    """A model that answered."""

    answer: pulumi.Output[str]

    def __init__(
        self,
        server: str,
        model: str,
        *,
        url: pulumi.Input[str],
        tested: dict[str, pulumi.Input[str]],
        timeout: int,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """
        Args:
            server, model: names, which make the resource's id.
            url: the server as this machine reaches it.
            tested: what the answer depends on (source, containers, engine); a change of it means another test.
            timeout: seconds for one inference.
        """
        props = {"server": server, "model": model, "url": url, "tested": tested, "timeout": timeout, "answer": None}
        super().__init__(SmokeTestProvider(), f"{server}/{model}", props, opts)


def _id(props: Props) -> str:
    return f"{props['server']}/{props['model']}"


def _try(inputs: Props) -> str:
    with one_line_errors(f"smoke test of model {_id(inputs)}"), AiaaClient(inputs["url"]) as client:
        return str(smoke_test.run(client, inputs["model"], inputs["timeout"]))
