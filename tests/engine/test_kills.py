"""Whatever is killed, whenever: one more run, and all is as if nothing had been.

`SEED` and `ROUNDS` (three kills each) choose others than a usual test run has; `SOAK=1` makes it 60 kills.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator

import docker
import pytest

from runs.note import MARK
from tests.support.deployment import ENDS_WITHIN, Begun, Deployment, deployment_of_a_stack, environment
from tests.support.pulumi_stack import PulumiFailed, PulumiStack

SEED = int(os.environ.get("SEED", "20261125"))
ROUNDS = int(os.environ.get("ROUNDS", "20" if os.environ.get("SOAK") else "1"))


@pytest.fixture
def deployment(engine_with_image: docker.DockerClient) -> Iterator[Deployment]:
    with deployment_of_a_stack(engine_with_image, "kills") as made:
        yield made


def kill_the_wrapper(begun: Begun) -> None:
    """`kill -9` of `bin/pulumi`: the CLI must end with it, its plugins go on."""
    cli = begun.cli()
    begun.process.kill()
    begun.end()
    deadline = time.monotonic() + ENDS_WITHIN
    while cli and environment(cli):
        assert time.monotonic() < deadline, "the CLI goes on without its wrapper"
        time.sleep(0.05)


def kill_the_session(begun: Begun) -> None:
    os.killpg(begun.process.pid, signal.SIGKILL)
    begun.end()


def kill_the_cli(begun: Begun) -> None:
    """The wrapper tells, and ends."""
    if cli := begun.cli():
        os.kill(cli, signal.SIGKILL)
        begun.end()
    else:
        kill_the_wrapper(begun)


def timed(action: Callable[[], object]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


@pytest.mark.soak
def test_after_a_kill_at_a_random_moment_one_run_ends_as_if_undisturbed(deployment: Deployment) -> None:
    chance = random.Random(SEED)  # noqa: S311 - moments, no secrets
    stack = deployment.stack
    # Undisturbed, to know what to expect, and how long it takes.
    usual = {"up": timed(stack.up)}
    things, resources = deployment.things(), deployment.resources()
    deployment.require_up(things, resources)
    deployment.change()
    usual["update"] = timed(stack.up)
    deployment.require_up(things, resources)
    usual["destroy"] = timed(stack.destroy)
    deployment.require_down()
    kills = [kill_the_wrapper, kill_the_session, kill_the_cli]
    for number in range(3 * ROUNDS):
        step = ("up", "update", "destroy")[number % 3]
        command = "destroy" if step == "destroy" else "up"
        kill = kills[(number + number // 3) % 3]
        if step == "update":
            deployment.change()
        after = chance.uniform(0.1, 0.9 * usual[step])
        begun = Begun(stack, command, "--yes", "--skip-preview")
        time.sleep(after)
        late = begun.process.poll() is not None
        if not late:
            kill(begun)
        told = f"{number + 1}: {step}, {kill.__name__} after {after:.2f} s of {usual[step]:.1f}"
        told += " (too late)" if late else ""
        print(told, flush=True)
        try:
            stack.run(command, "--yes", "--skip-preview")
            if step == "destroy":
                deployment.require_down()
            else:
                deployment.require_up(things, resources)
        except (AssertionError, PulumiFailed) as error:
            raise AssertionError(f"SEED={SEED}, {told}: {error}\ncut off: {begun.output.read_text()}") from error
    assert not [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if leftover(pid, stack)]


def leftover(pid: int, stack: PulumiStack) -> bool:
    """A process of a run on this stack."""
    found = environment(pid)
    return MARK.encode() in found and str(stack.env["PULUMI_BACKEND_URL"]).encode() in found and pid != os.getpid()
