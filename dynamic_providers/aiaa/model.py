"""`aiaa:Model`: a model on an AIAA server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pulumi
from pulumi.dynamic import ConfigureRequest, CreateResult, ReadResult, Resource, UpdateResult

from clients.aiaa import AiaaClient
from clients.ngc import NgcCatalog
from clients.ngc_key import find_key
from dynamic_providers import stack_config
from dynamic_providers.aiaa import model_inputs, model_on_server
from dynamic_providers.aiaa.model_on_server import ForeignModel, Known
from dynamic_providers.aiaa.model_source import Loaded, NotAsSent, Source, Unfit, public
from dynamic_providers.aiaa.packages import SourceChanged
from dynamic_providers.aiaa.present_address import present_url
from dynamic_providers.boundary import (
    Props,
    Provider,
    ProviderError,
    differs,
    help_if_gone,
    one_line_errors,
    plain,
    say,
)
from model_files.errors import Unusable
from settings import NgcAccount

_OUTPUTS = ("type", "labels", "version", "description", "digest", "loaded", "ensured_at")
_NO_INPUTS = (*_OUTPUTS, "drift")  # of the program


class ModelProvider(Provider):
    """Loads, replaces, reads and unloads one model.

    Managed inputs: `url` (the server moved: nothing is uploaded again if the model is there), the source's own, and
    the workspace's `generation` (a new workspace is empty). `drift` is never an input of the program: `read` sets it
    when the server lists something else than after our load, so that the next `up` repairs it.
    """

    required = ("server", "model", "url", "owner")
    managed = ("url", *model_inputs.SOURCE, "generation", "owner", "drift")

    def configure(self, req: ConfigureRequest) -> None:
        self._config = req.config

    def faults(self, known: Props) -> Iterator[tuple[str, str]]:
        if bool(known.get("ngc")) == bool(known.get("config_digest")):
            yield "ngc", "give exactly one source: an NGC path, or a config"

    def create(self, props: dict[str, Any]) -> CreateResult:
        inputs = plain(props)
        # Of what bears no mark, nothing tells which version it is: load it, rather than trust one that is there.
        loaded = self._ensure(inputs, known=None, seen=False, reload=not model_inputs.bears_a_mark(inputs))
        return CreateResult(_id(inputs), _outputs(inputs, loaded))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        inputs, state = plain(news), plain(olds)
        seen = bool(olds.get("drift"))
        reload = differs(olds.get("generation"), news.get("generation"))
        if not model_inputs.bears_a_mark(inputs):  # nothing else tells another version of it
            reload |= seen or any(differs(olds.get(key), news.get(key)) for key in model_inputs.SOURCE)
        known = Known(self._source(state), state["owner"])
        return UpdateResult(_outputs(inputs, self._ensure(inputs, known=known, seen=seen, reload=reload)))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        state = plain(props)
        server = state["server"]
        rest = f"to refresh the rest without server {server}: bin/pulumi refresh --exclude '**aiaa:Model::{server}/*'"
        with one_line_errors(f"model {_id(state)}"), help_if_gone(rest), AiaaClient(self._url_now(state)) as client:
            entry = client.find(state["model"])
        if entry is None:
            say(f"model {_id(state)}: the server does not list it any more; the next `up` loads it")
            return ReadResult("", {})
        digest, owner = model_inputs.marked_digest(state), state["owner"]
        told = model_on_server.drift(entry, state.get("loaded", {}), digest, owner)
        if told:
            hope = "" if model_on_server.is_others(entry, owner) else "; the next `up` loads it again"
            say(f"model {_id(state)}: {told}{hope}")
        drift = {"drift": told} if told else {}
        inputs = {key: value for key, value in state.items() if key not in _NO_INPUTS} | drift
        state.pop("drift", None)
        return ReadResult(id_, state | public(entry) | drift, inputs)

    def delete(self, _resource_id: str, props: dict[str, Any]) -> None:
        state = plain(props)
        stays = (
            "until then the model stays in the server's workspace. If the server is gone for good: bin/aiaa forget "
            + state["server"]
        )
        with one_line_errors(f"model {_id(state)}"), help_if_gone(stays), AiaaClient(self._url_now(state)) as client:
            left = self._remove(client, state)
        if left:
            say(f"model {_id(state)}: {left}")

    def _url_now(self, state: Props) -> str:
        return present_url(self._config, state)

    def _remove(self, client: AiaaClient, state: Props) -> str | None:
        """Why the model was left alone, if it was."""
        if client.url != state["url"] and client.find(state["model"]) is None:
            return f"not on the server at {client.url}; if there is still one at {state['url']}, the model stays there"
        return model_on_server.remove(
            client,
            state["model"],
            self._source(state),
            state["owner"],
            state.get("loaded", {}),
            model_inputs.marked_digest(state),
            state["timeout"],
        )

    def _source(self, props: Props) -> Source:
        return model_inputs.source_of(props, self._catalog)

    def _catalog(self) -> NgcCatalog:
        """With the key that is there now: it is in no resource's state."""
        account = stack_config.part(self._config, "ngc", NgcAccount) or NgcAccount()
        explicit = account.api_key.get_secret_value() if account.api_key else None
        return NgcCatalog(account.url, find_key(explicit, account.api_key_env))

    def _ensure(self, inputs: Props, *, known: Known | None, seen: bool, reload: bool) -> Loaded:
        subject = f"model {_id(inputs)}"
        with one_line_errors(subject), AiaaClient(inputs["url"]) as client:
            try:
                return model_on_server.ensure(
                    client,
                    inputs["model"],
                    self._source(inputs),
                    inputs["owner"],
                    known=known,
                    seen=seen,
                    adopt=inputs["adopt"],
                    reload=reload,
                    deadline=inputs["timeout"],
                    tell=lambda line: say(f"{subject}: {line}"),
                )
            except (ForeignModel, SourceChanged, Unusable) as error:
                raise ProviderError(str(error)) from None
            except OSError as error:
                raise ProviderError(
                    f"{error.filename or 'a file'} on this machine: {error.strerror or error}: mend that; "
                    "XNAT_AIAA_CACHE names another folder for what is on its way to a server"
                ) from None
            except Unfit as error:
                raise ProviderError(f"{error}; nothing was uploaded") from None
            except NotAsSent as error:
                raise ProviderError(
                    f"the server took it, and lists {error}: `bin/aiaa logs {inputs['server']}` may tell why"
                ) from None


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
            timeout: seconds for one load, downloads included.
        """
        props: dict[str, Any] = {
            "server": server,
            "model": model,
            "url": url,
            "owner": f"{pulumi.get_project()}/{pulumi.get_stack()}",
            "generation": generation,
            "adopt": adopt,
            "timeout": timeout,
            **model_inputs.of(source),
            **dict.fromkeys(_OUTPUTS),  # what the server tells after the load: not known in a preview
        }
        super().__init__(ModelProvider(), f"{server}/{model}", props, opts)


def _id(props: Props) -> str:
    return f"{props['server']}/{props['model']}"


def _outputs(inputs: Props, loaded: Loaded) -> dict[str, Any]:
    told = public(loaded.entry)
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {**inputs, **told, "digest": loaded.digest, "loaded": told, "ensured_at": now}
