"""A resource that fails keeps only those from being registered that depend on it, and the program does not end well."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks, rpc
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import ROOT, SETTINGS
from pulumi.runtime.stack import run_in_stack

from components import failures

from . import conftest

_TYPE = "tests:index:Thing"


class Thing(pulumi.CustomResource):
    told: pulumi.Output[str]

    def __init__(self, name: str, *after: pulumi.Resource, **told: Any) -> None:
        super().__init__(_TYPE, name, {"told": None, **told}, pulumi.ResourceOptions(depends_on=[*after]))


class Engine(mocks.Mocks):
    """The resource `fails` does; `slow` is made only after that."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.outputs: dict[str, Any] | None = None
        self.failed = threading.Event()

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if args.name == "slow":
            assert self.failed.wait(30)
        self.made.append(args.name)
        told = rpc.UNKNOWN if args.name == "left-out" else args.name
        return args.name, {**args.inputs, "told": told}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise NotImplementedError


class Monitor(conftest.Monitor):
    """Tells a failure as Pulumi does that is to go on after an error."""

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the SDK's
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.name == "fails":
            answer.result = resource_pb2.Result.FAIL
            self.mocks.failed.set()  # type: ignore[attr-defined]
        return answer


def run(program: Callable[[], None], *, preview: bool = False) -> Engine:
    engine = Engine()
    mocks.set_mocks(engine, project="xnat-aiaa", stack="tests", preview=preview, monitor=Monitor(engine))
    ROOT.set(None)  # of an earlier program
    SETTINGS.rpc_manager.clear()
    SETTINGS.outputs.clear()

    def body() -> None:
        pulumi.run(failures.end_of_program())
        program()

    try:
        asyncio.get_event_loop().run_until_complete(run_in_stack(body))
    except SystemExit as ended:
        engine.made.append(f"ended with {ended.code}")
    return engine


def test_what_does_not_depend_on_it_is_made_however_late_and_what_depends_on_it_is_not() -> None:
    exported: dict[str, pulumi.Output[Any]] = {}

    def program() -> None:
        fails, slow = Thing("fails"), Thing("slow")
        depends = Thing("depends", fails)
        Thing("depends-further", depends)
        Thing("takes", told_it=fails.told)
        exported.update(failures.as_known({"fails": fails.told, "after-slow": Thing("after-slow", slow).told}))
        pulumi.export("all", exported)

    assert run(program).made == ["fails", "slow", "after-slow", "ended with 32"]


def test_an_output_of_a_failed_resource_is_exported_as_none() -> None:
    def program() -> None:
        exported = {"fails": Thing("fails").told, "well": Thing("well").told}
        pulumi.export("all", failures.as_known(exported))

    assert run(program).outputs == {"all": {"fails": None, "well": "well"}}


def test_an_output_of_a_resource_that_was_left_out_is_exported_as_none_and_is_unknown_in_a_preview() -> None:
    def program() -> None:
        left_out = Thing("left-out").told
        pulumi.export("all", failures.as_known({"it": left_out, "list": pulumi.Output.all(left_out, "known")}))

    assert run(program).outputs == {"all": {"it": None, "list": None}}
    assert run(program, preview=True).outputs == {"all": {"it": rpc.UNKNOWN, "list": rpc.UNKNOWN}}


def test_what_is_known_without_any_resource_is_exported_also_after_a_failure() -> None:
    def program() -> None:
        Thing("fails")
        pulumi.export("known", "from the stack file")

    assert run(program).outputs == {"known": "from the stack file"}


def test_one_on_which_nothing_depends_does_not_end_well_either() -> None:
    assert run(lambda: void(Thing("fails"))).made == ["fails", "ended with 32"]


def test_without_a_failure_the_program_ends_well() -> None:
    assert run(lambda: void(Thing("well"))).made == ["well"]


def test_another_error_is_not_taken_for_a_failed_resource() -> None:
    def program() -> None:
        pulumi.export("wrong", failures.as_known(Thing("well").told.apply(lambda _: 1 / 0)))

    with pytest.raises(ZeroDivisionError):
        run(program)


def void(_: object) -> None:
    """For lambdas."""
