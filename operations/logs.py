"""`bin/aiaa logs`: what AIAA and Triton wrote last."""

from __future__ import annotations

from collections.abc import Sequence

from clients.aiaa import AiaaClient
from clients.docker_engine import last_log_lines
from clients.errors import ClientError, joined
from operations.servers import ROLES
from operations.stack_file import Stack


def show(stack: Stack, names: Sequence[str], lines: int) -> bool:
    """Print the logs of these servers; returns whether all of them could be read.

    Args:
        lines: of each log, the last ones.
    """
    whole = True
    for name in names:
        if stack.server(name).is_external:
            whole &= _show_own(stack, name, lines)
            continue
        for role in ROLES:
            whole &= _show(stack, name, role, lines)
    return whole


def _show_own(stack: Stack, name: str, lines: int, reason: str = "") -> bool:
    """AIAA keeps the lines of its container's log in a file of its own, and gives them out even while it hangs."""
    url = stack.server(name).deployer_url
    try:
        with AiaaClient(url) as client:
            title = f"server {name}: aiaa, {url}/logs/" + (f" (the container's: {reason})" if reason else "")
            _print(title, client.logs(lines).splitlines())
        return True
    except ClientError as error:
        message = joined(reason, error.line)
        _print(f"server {name}: aiaa: its log cannot be read: {message}", [])
        return False


def _show(stack: Stack, name: str, role: str, lines: int) -> bool:
    container = stack.container(name, role)
    try:
        _print(
            f"server {name}: {role}, container {container}",
            last_log_lines(container, lines, stack.server(name).docker_host),
        )
        return True
    except ClientError as error:
        reason = error.line
    if role == "aiaa":
        return _show_own(stack, name, lines, reason)
    _print(f"server {name}: {role}: its log cannot be read: {reason}", [])
    return False


def _print(title: str, lines: Sequence[str]) -> None:
    print(f"== {title}")
    for line in lines:
        print(line)
