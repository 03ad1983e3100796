"""How the models of a server are: listed or not, and whether each can infer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from clients import smoke_test
from clients.aiaa import AiaaClient
from clients.errors import ClientError
from model_files.config import Declared, declared
from model_files.errors import Unusable
from operations.servers import ServerState
from operations.stack_file import Stack

Word = Literal["infers", "fails", "listed", "absent", "unknown"]


@dataclass(frozen=True)
class ModelState:
    """
    Attributes:
        state: `infers` answered an inference, which one that `fails` did not. `listed`: it was not tried. `absent`: the
            server does not list it. `unknown`: the server lists nothing at all.
        told: what it answered, or what is wrong and what to do.
        seconds: that the inference took.
    """

    server: str
    model: str
    state: Word
    told: str
    seconds: float = 0.0

    @property
    def well(self) -> bool:
        return self.state in ("infers", "listed")


def look(stack: Stack, server: ServerState, *, infer: bool) -> Iterator[ModelState]:
    """The models that the stack file names, then those that the server lists beside them.

    Args:
        infer: try each model of the stack that has a smoke test.
    """
    wanted = stack.settings.models_of(server.name)
    listed = [entry.name for entry in server.models or ()]
    for name, model in wanted.items():
        if name in listed:
            if not infer:
                yield ModelState(server.name, name, "listed", "not tried")
            elif model.smoke_test:
                yield smoke(stack, server, name)
            else:
                yield ModelState(server.name, name, "listed", "not tried: its smoke_test is false")
        elif server.models is not None:
            message = "the server does not list it: run `bin/pulumi refresh`, then `bin/pulumi up`"
            yield ModelState(server.name, name, "absent", message)
        else:
            yield ModelState(server.name, name, "unknown", f"server {server.name} does not list its models")
    for name in listed:
        if name not in wanted:
            yield ModelState(server.name, name, "listed", "not in the stack file")


def smoke(stack: Stack, server: ServerState, model: str) -> ModelState:
    """One inference; raises nothing, as a failure is what was asked for."""
    began = time.monotonic()
    patience = stack.server(server.name).infer_timeout
    state: Word = "infers"
    try:
        with AiaaClient(server.url) as client:
            message = str(
                smoke_test.run(client, model, patience, declared=_declared(stack, server.name, model, client))
            )
    except ClientError as error:
        state, message = "fails", error.line
    except Unusable as error:
        state, message = "fails", str(error)
    return ModelState(server.name, model, state, message, time.monotonic() - began)


def _declared(stack: Stack, server: str, model: str, client: AiaaClient) -> Declared | None:
    """The image that the model takes: as the server says of what it has, else by the stack file, which may be newer.

    Raises:
        Unusable: the model's files cannot be read.
    """
    document = client.config(model)
    if document and "inference" in document:
        return declared(document)
    said = stack.settings.models_of(server).get(model)
    return said.declared(stack.server(server).speaks) if said else None
