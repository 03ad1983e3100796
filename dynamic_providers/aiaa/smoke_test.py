"""`aiaa:SmokeTest`: one real inference of a model, as a viewer asks for it."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, Resource, UpdateResult

from clients import smoke_test
from clients.aiaa import AiaaClient
from clients.errors import ClientError, Unreachable, one_line, shortened
from dynamic_providers.boundary import Props, Provider, one_line_errors, plain, say
from model_files.config import Declared

_LOG_LINES = 5
_STAYS = (
    "until then it is on the server, for projects that are registered already, too: to take it back, put its former "
    "files in place and run the command again"
)


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
        declared: Declared | None,
        tested: dict[str, pulumi.Input[str]],
        timeout: int,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """
        Args:
            server, model: names, which make the resource's id.
            url: the server as this machine reaches it.
            declared: the image that fits the model; None lets the server's own configuration of it tell.
            tested: what the answer depends on (source, containers, engine); a change of it means another test.
            timeout: seconds for one inference.
        """
        props: dict[str, Any] = {"server": server, "model": model, "url": url, "tested": tested, "timeout": timeout}
        if declared:
            props["declared"] = _as_input(declared)
        props["answer"] = None
        super().__init__(SmokeTestProvider(), f"{server}/{model}", props, opts)


def _id(props: Props) -> str:
    return f"{props['server']}/{props['model']}"


def _try(inputs: Props) -> str:
    with one_line_errors(f"smoke test of model {_id(inputs)}"), AiaaClient(inputs["url"]) as client:
        try:
            trial = smoke_test.run(client, inputs["model"], inputs["timeout"], declared=_declared(inputs))
        except ClientError as error:
            failed = error
        else:
            say(f"smoke test of model {_id(inputs)}: {trial}")
            return str(trial)
        # After the handler: within it, this error would pass for the cause of whatever the log says.
        if isinstance(failed, Unreachable):
            raise failed
        raise failed.with_more(_last_words(client), advice=_STAYS)


def _as_input(declared: Declared) -> dict[str, Any]:
    image: dict[str, Any] = {"channels": declared.channels, "shape": list(declared.shape)}
    return image if declared.format == "nifti" else {**image, "format": declared.format}


def _declared(inputs: Props) -> Declared | None:
    known = inputs.get("declared")
    return Declared(known["channels"], tuple(known["shape"]), known.get("format", "nifti")) if known else None


def _last_words(client: AiaaClient) -> str:
    """What AIAA's log says last: of an inference that fails, its answer may give no reason at all
    (https://github.com/NVIDIA/ai-assisted-annotation-client/issues/92)."""
    try:
        lines = [one_line(line) for line in client.logs(_LOG_LINES).splitlines()[-_LOG_LINES:]]
    except ClientError as error:
        return f"AIAA's log cannot be read: {error}"
    return f"AIAA's last log lines: {' | '.join(shortened(line) for line in lines if line) or '(none)'}"
