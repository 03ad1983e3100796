"""What is put right in a backend of files."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from runs import file_backend


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
    told = list(file_backend.remove_dead_locks(f"file://{tmp_path}", "organization/xnat-aiaa/dev"))
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
    assert list(file_backend.remove_dead_locks(f"file://{tmp_path}", "dev")) == []
    assert all(path.exists() for path in paths)


def test_of_other_backends_nothing_is_known() -> None:
    assert list(file_backend.remove_dead_locks("s3://bucket", "dev")) == []


def test_attributes_that_were_not_written_to_their_end_go_and_all_else_stays(tmp_path: Path) -> None:
    folder = tmp_path / ".pulumi" / "stacks" / "xnat-aiaa"
    folder.mkdir(parents=True)
    contents = {"dev.json": "{", "dev.json.attrs": "", "dev.json.bak.attrs": '{"md5": ""}', "other.json.attrs": ""}
    for name, content in contents.items():
        (folder / name).write_text(content)
    told = list(file_backend.remove_cut_off_attributes(f"file://{tmp_path}", "dev"))
    assert told == ["removed dev.json.attrs, which it had not written to its end; the state itself is whole"]
    assert {path.name for path in folder.iterdir()} == contents.keys() - {"dev.json.attrs"}
    assert list(file_backend.remove_cut_off_attributes("s3://bucket", "dev")) == []
