"""What a run has to know of a command line."""

from __future__ import annotations

import pytest

from runs.command_line import ChangingCommand


@pytest.mark.parametrize(
    ("line", "name", "stack"),
    [
        ("up", "up", None),
        ("update --yes", "up", None),
        ("up --stack dev --yes", "up", "dev"),
        ("--stack=dev up", "up", "dev"),
        ("-s dev destroy", "destroy", "dev"),
        ("down -sdev", "destroy", "dev"),
        ("refresh -s=organization/xnat-aiaa/dev", "refresh", "organization/xnat-aiaa/dev"),
        ("up -m destroy", "up", None),
        ("-C /elsewhere up --target urn:a", "up", None),
    ],
)
def test_commands_that_change_a_stack_are_known_with_the_stack(line: str, name: str, stack: str | None) -> None:
    found = ChangingCommand.of(line.split())
    assert found is not None
    assert (found.name, found.stack) == (name, stack)


@pytest.mark.parametrize("line", ["", "preview", "stack ls", "config set up x", "up --help", "destroy -h", "--version"])
def test_all_others_are_left_to_the_cli(line: str) -> None:
    assert ChangingCommand.of(line.split()) is None
