"""The whole program on Pulumi's mocks: what it would register, without a server or an engine."""

from __future__ import annotations

import asyncio
import json
import runpy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
from google.protobuf import json_format
from pulumi.runtime import mocks
from pulumi.runtime.config import set_all_config
from pulumi.runtime.settings import ROOT, SETTINGS
from pulumi.runtime.stack import run_in_stack

PROJECT = Path(__file__).parents[3]
GENERATION = "00000000-0000-4000-8000-000000000000"


class Engine(mocks.Mocks):
    """Gives each resource what its provider would tell after it is made.

    Attributes:
        hooks: what is to be called when a resource is made or changed, by the hook's name.
        outputs: the stack's, as they were when the program ended; None if they were not registered.
    """

    def __init__(self) -> None:
        self.made: dict[str, mocks.MockResourceArgs] = {}
        self.hooks: dict[str, pulumi.ResourceHook] = {}
        self.outputs: dict[str, Any] | None = None

    def register_resource_hook(self, hook: pulumi.ResourceHook) -> None:
        """As Pulumi's callback server does, which its mocks lack."""
        self.hooks[hook.name] = hook

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.made[f"{args.typ.rpartition(':')[2]} {args.name}"] = args
        told = {"generation": GENERATION} if args.typ.endswith("dynamic/aiaa:Workspace") else {}
        return f"id-of-{args.name}", {**args.inputs, **told}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        assert args.token == "docker:index/getRemoteImage:getRemoteImage"
        return {"id": "sha256:base", "name": args.args["name"], "repoDigest": ""}, []

    def inputs(self, resource: str) -> dict[str, Any]:
        """Of `Container main-aiaa`, and so on."""
        return dict(self.made[resource].inputs)

    def of_type(self, kind: str) -> list[str]:
        return [name.partition(" ")[2] for name in self.made if name.partition(" ")[0] == kind]


class Monitor(mocks.MockMonitor):
    """Keeps the stack's outputs, which Pulumi's own mocks drop. As the engine does, it takes none after the program has
    signalled its end."""

    over = False

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the SDK's
        if "pulumi:pulumi:Stack::" in request.urn and not self.over:
            self.mocks.outputs = json_format.MessageToDict(request.outputs)  # type: ignore[attr-defined]
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]

    def SignalAndWaitForShutdown(self, request: Any) -> Any:  # noqa: N802 - the SDK's
        self.over = True
        return super().SignalAndWaitForShutdown(request)  # type: ignore[no-untyped-call]


Program = Callable[[Mapping[str, Any]], Engine]


@pytest.fixture(autouse=True)
def _event_loop() -> None:
    """Pulumi's SDK takes the thread's event loop, and `asyncio.run` of an earlier test leaves none."""
    try:
        asyncio.get_event_loop_policy().get_event_loop()
    except RuntimeError:
        asyncio.set_event_loop(asyncio.new_event_loop())


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Program:
    """Runs `__main__.py` with settings as under `xnat-aiaa:`."""
    monkeypatch.chdir(PROJECT)

    def run(wanted: Mapping[str, Any]) -> Engine:
        engine = Engine()
        mocks.set_mocks(engine, project="xnat-aiaa", stack="tests", preview=False, monitor=Monitor(engine))
        SETTINGS.callbacks = engine
        set_all_config({f"xnat-aiaa:{key}": json.dumps(value) for key, value in wanted.items()})

        ROOT.set(None)  # of an earlier program
        SETTINGS.rpc_manager.clear()
        SETTINGS.outputs.clear()

        def body() -> None:
            runpy.run_path(str(PROJECT / "__main__.py"))

        asyncio.get_event_loop().run_until_complete(run_in_stack(body))
        return engine

    return run
