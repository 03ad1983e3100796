"""A stack whose servers are there already: AIAA stand-ins in this process. It needs no Docker engine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs

import requests

from tests.support.aiaa_stand_in import AiaaStandIn, aiaa_stand_in
from tests.support.pulumi_stack import PulumiStack, pulumi_stack

_DEMO = "models/liver_demo"
PUBLISHED = "sandbox/ngc/models"  # the weights behind the stand-in's catalogue of NGC


@dataclass
class ExternalStack:
    """
    Attributes:
        servers: by name; another stack or a person may use them as well.
        settings: what the stack file says.
    """

    stack: PulumiStack
    servers: dict[str, AiaaStandIn]
    settings: dict[str, Any]

    def change(self, change: Callable[[dict[str, Any]], object]) -> None:
        change(self.settings)
        self.stack.configure(self.settings)

    def files(self, name: str, *, weights: str = f"{_DEMO}/model.ts", **fields: Any) -> dict[str, str]:
        """A model's own files in the project's folder; what `local` says in the stack file.

        Args:
            weights: the file in the project's folder that they are a copy of.
            fields: of the demonstration model's config, that are to be others.
        """
        folder = self.stack.folder / "models" / name
        folder.mkdir(exist_ok=True)
        demo = json.loads((self.stack.folder / _DEMO / "config_aiaa.json").read_text())
        (folder / "config_aiaa.json").write_text(json.dumps(demo | fields, indent=2))
        if (copied := self.stack.folder / weights) != folder / "model.ts":
            shutil.copy(copied, folder / "model.ts")
        return {"config": f"models/{name}/config_aiaa.json", "data": f"models/{name}/model.ts"}

    def listed(self, server: str) -> dict[str, dict[str, Any]]:
        """The public entries of a server's models, by name."""
        entries = requests.get(f"{self.servers[server].url}/v1/models", timeout=10).json()
        return {entry["name"]: entry for entry in entries}

    def config(self, server: str, model: str) -> dict[str, Any]:
        """A model's config as the server keeps it."""
        kept = requests.get(f"{self.servers[server].url}/admin/model/{model}", timeout=10).json()
        return {key: value for key, value in kept.items() if key not in ("name", "path")}

    def asked(self, server: str, method: str, path: str = "/admin/model/") -> list[str]:
        """Which models a server was asked to load (`PUT`) or to remove (`DELETE`), in order, and did."""
        log = list(self.servers[server].app.state.faults.requests)
        return [
            entry.path.removeprefix(path)
            for entry in log
            if (entry.method, entry.status) == (method, 200) and entry.path.startswith(path)
        ]

    def inferences(self, server: str) -> list[str]:
        """Which models a server was asked to run, in order."""
        log = list(self.servers[server].app.state.faults.requests)
        return [parse_qs(entry.query)["model"][0] for entry in log if entry.method == "POST"]


@contextmanager
def external_stack(
    name: str, servers: Sequence[str] = ("gpu1",), *, env: Mapping[str, str] | None = None, **settings: Any
) -> Iterator[ExternalStack]:
    """A stack without models yet, that is not up; at the end it is destroyed.

    Args:
        name: the stack's.
        servers: names.
        settings: what the stack file says besides (`xnat`, ...).
    """
    with TemporaryDirectory(prefix="workspaces-") as workspaces, ExitStack() as started:
        stand_ins = {server: started.enter_context(aiaa_stand_in(Path(workspaces) / server)) for server in servers}
        known: dict[str, Any] = {
            "servers": {server: {"runtime": "external", "url": made.url} for server, made in stand_ins.items()},
            "models": {},
            **settings,
        }
        stack = started.enter_context(pulumi_stack(known, name=name, env=env))
        yield ExternalStack(stack, stand_ins, known)


def pipeline_of(*parts: str) -> dict[str, Any]:
    """The config of a deepgrow pipeline, in the shape of NVIDIA's (NVIDIA/clara-train-examples,
    PyTorch/NoteBooks/AIAA/Deepgrow2D3D_pipeline.json)."""
    section = {"name": "aiaa.apps.deepgrow.DeepgrowInferencePipeline", "args": {"models": [*parts], "batch_size": 1}}
    return {
        "version": 1,
        "type": "pipeline",
        "labels": [],
        "description": "Both deepgrow models together",
        "inference": {"meta_data": {"deepgrow": "3D"}, "TRITON": section},
    }
