"""`bin/pulumi` comes here: `python runs/__main__.py PULUMI ARGS`. What changes nothing goes on to the CLI as it is."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[1]
_AT_A_TIME = 64  # operations of a run; Pulumi's own number is four for each processor
sys.path[0] = str(_PROJECT)  # Python put this file's own folder there

from clients import ending  # noqa: E402

if __name__ == "__main__":
    ending.interruptible_while_loading()

from runs import note  # noqa: E402
from runs.command_line import CommandLine  # noqa: E402
from runs.development import passphrase  # noqa: E402
from runs.selected import NoStack, is_this_project, selected_stack  # noqa: E402


def main(pulumi: str, args: Sequence[str]) -> int:
    """Exit codes are the CLI's; 1 if it was not started."""
    line = CommandLine.of(args)
    folder = (Path.cwd() / (line.folder or "")).resolve()

    @functools.cache
    def selected() -> str:
        return os.environ.get("PULUMI_STACK") or selected_stack(pulumi, os.environ, folder)

    with contextlib.suppress(NoStack):  # then nothing is known to be the development stack's
        if word := passphrase(line, os.environ, selected):
            os.environ["PULUMI_CONFIG_PASSPHRASE"] = word
    if not line.changes or not is_this_project(folder):
        os.execv(pulumi, [pulumi, *args])  # noqa: S606 - the real CLI, in this process's place
    backend = os.environ.get("PULUMI_BACKEND_URL", "")  # bin/pulumi sets it
    try:
        stack = line.stack or selected()
        with note.held(_PROJECT / ".toolchain" / "runs", backend, stack) as held:
            return _run(pulumi, line, stack, backend, held)
    except NoStack as error:
        _say(f"{error} (or name one: --stack NAME)")
        return 1
    except note.AtWork as other:
        _say(
            f"stack {stack} is being changed from here already, by {other}: wait for its end, or interrupt it "
            "where it runs (or with `kill -INT`, not -9); then run this again"
        )
        return 1


def _run(pulumi: str, line: CommandLine, stack: str, backend: str, held: note.Note) -> int:
    # Not before it is needed: these load the Docker SDK.
    from runs import processes, recovery
    from runs.state import Cli, StateFailed
    from runs.supervisor import supervise

    assert line.changes is not None  # noqa: S101 - `main` saw to it
    run = note.Unfinished(uuid.uuid4().hex, line.changes, os.getpid(), time.time())
    env = {**os.environ, note.MARK: run.run}
    cli = Cli(pulumi, stack.rpartition("/")[2], {note.MARK: run.run})
    extra: list[str] = []
    if held.found:
        try:
            recovery.clean_up(cli, backend, held.found, _say)
        except (StateFailed, RuntimeError) as error:
            _say(f"{error}: fix that, then run this again")
            return 1
    held.write(run)
    # What cannot be read here, the CLI tells in its own words.
    with contextlib.suppress(StateFailed):
        if line.changes == "up":
            recovery.bring_back(cli, cli.state(), _say)
        elif line.changes == "refresh":
            for server in recovery.servers_down(cli.state()):
                _say(
                    f"server {server} does not run, so its models are not looked at: the next `bin/pulumi up` starts it"
                )
                extra += ["--exclude", f"**aiaa:Model::{server}/*"]
    if line.changes in ("up", "destroy"):
        # One that fails must not keep those from being done, or taken back, that do not depend on it.
        env.setdefault("PULUMI_CONTINUE_ON_ERROR", "true")
        # Most operations wait, for hours if images are pulled. Other operations must not queue behind them.
        env.setdefault("PULUMI_PARALLEL", str(_AT_A_TIME))
    code, cut_off = supervise([pulumi, *line.with_options(extra)], env, _say)
    if cut_off:
        processes.end(run.run)
    elif code:
        held.write(dataclasses.replace(run, failed=True))
    else:
        if line.changes == "destroy" and not line.has("preview-only"):
            # A destroy runs the program, whose components Pulumi takes into the state anew where they were gone.
            with contextlib.suppress(StateFailed):  # after `destroy --remove` there is no stack
                cli.forget_components(cli.state())
        held.remove()
    return code


def _say(line: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # the clean-up is done even if nobody reads the message
        print(f"bin/pulumi: {line}", file=sys.stderr, flush=True)


def _called() -> int:
    try:
        return main(sys.argv[1], sys.argv[2:])
    except KeyboardInterrupt:
        _say("interrupted")
        return ending.INTERRUPTED


if __name__ == "__main__":
    sys.exit(ending.ended("bin/pulumi", _called))
