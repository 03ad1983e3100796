"""`aiaa:Workspace`: the folder that AIAA and Triton share, prepared, and known again by a marker in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from clients.containers import run_to_its_end, state_of, text_in
from clients.docker_engine import last_log_lines
from clients.errors import ClientError, Rejected
from dynamic_providers.boundary import Props, Provider, ProviderError, one_line_errors, plain, say

MARKER = "/workspace/.generation"  # in every container that mounts the workspace
_LOG_LINES = 5


class WorkspaceProvider(Provider):
    """Runs the container that prepares the workspace, at creation and again when the workspace is another one or lost.

    What tells a workspace from any other is the random text that is put into a new one, its `generation`. `drift` is
    never an input of the program: `read` sets it when the marker is not the one that was put there.
    """

    required = ("server", "prepared_by")
    managed = ("location", "docker_host", "drift")

    def create(self, props: dict[str, Any]) -> CreateResult:
        inputs = plain(props)
        return CreateResult(inputs["server"], {**inputs, "generation": _prepare(inputs)})

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        inputs = plain(news)
        return UpdateResult({**inputs, "generation": _prepare(inputs)})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        state = {key: value for key, value in plain(props).items() if key != "drift"}
        with one_line_errors(_subject(state)):
            told = _drift(state)
        if told:
            say(f"{_subject(state)}: {told}; the next `up` prepares it, and loads its models again")
        drift = {"drift": told} if told else {}
        inputs = {key: value for key, value in state.items() if key != "generation"}
        return ReadResult(id_, state | drift, inputs | drift)


class Workspace(Resource, module="aiaa", name="Workspace"):
    """A prepared workspace."""

    generation: pulumi.Output[str]

    def __init__(
        self,
        server: str,
        *,
        location: str | None,
        prepared_by: str,
        used_by: Sequence[str],
        docker_host: str | None,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """
        Args:
            server: the server's name, which is also the resource's id.
            location: where the workspace is; None for the stack's own volume.
            prepared_by: the name of the container whose run prepares it.
            used_by: names of others that mount it at the same place.
            docker_host: the engine that has them; None is the default one.
        """
        props: dict[str, Any] = {
            "server": server,
            "location": location,
            "prepared_by": prepared_by,
            "used_by": list(used_by),
            "docker_host": docker_host,
            "generation": None,  # not known in a preview
        }
        super().__init__(WorkspaceProvider(), server, props, opts)


def _subject(props: Props) -> str:
    return f"workspace of server {props['server']}"


def _prepare(inputs: Props) -> str:
    """Run the container that prepares it, however it is; gives the generation."""
    container, engine = inputs["prepared_by"], inputs.get("docker_host")
    with one_line_errors(_subject(inputs)):
        try:
            code = run_to_its_end(container, engine)
        except Rejected as error:
            raise ClientError(
                str(error),
                advice="if its folder or volume was deleted below the engine, remove all containers that mount it "
                f"(docker rm -f {' '.join((container, *inputs['used_by']))}), and the volume if it is one; then "
                "`bin/pulumi refresh` and `bin/pulumi up`",
            ) from None
        marker = text_in(container, MARKER, engine) if code == 0 else None
        if not marker:
            said = " | ".join(last_log_lines(container, _LOG_LINES, engine)) or "nothing"
            raise ProviderError(
                f"it could not be prepared: container {container} ended with code {code} and said: {said}: "
                f"mend that on the engine's host, or choose another servers.{inputs['server']}.workspace"
            )
    return marker.strip()


def _drift(state: Props) -> str:
    """What is no longer as it was, in words; "" if nothing."""
    engine = state.get("docker_host")
    for container in (state["prepared_by"], *state["used_by"]):
        if state_of(container, engine) is None:
            continue
        marker = text_in(container, MARKER, engine)
        if not marker:
            return f"it was emptied, or lost and made anew: there is no {MARKER} in it"
        if marker.strip() != state["generation"]:
            return f"it is another one than was prepared: {MARKER} says {marker.strip()[:60]!r}"
        return ""
    return "it cannot be looked at: all containers that mount it are gone"
