"""`aiaa:Endpoint`: an AIAA server that answers. Whatever needs the server depends on this resource."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from clients.aiaa import AiaaClient
from clients.containers import Watch, state_of
from clients.docker_engine import last_log_lines
from clients.errors import ClientError, Rejected, Unreachable
from dynamic_providers.boundary import Props, Provider, one_line_errors, plain, say

_LOG_LINES = 5
_LOOK_EVERY = 5.0  # seconds between two looks at the containers while the server is awaited
_LOOK = 10.0  # seconds for a look at the list: longer, and a refresh would look as if it hung itself


class EndpointProvider(Provider):
    """Waits, at creation and again when the address or a container changes, until `/v1/models` answers a list.

    The wait ends early if a container has ended for good, or ends again and again.

    Not `/` and not `/logs`: those answer while AIAA hangs
    (https://github.com/NVIDIA/ai-assisted-annotation-client/issues/90).

    `drift` is never an input of the program: `read` sets it when a container is not as we made it, or the server does
    not list its models, so that the next `up` waits again.
    """

    required = ("server", "url")
    managed = ("url", "docker_host", "containers", "drift")

    def create(self, props: dict[str, Any]) -> CreateResult:
        inputs = plain(props)
        _wait(inputs)
        return CreateResult(inputs["server"], inputs)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        inputs = plain(news)
        _wait(inputs)
        return UpdateResult(inputs)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        state = {key: value for key, value in plain(props).items() if key != "drift"}
        told = _drift(state)
        if told:
            by_us = "the next `up` puts it right" if state["logs_of"] else "whoever runs it has to put it right"
            say(f"server {state['server']}: {told}; {by_us}")
        found = state | ({"drift": told} if told else {})
        return ReadResult(id_, found, found)


class Endpoint(Resource, module="aiaa", name="Endpoint"):
    """An AIAA server that answers."""

    url: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        url: pulumi.Input[str],
        containers: Mapping[str, pulumi.Input[str]],
        logs_of: dict[str, str],
        docker_host: str | None,
        timeout: int,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """
        Args:
            name: the server's name, which is also the resource's id.
            url: the server as this machine reaches it.
            containers: Docker's ids of the server's containers, by role; another id means another wait.
            logs_of: the names of those containers, whose last log lines are shown when the wait ends in vain.
            docker_host: the engine that has them; None is the default one.
            timeout: seconds.
        """
        props = {
            "server": name,
            "url": url,
            "containers": dict(containers),
            "logs_of": logs_of,
            "docker_host": docker_host,
            "timeout": timeout,
        }
        super().__init__(EndpointProvider(), name, props, opts)


class _Hopeless(ClientError):
    """What is waited for will not come."""

    advice = "mend what they say, then run the command again"


def _wait(inputs: Props) -> None:
    server = inputs["server"]
    with one_line_errors(f"server {server}"):
        try:
            with AiaaClient(inputs["url"]) as client:
                client.wait_until_ready(inputs["timeout"], on_wait=say, watch=_watch(inputs))
            return
        except ClientError as error:
            failed = error
        # After the handler: within it, this error would pass for the cause of whatever the engine says.
        raise failed.with_more(_last_words(inputs), advice=f"`bin/aiaa logs {server}` shows more")


def _watch(inputs: Props) -> Callable[[], None]:
    """Looks at the server's containers now and then: one that has ended will never answer."""
    watch = Watch(sorted(inputs["logs_of"].values()), inputs.get("docker_host"))
    next_look = 0.0

    def look() -> None:
        nonlocal next_look
        if time.monotonic() < next_look:
            return
        next_look = time.monotonic() + _LOOK_EVERY
        # The server may answer yet, though its engine does not; if not, the last words tell that of the engine.
        with contextlib.suppress(Unreachable, Rejected):
            if words := watch.hopeless():
                raise _Hopeless(words)

    return look


def _drift(state: Props) -> str:
    """What is not as it should be, in words; "" if nothing. What fails is told, not raised: it would stop a refresh."""
    try:
        told = [
            words
            for role, container in sorted(state["logs_of"].items())  # a map has no order on its way here
            if (words := _change(container, state["containers"][role], state.get("docker_host")))
        ]
        if not told:
            with AiaaClient(state["url"], timeout=_LOOK) as client:
                client.models()
    except ClientError as error:
        told = [str(error)]
    return "; ".join(told)


def _change(container: str, id_: str, docker_host: str | None) -> str:
    """What somebody did to a container, in words; "" if nothing."""
    found = state_of(container, docker_host)
    if found is None:
        return f"container {container} is gone"
    if found.id != id_:
        return f"container {container} is not the one that we made: somebody made it again"
    return "" if found.runs else f"container {container} {found.words}"


def _last_words(inputs: Props) -> str:
    """What the containers said last: a server that never gets ready tells why only there."""
    told = []
    for role, container in sorted(inputs["logs_of"].items()):  # a map has no order on its way here
        try:
            lines = last_log_lines(container, _LOG_LINES, inputs.get("docker_host"))
        except ClientError as error:
            lines = [f"(its log cannot be read: {error})"]
        told.append(f"last lines of {role} (container {container}): {' | '.join(lines) or '(none)'}")
    return "; ".join(told)
