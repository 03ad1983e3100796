"""`aiaa:Model`: a model on an AIAA server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from clients.aiaa import AiaaClient, ModelEntry
from dynamic_providers.aiaa import model_source
from dynamic_providers.aiaa.model_source import ForeignModel, Known, Local, Ngc, Source, SourceChanged
from dynamic_providers.boundary import (
    Props,
    Provider,
    ProviderError,
    differs,
    help_if_dead,
    one_line_errors,
    plain,
    say,
)

_SOURCE = ("ngc", "ngc_version", "config_digest", "weights_digest")
_RELOAD_ON = (*_SOURCE, "generation", "owner")
_NO_INPUTS = ("type", "labels", "version", "description", "loaded", "ensured_at", "drift")  # of the program


class ModelProvider(Provider):
    """Loads, replaces, reads and unloads one model.

    Managed inputs: `url` (the server moved: nothing is uploaded again if the model is there), the source's own, and
    the workspace's `generation` (a new workspace is empty). `drift` is never an input of the program: `read` sets it
    when the server lists something else than after our load, so that the next `up` repairs it.
    """

    required = ("server", "model", "url", "owner")
    managed = ("url", *_RELOAD_ON, "drift")

    def faults(self, known: Props) -> Iterator[tuple[str, str]]:
        if bool(known.get("ngc")) == bool(known.get("weights_digest")):
            yield "ngc", "give exactly one source: an NGC path, or local files"

    def create(self, props: dict[str, Any]) -> CreateResult:
        inputs = plain(props)
        # AIAA does not tell which NGC version an entry is: load it, rather than trust one that is there.
        entry = _ensure(inputs, known=None, seen=False, reload=bool(inputs.get("ngc")))
        return CreateResult(_id(inputs), _outputs(inputs, entry))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        inputs = plain(news)
        seen = bool(olds.get("drift"))
        reload = seen or any(differs(olds.get(key), news.get(key)) for key in _RELOAD_ON)
        return UpdateResult(_outputs(inputs, _ensure(inputs, known=_known(plain(olds)), seen=seen, reload=reload)))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        state = plain(props)
        server = state["server"]
        rest = f"to refresh the rest without server {server}: bin/pulumi refresh --exclude '**aiaa:Model::{server}/*'"
        with one_line_errors(f"model {_id(state)}"), help_if_dead(rest), AiaaClient(state["url"]) as client:
            entry = client.find(state["model"])
        if entry is None:
            say(f"model {_id(state)}: the server does not list it any more; the next `up` loads it")
            return ReadResult("", {})
        digest = _source(state).digest
        told = model_source.drift(entry, state.get("loaded", {}), digest)
        if told:
            say(f"model {_id(state)}: {told}; the next `up` loads it again")
        drift = {"drift": told} if told else {}
        inputs = {key: value for key, value in state.items() if key not in _NO_INPUTS} | drift
        state.pop("drift", None)
        return ReadResult(id_, state | model_source.public(entry) | drift, inputs)

    def delete(self, _resource_id: str, props: dict[str, Any]) -> None:
        state = plain(props)
        stays = (
            "until then the model stays in the server's workspace. If the server is gone for good: bin/aiaa forget "
            + state["server"]
        )
        with one_line_errors(f"model {_id(state)}"), help_if_dead(stays), AiaaClient(state["url"]) as client:
            left = model_source.remove(
                client, state["model"], _source(state), state["owner"], state.get("loaded", {}), state["timeout"]
            )
        if left:
            say(f"model {_id(state)}: {left}")


class Model(Resource, module="aiaa", name="Model"):
    """A model on an AIAA server, as the server lists it.

    Attributes:
        ensured_at: when we last loaded it, or made sure that it is ours; UTC, ISO 8601.
    """

    type: pulumi.Output[str]
    labels: pulumi.Output[list[str]]
    version: pulumi.Output[str]
    description: pulumi.Output[str]
    ensured_at: pulumi.Output[str]

    def __init__(
        self,
        server: str,
        model: str,
        source: Source,
        *,
        url: pulumi.Input[str],
        generation: pulumi.Input[str],
        adopt: bool,
        timeout: int,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """
        Args:
            server, model: names, which make the resource's id.
            url: the server as this machine reaches it.
            generation: of the server's workspace; another one means that the model must be loaded again.
            adopt: replace a model of this name that somebody else loaded.
            timeout: seconds for one load, a download from NGC included.
        """
        props: dict[str, Any] = {
            "server": server,
            "model": model,
            "url": url,
            "owner": f"{pulumi.get_project()}/{pulumi.get_stack()}",
            "generation": generation,
            "adopt": adopt,
            "timeout": timeout,
            **_source_inputs(source),
            # What the server tells after the load: not known in a preview.
            **dict.fromkeys(("type", "labels", "version", "description", "loaded", "ensured_at")),
        }
        super().__init__(ModelProvider(), f"{server}/{model}", props, opts)


def _source_inputs(source: Source) -> dict[str, str]:
    """Flat and named in a model owner's words, as a preview lists the names of what changed."""
    if isinstance(source, Ngc):
        return {"ngc": source.path, "ngc_version": source.version}
    return {
        "config": str(source.config),
        "config_digest": source.config_digest,
        "weights": str(source.weights),
        "weights_digest": source.weights_digest,
    }


def _source(props: Props) -> Source:
    if props.get("ngc"):
        return Ngc(props["ngc"], str(props["ngc_version"]))
    return Local(Path(props["config"]), props["config_digest"], Path(props["weights"]), props["weights_digest"])


def _known(state: Props) -> Known:
    return Known(_source(state), state["owner"])


def _id(props: Props) -> str:
    return f"{props['server']}/{props['model']}"


def _ensure(inputs: Props, *, known: Known | None, seen: bool, reload: bool) -> ModelEntry:
    with one_line_errors(f"model {_id(inputs)}"), AiaaClient(inputs["url"]) as client:
        try:
            return model_source.ensure(
                client,
                inputs["model"],
                _source(inputs),
                inputs["owner"],
                known=known,
                seen=seen,
                adopt=inputs["adopt"],
                reload=reload,
                deadline=inputs["timeout"],
            )
        except (ForeignModel, SourceChanged) as error:
            raise ProviderError(str(error)) from None


def _outputs(inputs: Props, entry: ModelEntry) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {**inputs, **model_source.public(entry), "loaded": model_source.public(entry), "ensured_at": now}
