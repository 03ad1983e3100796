"""ohifviewer.log on XNAT's host, as `viewer_plugin` tells it: in the folder `logs` beside its plugins."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import PurePosixPath

from operations.errors import CommandFailed
from operations.metadata.log_source import LogCommand, LogSource
from settings import ViewerPlugin


class _Begun:
    """A log whose first lines were read to see whether it can be."""

    def __init__(self, log: LogSource, first: list[str]) -> None:
        self._log, self._first = log, first

    def read(self) -> list[str]:
        first, self._first = self._first, []
        return first or self._log.read()


def opened(plugin: ViewerPlugin, tell: Callable[[str], None], until: ExitStack) -> LogSource | None:
    """The log, if it is known where it is, and it can be read: nothing depends on it.

    Args:
        tell: is given a line about one that cannot.
        until: closes it.
    """
    if plugin.plugins_dir == "auto" or len(plugin.host) > 1:
        return None
    log = LogCommand(_command(plugin, plugin.host[0] if plugin.host else ""))
    until.callback(log.close)
    try:
        first = log.read()
        why = "it told no line"
    except CommandFailed as error:
        first, why = [], str(error)
    if not first:
        log.close()
        tell(f"XNAT's ohifviewer.log is not where viewer_plugin has it beside its plugins ({why}): going on without it")
        return None
    return _Begun(log, first)


def how_to_see(plugin: ViewerPlugin | None) -> str:
    """Options that show it."""
    if plugin is None:
        return "--log-file FILE or --log-command COMMAND shows it"
    commands = [f"`--log-command {shlex.quote(_command(plugin, host))}`" for host in plugin.host or ("",)]
    where = ", HOME being XNAT's home folder," if plugin.plugins_dir == "auto" else ""
    return f"{' or '.join(commands)}{where} shows it" + ("; each node writes its own" if len(commands) > 1 else "")


def _command(plugin: ViewerPlugin, host: str) -> str:
    home = "HOME" if plugin.plugins_dir == "auto" else str(PurePosixPath(plugin.plugins_dir).parent)
    tail = [*(["sudo", "-n"] if plugin.sudo else []), "tail", "-n", "+1", "-F", f"{home}/logs/ohifviewer.log"]
    if not host:
        return shlex.join(tail)
    config = ["-F", str(plugin.ssh_config)] if plugin.ssh_config else []
    asks_nothing = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=20"]
    return shlex.join(["ssh", *config, *asks_nothing, "--", host, *map(shlex.quote, tail)])
