"""`xnat:AiaaServers`: the list of AIAA servers that XNAT gives its viewer, for the site or for a project."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pulumi
from pulumi.dynamic import ConfigureRequest, CreateResult, ReadResult, Resource, UpdateResult

from clients.xnat_answers import emptying
from dynamic_providers.boundary import Props, Provider, ProviderError, help_if_gone, one_line_errors, plain, say
from dynamic_providers.xnat import server_list
from dynamic_providers.xnat.login import Session, configured_url, session
from dynamic_providers.xnat.server_list import ForeignList, Known, as_text

_REFRESH_THE_REST = "to refresh the rest without XNAT: bin/pulumi refresh --exclude '**xnat:AiaaServers::*'"


class AiaaServersProvider(Provider):
    """Writes, reads and takes back one list.

    State has the list twice: `urls` as it is (a refresh renews it, so that drift shows), and `written` as we wrote it
    (which a refresh leaves alone, so that somebody else's list is never taken for ours at `destroy`). `drift` is never
    an input of the program: `read` sets it where something stands that is no list, so that the next `up` replaces it.
    """

    required = ("scope", "xnat_url")
    managed = ("xnat_url", "urls", "on_delete", "drift")

    def configure(self, req: ConfigureRequest) -> None:
        self._config = req.config

    def faults(self, known: Props) -> Iterator[tuple[str, str]]:
        if not known.get("urls") and "urls" in known:
            yield "urls", "must name at least one server; leave the registration out to have none"

    def create(self, props: dict[str, Any]) -> CreateResult:
        inputs = plain(props)
        return CreateResult(inputs["scope"], self._register(inputs, known=None))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        inputs, state = plain(news), plain(olds)
        # At another address may be another XNAT, where what we wrote to this one is somebody else's.
        known = _known(state) if inputs["xnat_url"] == state["xnat_url"] else None
        return UpdateResult(self._register(inputs, known))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        state = plain(props)
        subject = _subject(state)
        with one_line_errors(subject), help_if_gone(_REFRESH_THE_REST), self._session(state).client() as client:
            found = server_list.look(client, state["scope"], _known(state))
        if found.drift:
            say(f"{subject}: {found.drift}")
        if found.urls is None:
            return ReadResult("", {})
        state.pop("drift", None)
        drift = {"drift": found.drift} if found.unreadable else {}
        outs = {**state, "urls": list(found.urls), **drift}
        return ReadResult(id_, outs, {key: value for key, value in outs.items() if key != "written"})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        state = plain(props)
        if state["on_delete"] == "keep":
            say(f"{_subject(state)}: stays as it is (on_delete: keep)")
            return
        written = tuple(state["written"])
        if (now := configured_url(self._config)) and now != state["xnat_url"]:
            # Of another XNAT nothing is known but that it is not meant any more: no log-in there, and no change.
            by_hand = emptying(state["xnat_url"], state["scope"])
            say(f"{_subject(state)}: left as it is, as the stack's XNAT is {now} now. To empty it by hand: {by_hand}")
            return
        stays = f"until then its list {as_text(written)} stays there. If it is gone for good: bin/aiaa forget xnat"
        shared = self._session(state)
        with one_line_errors(_subject(state)), help_if_gone(stays), shared.client() as client:
            left = server_list.unregister(client, state["scope"], written)
            if not left and state["scope"] != "site" and shared.is_first("the site's list"):
                left = server_list.what_takes_over(client)
        if left:
            say(f"{_subject(state)}: {left}")

    def _register(self, inputs: dict[str, Any], known: Known | None) -> dict[str, Any]:
        adopt = tuple(inputs["adopt"]) if inputs.get("adopt") is not None else None
        shared = self._session(inputs)
        with one_line_errors(_subject(inputs)), shared.client() as client:
            try:
                told = server_list.register(
                    client, inputs["scope"], tuple(inputs["urls"]), known=known, adopt=adopt, ahead=shared.ahead
                )
            except ForeignList as error:
                raise ProviderError(str(error)) from None
        if told:
            say(f"{_subject(inputs)}: {told}")
        return {**inputs, "written": inputs["urls"]}

    def _session(self, props: Props) -> Session:
        return session(self._config, props["xnat_url"])


class AiaaServers(Resource, module="xnat", name="AiaaServers"):
    """The list of AIAA servers of the site or of a project; the viewer uses the first."""

    urls: pulumi.Output[list[str]]

    def __init__(
        self,
        scope: str,
        *,
        xnat_url: pulumi.Input[str],
        urls: Sequence[pulumi.Input[str]],
        adopt: Sequence[str] | None,
        on_delete: str,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """
        Args:
            scope: `site` or `projects/<ID>`, which is also the resource's id.
            xnat_url: XNAT's address.
            urls: scheme, host and port of each server, as a browser reaches it.
            adopt: the list that is expected there and may be replaced.
            on_delete: `clear` takes the list back, `keep` leaves it.
        """
        props = {
            "scope": scope,
            "xnat_url": xnat_url,
            "urls": list(urls),
            "adopt": list(adopt) if adopt is not None else None,
            "on_delete": on_delete,
            "written": None,
        }
        super().__init__(AiaaServersProvider(), scope, props, opts)


def _known(state: Props) -> Known:
    return Known(tuple(state["urls"]), tuple(state["written"]), unreadable=bool(state.get("drift")))


def _subject(props: Props) -> str:
    return f"AIAA servers of {props['scope']} in XNAT {props['xnat_url']}"
