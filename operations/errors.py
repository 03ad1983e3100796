"""How a command ends when it cannot do what it was told."""

from __future__ import annotations

from clients.errors import ClientError


class CommandFailed(Exception):
    """One line for the person who ran the command: what was tried, on what, what was said, what to do."""


class UsageError(Exception):
    """The command line names something that is not there; exit code 2, as for an option that is not there."""


def line_of(error: ClientError | CommandFailed) -> str:
    """All that a person is shown."""
    return error.line if isinstance(error, ClientError) else str(error)
