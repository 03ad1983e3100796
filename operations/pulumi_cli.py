"""The project's Pulumi CLI, for what only it knows: a stack's name, configuration and state."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from clients.errors import json_of, one_line, shortened
from operations.errors import CommandFailed, UsageError

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
        try:
            done = subprocess.run(
                [str(PROGRAM), *args, "--non-interactive", "--color", "never", *self._of_stack],
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        except OSError as error:
            raise CommandFailed(f"bin/pulumi {' '.join(args)} cannot be run: {error.strerror}") from None
        except ValueError as error:  # a null character in a stack's name
            raise UsageError(f"bin/pulumi {' '.join(args)} cannot be run: {error}") from None
        if done.returncode != 0:
            raise CommandFailed(f"bin/pulumi {' '.join(args)}: {_reason(done.stderr)}")
        return done.stdout

    def json(self, *args: str) -> Any:
        """What a command said, as JSON.

        Raises:
            CommandFailed: it ended with an error, or said something else.
        """
        said = self.run(*args)
        try:
            return json_of(said)
        except ValueError:
            printed = shortened(one_line(said)) or "nothing"
            raise CommandFailed(f"bin/pulumi {' '.join(args)}: did not print JSON, but: {printed}") from None

    def mapping(self, *args: str) -> dict[str, Any]:
        """The same, for a document with keys and values.

        Raises:
            CommandFailed: see `json`.
        """
        said = self.json(*args)
        if not isinstance(said, dict):
            raise CommandFailed(f"bin/pulumi {' '.join(args)}: said {type(said).__name__} instead of keys and values")
        return said


def _reason(stderr: str) -> str:
    lines = [one_line(line) for line in stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    reason = " ".join(errors or lines[-1:]) or "it ended with an error and said nothing"
    if "no stack named" in reason:
        reason += ": `bin/pulumi stack ls` lists them, `bin/pulumi stack init NAME` makes one"
    return reason
