"""What becomes of an `up` in which a resource fails: whatever does not depend on it is done, and nothing is removed.

Pulumi is told to go on after an error (runs/). Its SDK for Python, however, ends a program at once when a resource
cannot be registered because one that it depends on failed: with a traceback, and before resources whose turn had not
come are registered. And of a program that ends well, Pulumi deletes what was not registered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pulumi
from pulumi.output import contains_unknowns
from pulumi.runtime.settings import _get_rpc_manager, get_root_resource
from pulumi.runtime.stack import ResourceRegistrationFailed, Stack

_SAID = 32  # with this exit code Pulumi adds nothing to what the resources that failed have told


def end_of_program() -> Callable[[], Awaitable[None]]:
    """For `pulumi.run`: waits until every resource that is made from now on is registered or has failed. Then it
    registers the stack's outputs.

    What it gives raises SystemExit if something failed.
    """
    resources: list[pulumi.Resource] = []
    pulumi.runtime.register_stack_transformation(lambda made: resources.append(made.resource))

    async def end() -> None:
        await _all_calls()
        # The SDK does this itself when the program ends. But it waits only for calls that have already begun, and for
        # outputs of resources. Here there are none, so it would end, and the engine would keep the old outputs.
        root = get_root_resource()
        assert isinstance(root, Stack)  # noqa: S101 - a program has one
        root._finish()
        await _all_calls()
        for resource in resources:
            try:
                await resource.urn.future()
            except ResourceRegistrationFailed:
                raise SystemExit(_SAID) from None

    return end


async def _all_calls() -> None:
    """Wait until the engine has answered each call, also calls that begin during the wait."""
    manager = _get_rpc_manager()
    await asyncio.sleep(0)  # a call that was made just now is on the list only after this
    while manager.rpcs:
        try:
            await manager.rpcs.pop()
        except ResourceRegistrationFailed:
            if isinstance(manager.unhandled_exception, ResourceRegistrationFailed):
                manager.unhandled_exception = manager.exception_traceback = None
        await asyncio.sleep(0)


def as_known(exported: Any) -> Any:
    """The exported values, with None for each that comes from a resource that failed or was left out: by `--target`, or
    because a refresh makes none. Only in a preview a value may stay unknown."""
    if isinstance(exported, Mapping):
        return {key: as_known(value) for key, value in exported.items()}
    if not isinstance(exported, pulumi.Output):
        return exported
    recovered = exported.recover(_nothing)
    return recovered if pulumi.runtime.is_dry_run() else recovered.apply(_known, run_with_unknowns=True)


def _known(value: Any) -> Any:
    return None if contains_unknowns(value) else value


def _nothing(error: Exception) -> None:
    if not isinstance(error, ResourceRegistrationFailed):
        raise error
