"""The note of a run that is at work."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runs.note import AtWork, Unfinished, held

RUN = Unfinished("4711", "up", 42, 1764000000.0)
BACKEND = "file:///state"


def test_a_run_that_ends_well_leaves_nothing(tmp_path: Path) -> None:
    with held(tmp_path, BACKEND, "dev") as note:
        assert note.found is None
        note.write(RUN)
        note.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_does_not_is_found_by_the_next(tmp_path: Path) -> None:
    failed = dataclasses.replace(RUN, failed=True)
    for run in (RUN, failed):
        with held(tmp_path, BACKEND, "dev") as note:
            note.write(run)
        with held(tmp_path, BACKEND, "organization/xnat-aiaa/dev") as note:
            assert note.found == run


def test_stacks_of_one_name_in_two_backends_are_two(tmp_path: Path) -> None:
    with held(tmp_path, BACKEND, "dev") as note:
        note.write(RUN)
        with held(tmp_path, "file:///elsewhere", "dev") as other:
            assert other.found is None


def test_of_two_runs_the_second_is_told_of_the_first(tmp_path: Path) -> None:
    with held(tmp_path, BACKEND, "dev") as note:
        note.write(RUN)
        with pytest.raises(AtWork) as caught, held(tmp_path, BACKEND, "dev"):
            pass
    assert caught.value.other == RUN
    assert str(caught.value).startswith("`up` of 2025-11-2")
    assert str(caught.value).endswith(" (process 42)")


def test_a_note_that_was_cut_off_itself_means_that_nothing_was_done(tmp_path: Path) -> None:
    with held(tmp_path, BACKEND, "dev") as note:
        note.write(RUN)
    (path,) = tmp_path.iterdir()
    path.write_text('{"run": "47')
    with held(tmp_path, BACKEND, "dev") as note:
        assert note.found is None


def test_the_lock_goes_with_its_process(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from runs.note import held, Unfinished\n"
        "with held(Path(sys.argv[1]), 'file:///state', 'dev') as note:\n"
        "    note.write(Unfinished('4711', 'up', 42, 0.0))\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=Path(__file__).parents[3], check=False, env={**os.environ}
    )
    assert ended.returncode == -9
    with held(tmp_path, BACKEND, "dev") as note:
        assert note.found == Unfinished("4711", "up", 42, 0.0)


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b"[]",
        b'{"run": 1, "command": [], "pid": "x", "since": "y"}',
        b'{"run": "a", "command": "up", "pid": 1, "since": 1e300}',
        b'{"run": "a", "command": "up", "pid": 1, "since": NaN}',
        b'{"run": "\\ud800", "command": "up", "pid": 1, "since": 1}',
        b'{"run": "a", "command": "up", "pid": 1.5, "since": 1}',
        b"[" * 100_000,
    ],
)
def test_an_invalid_note_is_taken_for_one_that_was_cut_off_while_it_was_written(tmp_path: Path, content: bytes) -> None:
    with held(tmp_path, BACKEND, "dev") as note:
        note.write(RUN)
    [path] = tmp_path.iterdir()
    path.write_bytes(content)
    with held(tmp_path, BACKEND, "dev") as note:
        assert note.found is None
