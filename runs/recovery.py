"""Before a run: what the last one left if it came to no good end, and what does not run although the state says so."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from clients.errors import ClientError
from runs import file_backend, leftovers, processes
from runs.note import Unfinished
from runs.state import Cli, Container, State, in_words

Say = Callable[[str], None]


def clean_up(cli: Cli, backend: str, last: Unfinished, say: Say) -> None:
    """Make the stack as if the last run had ended after the last operation whose end it saw. One that failed by itself
    may have lost an answer too: when an engine crashes, say.

    In this order: nothing of it writes any more; its lock goes; operations that it had begun are forgotten, as what
    they made is found by its mark, its name or its labels; what it made on an engine and no state knows is removed;
    what it removed from an engine leaves the state.

    Raises:
        StateFailed: the CLI could not read or write the state.
        RuntimeError: a process of it does not end.
    """
    if not last.failed:
        say(f"the last run, {last}, was cut off: cleaning up after it")
    if names := processes.end(last.run):
        say(f"ended what was left of it: {', '.join(names)}")
    for mend in (file_backend.remove_dead_locks, file_backend.remove_cut_off_attributes):
        for line in mend(backend, cli.stack):
            say(line)
    state = cli.state()
    if state.pending:
        for operation in state.cut_off:
            say(f"cut off: {operation}; done again if it is still wanted")
        state = state.without_cut_off()
        cli.write(state)
    gone: list[str] = []
    for address in state.engines():
        try:
            for line in leftovers.remove_strays(state, cli.stack, address, last.since):
                say(line)
            gone += leftovers.missing(state, address)
        except ClientError as error:
            # Other servers' engines must not wait for it.
            say(
                f"what it left on an engine, if anything, stays there (label xnat-aiaa.stack={cli.stack}): {error.line}"
            )
    if gone:
        say(f"gone from the engine: {', '.join(map(in_words, gone))}")
        cli.refresh(gone)


def bring_back(cli: Cli, state: State, say: Say) -> None:
    """Make the next `up` create what was removed, and start what should run but does not, for example after a crash of
    an engine, or after `docker network rm`.

    Raises:
        StateFailed: the CLI could not look.
    """
    halted = _halted(state)
    gone = _gone(state)
    if halted:
        say(f"not running, so started anew: {', '.join(container.name for container in halted)}")
    if others := gone - {container.urn for container in halted}:
        say(f"gone from the engine, so created again: {', '.join(sorted(map(in_words, others)))}")
    if halted or gone:
        # The servers too: the plugin may start a container as it is, and then nothing else has the run wait for it.
        # And the workspaces: a removed volume has lost its contents.
        workspaces = state.workspaces() if gone else []
        cli.refresh({*(container.urn for container in halted), *gone, *state.endpoints(), *workspaces})


def servers_down(state: State) -> list[str]:
    """Names of the AIAA servers whose container does not run: nobody can ask them for their models."""
    names = (in_words(container.urn).removeprefix("Container ") for container in _halted(state))
    return sorted(name.removesuffix("-aiaa") for name in names if name.endswith("-aiaa"))


def _gone(state: State) -> set[str]:
    """URNs of containers, networks and volumes that somebody removed."""
    found: set[str] = set()
    for address in state.engines():
        with contextlib.suppress(ClientError):
            found |= {*leftovers.missing(state, address)}
    return found


def _halted(state: State) -> list[Container]:
    found = []
    for address in state.engines():
        # An engine that does not answer is told by the docker plugin, with the command that follows.
        with contextlib.suppress(ClientError):
            found += leftovers.not_running(state.containers(), address)
    return found
