"""The development stack's passphrase. It is published, so it protects nothing, and neither do the stack's secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from runs.cli_options import Path
from runs.command_line import CommandLine

PASSPHRASE = "xnat-aiaa-development"  # noqa: S105 - published
_STACKS = ("dev", "organization/xnat-aiaa/dev")
_GIVEN = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")

# Commands that concern one stack, so that nothing of another one is encrypted; and those whose word is a stack's name.
# Any other command asks for a passphrase, even if it could have used this one.
_ONE_STACK: tuple[Path, ...] = (
    *((name,) for name in ("up", "preview", "refresh", "destroy", "watch", "import", "config", "stack", "state")),
    *(("config", name) for name in ("get", "refresh", "remove", "remove-all", "set", "set-all")),
    *(("stack", name) for name in ("export", "get", "graph", "history", "import", "output")),
    *(("state", name) for name in ("get", "protect", "remove", "rename", "repair", "taint", "unprotect", "untaint")),
)
_NAMES_A_STACK: tuple[Path, ...] = (("cancel",), ("stack", "remove"))
_NAMES_A_NEW_ONE: tuple[Path, ...] = (("stack", "new"), ("stack", "select"))  # without a name, they ask for one
# Options by which a command reads or writes what is another stack's or another project's.
_ELSEWHERE = ("cwd", "config-file", "copy-config-from")


def passphrase(line: CommandLine, env: Mapping[str, str], selected: Callable[[], str | None]) -> str | None:
    """The development stack's, if it is the only one that the command could encrypt anything for.

    Args:
        selected: the stack that a command concerns which names none.
    """
    if any(name in env for name in _GIVEN) or any(option in line.options for option in _ELSEWHERE):
        return None
    named: list[str | None] = [line.stack] if line.stack else []
    if line.command in (*_NAMES_A_STACK, *_NAMES_A_NEW_ONE):
        named += line.words
    elif line.command not in _ONE_STACK or (
        line.command in (("up",), ("config",), ("stack",), ("state",)) and line.words
    ):
        return None
    if not named and line.command in _NAMES_A_NEW_ONE:
        return None
    stacks = named or [selected()]
    return PASSPHRASE if all(stack in _STACKS for stack in stacks) else None
