"""`bin/aiaa status`: each server, its models, and what a clinician's browser will use."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from operations import models, registrations, servers, table
from operations.at_once import at_once
from operations.browsers import BrowserView, shown
from operations.models import ModelState
from operations.servers import ServerState
from operations.stack_file import Stack


@dataclass(frozen=True)
class Status:
    """`xnat`: what is wrong with XNAT itself; empty if nothing is, or the stack has none."""

    servers: list[ServerState]
    models: list[ModelState]
    xnat: str
    browsers: list[BrowserView]

    @property
    def well(self) -> bool:
        return (
            all(server.state == "up" and not server.told for server in self.servers)
            and all(model.well for model in self.models)
            and not self.xnat
            and not any(view.problems for view in self.browsers)
        )


def look(stack: Stack, *, infer: bool) -> Status:
    """All at once: a server that does not answer holds up nothing but its own rows."""

    def server_and_models(name: str) -> tuple[ServerState, list[ModelState]]:
        server = servers.look(stack, name)
        return server, list(models.look(stack, server, infer=infer))

    with at_once() as several:
        xnat = several.submit(registrations.look, stack)
        found = list(several.map(server_and_models, stack.settings.servers))
        trouble, views = xnat.result()
    return Status([server for server, _ in found], [model for _, of in found for model in of], trouble, views)


def show(status: Status, xnat_url: str | None) -> None:
    table.show(
        ("SERVER", "STATE", "URL", "CONTAINERS", "WHAT TO DO"),
        [(server.name, server.state, server.url, _containers(server), server.told) for server in status.servers],
    )
    table.show(
        ("MODEL", "SERVER", "STATE", "TOLD"),
        [(model.model, model.server, model.state, model.told) for model in status.models],
    )
    if status.xnat:
        table.show(("XNAT", "STATE", "WHAT TO DO"), [(str(xnat_url), "wrong", status.xnat)])
    table.show(
        ("XNAT", "A BROWSER WILL USE", "OF THE LIST OF", "WHY THAT FAILS"),
        [
            (view.scope, shown(view.url, known=view.known), view.comes_from or "-", "; ".join(view.problems) or "-")
            for view in status.browsers
        ],
    )
    if status.browsers:
        print("Each user must once tick Preferences > Experimental > NVIDIA Clara AIAA in XNAT's viewer.")


def as_json(stack: Stack, status: Status) -> str:
    """A contract for programs: docs/operations.md."""
    document: dict[str, Any] = {"stack": stack.name, "well": status.well}
    document["servers"] = [
        {**asdict(server), "models": None if server.models is None else [entry.name for entry in server.models]}
        for server in status.servers
    ]
    document["models"] = [{**asdict(model), "seconds": round(model.seconds, 3)} for model in status.models]
    document["xnat"] = {"url": stack.settings.xnat_url, "told": status.xnat}
    document["browsers"] = [asdict(view) for view in status.browsers]
    return json.dumps(document, indent=2)


def _containers(server: ServerState) -> str:
    return ", ".join(f"{container.name}: {container.state}" for container in server.containers) or "cannot be seen"
