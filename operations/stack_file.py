"""A stack's settings, as its file and its secrets say them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from operations.errors import CommandFailed, UsageError
from operations.pulumi_cli import PulumiCli
from settings import NAMESPACE, Server, Settings, SettingsError


@dataclass(frozen=True)
class Stack:
    """
    Attributes:
        name: without organisation and project.
    """

    name: str
    settings: Settings

    def container(self, server: str, role: str) -> str:
        """The name of a server's container on its engine (components/labels.py gives it).

        Args:
            role: `aiaa` or `tritonserver`.
        """
        return f"{NAMESPACE}-{self.name}-{server}-{role}"

    def server(self, name: str) -> Server:
        """
        Raises:
            UsageError: the stack file has none of this name.
        """
        if name not in self.settings.servers:
            known = ", ".join(self.settings.servers) or "none"
            raise UsageError(f"there is no server {name} in Pulumi.{self.name}.yaml; its servers: {known}")
        return self.settings.servers[name]


class _Config:
    """What `pulumi config --json` says, as the program reads it."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def get(self, key: str) -> str | None:
        document = self._document[f"{NAMESPACE}:{key}"]
        value = document.get("value") if isinstance(document, Mapping) else None
        return value if value is None or isinstance(value, str) else json.dumps(value)


def name_of(stack: str | None) -> str:
    """The stack's name, without organisation and project.

    Args:
        stack: as the user gave it; None for the selected one.

    Raises:
        CommandFailed: none is selected, or the state cannot be read.
    """
    return (stack or PulumiCli(None).run("stack", "--show-name").strip()).rpartition("/")[2]


def load(stack: str | None) -> Stack:
    """
    Args:
        stack: as the user gave it; None for the selected one.

    Raises:
        CommandFailed: there is no such stack, its secrets cannot be decrypted, or the file is wrong.
    """
    name = name_of(stack)
    document = PulumiCli(stack).mapping("config", "--json", "--show-secrets")
    try:
        return Stack(name, Settings.load(_Config(document), document))
    except SettingsError as error:
        raise CommandFailed(f"Pulumi.{name}.yaml\n{error}") from None
