"""What of the CLI's command line a run has to know."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# What each command is called in our words. `preview` changes nothing, and Pulumi's other commands write state only.
_CHANGING = {"up": "up", "update": "up", "refresh": "refresh", "destroy": "destroy", "down": "destroy", "dn": "destroy"}

_WITH_VALUE = (
    "-s",
    "--stack",
    "-C",
    "--cwd",
    "-c",
    "--config",
    "-m",
    "--message",
    "-p",
    "--parallel",
    "-t",
    "--target",
)


@dataclass(frozen=True)
class ChangingCommand:
    """
    Attributes:
        name: `up`, `refresh` or `destroy`.
        stack: as the command line names it; None for the selected one.
    """

    name: str
    stack: str | None

    @classmethod
    def of(cls, args: Sequence[str]) -> ChangingCommand | None:
        """None for any other command, and for a question about one."""
        if {"-h", "--help"} & set(args):
            return None
        words: list[str] = []
        stack = None
        rest = iter(args)
        for argument in rest:
            if argument in _WITH_VALUE:
                value = next(rest, "")
                stack = value if argument in ("-s", "--stack") else stack
            elif argument.startswith("--stack="):
                stack = argument.partition("=")[2]
            elif argument.startswith("-s") and not argument.startswith("--"):
                stack = argument[2:].removeprefix("=")
            elif not argument.startswith("-"):
                words.append(argument)
        name = _CHANGING.get(words[0]) if words else None
        return cls(name, stack) if name else None


def selected_stack(pulumi: str, env: Mapping[str, str]) -> str | None:
    """The stack that a command concerns which names none; None if there is none, of which the CLI tells more."""
    told = subprocess.run(
        [pulumi, "stack", "--show-name", "--non-interactive"], capture_output=True, text=True, env=env, check=False
    )
    return told.stdout.strip() or None if told.returncode == 0 else None
