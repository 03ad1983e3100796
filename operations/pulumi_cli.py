"""The project's Pulumi CLI, for what only it knows: a stack's name, configuration and state."""

from __future__ import annotations

import subprocess
from pathlib import Path

from operations.errors import CommandFailed

PROGRAM = Path(__file__).parents[1] / "bin" / "pulumi"


class PulumiCli:
    """
    Args:
        stack: the stack that all commands are about; None for the selected one.
    """

    def __init__(self, stack: str | None) -> None:
        self._of_stack = ("--stack", stack) if stack else ()

    def run(self, *args: str, stdin: str | None = None) -> str:
        """What a command said.

        Raises:
            CommandFailed: it ended with an error; with the CLI's own words for it.
        """
        done = subprocess.run(
            [str(PROGRAM), *args, "--non-interactive", "--color", "never", *self._of_stack],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise CommandFailed(f"bin/pulumi {' '.join(args)}: {_reason(done.stderr)}")
        return done.stdout


def _reason(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    reason = " ".join(errors or lines[-1:]) or "it ended with an error and said nothing"
    if "no stack named" in reason:
        reason += ": `bin/pulumi stack ls` lists them, `bin/pulumi stack init NAME` makes one"
    return reason
