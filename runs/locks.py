"""Pulumi's own lock on a stack: a file that a killed CLI leaves behind in a backend of files."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from runs import processes

PROJECT = "xnat-aiaa"


def remove_dead(backend: str, stack: str) -> Iterator[str]:
    """Remove the locks of processes of this machine that have ended; tells each. Of other backends, and of other
    machines, `pulumi cancel` is a person's decision: nobody can tell from here whether their holder lives.

    Args:
        backend: Pulumi's URL of it.
    """
    parts = urlsplit(backend)
    if parts.scheme != "file":
        return
    root = Path(unquote(parts.netloc + parts.path)).expanduser()
    name = stack.rpartition("/")[2]
    # https://github.com/pulumi/pulumi/blob/master/pkg/backend/diy/lock.go
    for path in sorted((root / ".pulumi" / "locks" / "organization" / PROJECT / name).glob("*.json")):
        try:
            content = json.loads(path.read_text())
            pid, host = int(content["pid"]), content["hostname"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # half written: Pulumi names it, and how to cancel
        if host == socket.gethostname() and not processes.lives(pid):
            path.unlink(missing_ok=True)
            yield f"removed its lock on the stack (process {pid} has ended)"
