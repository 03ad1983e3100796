"""What a killed CLI leaves behind in a backend of files. Other backends do without, or tell what to do."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from runs import processes
from runs.state import PROJECT


def remove_dead_locks(backend: str, stack: str) -> Iterator[str]:
    """Remove the locks of processes of this machine that have ended; tells each. Of other machines, `pulumi cancel` is
    a person's decision: nobody can tell from here whether their holder lives.

    Args:
        backend: Pulumi's URL of it.
    """
    root = _root(backend)
    if root is None:
        return
    # https://github.com/pulumi/pulumi/blob/master/pkg/backend/diy/lock.go
    for path in sorted((root / "locks" / "organization" / PROJECT / _name(stack)).glob("*.json")):
        try:
            content = json.loads(path.read_bytes())
            pid, host = int(content["pid"]), content["hostname"]
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            continue  # half written: Pulumi names it, and how to cancel
        if host == socket.gethostname() and not processes.lives(pid):
            path.unlink(missing_ok=True)
            yield f"removed its lock on the stack (process {pid} has ended)"


def remove_cut_off_attributes(backend: str, stack: str) -> Iterator[str]:
    """Remove what was not written to its end beside the state; tells of it.

    The state itself is replaced in one step. The file beside it (content type and checksum, which nobody needs) is not,
    and an empty one makes the state unreadable: "failed to load checkpoint: EOF"
    (https://github.com/google/go-cloud/blob/master/blob/fileblob/attrs.go).
    """
    root = _root(backend)
    if root is None:
        return
    for path in sorted((root / "stacks" / PROJECT).glob(f"{_name(stack)}.json*.attrs")):
        try:
            json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            path.unlink(missing_ok=True)
            yield f"removed {path.name}, which it had not written to its end; the state itself is whole"


def _root(backend: str) -> Path | None:
    try:
        parts = urlsplit(backend)
        root = Path(unquote(parts.netloc + parts.path)).expanduser() / ".pulumi"
    except (ValueError, RuntimeError):  # not a URL; an unknown user's home folder: the CLI reports both
        return None
    return root if parts.scheme == "file" and "\0" not in str(root) else None


def _name(stack: str) -> str:
    return stack.rpartition("/")[2]
