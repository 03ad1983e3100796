"""Pulumi's command line: the command, the stack and the folder that it names. The only place that reads it.

It is read as the CLI reads it: first the words of the command, before and between which any option may stand, then all
options (https://github.com/spf13/cobra, `Command.Find` and `stripFlags`; https://github.com/spf13/pflag,
`FlagSet.Parse`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from runs.cli_options import ALIASES, HIDDEN, WITH_VALUE, WITHOUT_VALUE, Path, names

_FALSE = ("0", "f", "F", "false", "FALSE", "False")
# Our name for each command. `watch` updates the stack again and again.
_CHANGING: dict[Path, str] = {
    ("up",): "up",
    ("watch",): "up",
    ("refresh",): "refresh",
    ("destroy",): "destroy",
}


@dataclass(frozen=True)
class CommandLine:
    """
    Attributes:
        args: all of it, as the CLI gets it.
        command: the command's words, by their own names (`up` for `update`), as far as cli_options.py has them.
        words: the words after the command that are not options.
        options: the value of each option by its long name, of which the last counts; "true" for one without a value.
        after: how many of the arguments are the `--` that ends the options, and what follows it.
    """

    args: tuple[str, ...]
    command: Path
    words: tuple[str, ...]
    options: dict[str, str]
    after: int

    @classmethod
    def of(cls, args: Sequence[str]) -> Self:
        command: Path = ()
        rest = list(args)
        while (place := _next_word(rest, command)) is not None:
            below = (*command, rest[place])
            below = (*command, ALIASES.get(below, rest[place]))
            if below not in WITH_VALUE:
                break
            del rest[place]
            command = below
        return cls(tuple(args), command, *_parsed(rest, command))

    @property
    def changes(self) -> str | None:
        """`up`, `refresh` or `destroy` if the stack is changed so; None for any other command, and for its help.

        An `up` with a word after it deploys a template, which is another project.
        """
        return None if self.has("help") or self.words else _CHANGING.get(self.command)

    @property
    def stack(self) -> str | None:
        """The one that is named; None for the selected one."""
        return self.options.get("stack") or None

    @property
    def folder(self) -> str | None:
        """The folder where the CLI must run, if it is another one."""
        return self.options.get("cwd") or None

    def has(self, option: str) -> bool:
        """Whether an option is given, and not as `--option=false`."""
        return self.options.get(option, "false") not in _FALSE

    def with_options(self, more: Sequence[str]) -> list[str]:
        """The arguments with more options; after `--` they would be words."""
        end = len(self.args) - self.after
        return [*self.args[:end], *more, *self.args[end:]]


def _next_word(args: Sequence[str], command: Path) -> int | None:
    """The position of the command's next word; None without one."""
    known = WITHOUT_VALUE.get(command)
    if known is None:
        return None  # nothing is below it
    flags = names(known) | (names(WITHOUT_VALUE[()]) if command else {})
    place = 0
    while place < len(args):
        argument = args[place]
        if argument == "--":
            return None
        if argument and not argument.startswith("-"):
            return place
        is_whole = "=" not in argument and (argument.startswith("--") or len(argument) == 2)
        place += 2 if is_whole and argument not in flags else 1
    return None


def _values(command: Path) -> dict[str, str]:
    parts = {(), command}
    return names(" ".join(table.get(part, "") for part in parts for table in (WITH_VALUE, HIDDEN)))


def _parsed(args: Sequence[str], command: Path) -> tuple[tuple[str, ...], dict[str, str], int]:
    """Words, options, and how many arguments the end of the options and what follows it are."""
    with_value = _values(command)
    words: list[str] = []
    options: dict[str, str] = {}
    rest = list(args)
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            return (*words, *rest), options, len(rest) + 1
        if argument.startswith("--"):
            name, given, value = argument.partition("=")
            if given:
                options[name[2:]] = value
            elif name in with_value:
                options[name[2:]] = rest.pop(0) if rest else ""
            else:
                options[name[2:]] = "true"
        elif argument.startswith("-") and len(argument) > 1:
            _parse_letters(argument[1:], rest, with_value, options)
        else:
            words.append(argument)
    return tuple(words), options, 0


def _parse_letters(letters: str, rest: list[str], with_value: dict[str, str], options: dict[str, str]) -> None:
    """Options of one letter in one word; the first that takes a value ends them."""
    shorts = names(WITHOUT_VALUE[()]) | with_value
    while letters:
        letter, letters = f"-{letters[0]}", letters[1:]
        name = shorts.get(letter, letter)
        if letters.startswith("="):
            options[name] = letters[1:]
            return
        if letter in with_value:
            options[name] = letters or (rest.pop(0) if rest else "")
            return
        options[name] = "true"
