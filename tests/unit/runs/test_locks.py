"""Pulumi's lock files in a backend of files."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from runs import locks


@pytest.fixture
def dead() -> int:
    """A process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def lock(backend: Path, name: str, content: object) -> Path:
    path = backend / ".pulumi" / "locks" / "organization" / "xnat-aiaa" / "dev" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_lock_of_a_process_that_has_ended_goes(tmp_path: Path, dead: int) -> None:
    path = lock(tmp_path, "1", {"pid": dead, "hostname": socket.gethostname()})
    told = list(locks.remove_dead(f"file://{tmp_path}", "organization/xnat-aiaa/dev"))
    assert told == [f"removed its lock on the stack (process {dead} has ended)"]
    assert not path.exists()


def test_any_other_lock_stays(tmp_path: Path, dead: int) -> None:
    here = socket.gethostname()
    paths = [
        lock(tmp_path, "lives", {"pid": os.getpid(), "hostname": here}),
        lock(tmp_path, "elsewhere", {"pid": dead, "hostname": f"not-{here}"}),
        lock(tmp_path, "half", '{"pid": 1'),
        lock(tmp_path, "odd", ["pid"]),
    ]
    assert list(locks.remove_dead(f"file://{tmp_path}", "dev")) == []
    assert all(path.exists() for path in paths)


def test_of_other_backends_nothing_is_known() -> None:
    assert list(locks.remove_dead("s3://bucket", "dev")) == []
