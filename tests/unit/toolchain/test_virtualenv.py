"""The virtualenv's script: it makes one when it has to, whole or again, and never two at a time in one folder."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "toolchain" / "virtualenv.sh"
TIMEOUT = 30  # seconds

# Notes what it is asked for, with "unlocked" where another could do the same now.
PYTHON = """#!/bin/bash
case $1 in
  -c) exit ;;
  -VV) echo "Python 3.11 $VERSION"; exit ;;
esac
flock --nonblock "$PROJECT/.toolchain/lock" true && echo unlocked >>"$PROJECT/asked"
echo "$2" >>"$PROJECT/asked"
[ "$2" != "$FAILS" ] || { echo "ERROR: no"; exit 1; }
[ "$2" != venv ] || { mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; }
"""


class Project:
    """A folder with the script, a lock file, and a Python that only takes notes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made_from = folder / ".venv" / "made-from"
        self.lock = folder / ".toolchain" / "lock"
        (folder / "toolchain").mkdir(parents=True)
        shutil.copy2(SCRIPT, folder / "toolchain")
        (folder / "requirements.lock").write_text("package==1.0\n")
        (folder / "python").write_text(PYTHON)
        (folder / "python").chmod(0o755)

    def start(self, **env: str) -> subprocess.Popen[str]:
        ours = {"PROJECT": str(self.folder), "PYTHON": str(self.folder / "python")}
        return subprocess.Popen(
            [self.folder / "toolchain" / SCRIPT.name],
            env={**os.environ, **ours, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, **env: str) -> tuple[int, str]:
        """The exit code, and what was said."""
        process = self.start(**env)
        said, _ = process.communicate(timeout=TIMEOUT)
        return process.returncode, said

    def asked(self) -> list[str]:
        """What the Python was asked to run since the last look."""
        notes = self.folder / "asked"
        asked = notes.read_text().split() if notes.exists() else []
        notes.unlink(missing_ok=True)
        return asked


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def test_what_is_made_is_not_made_again(project: Project) -> None:
    assert project.run()[0] == 0
    assert project.asked() == ["venv", "pip"]
    assert project.run() == (0, "")
    assert project.asked() == []


def test_another_lock_file_or_python_makes_it_afresh(project: Project) -> None:
    project.run()
    project.asked()
    old = project.made_from.with_name("old")
    old.touch()
    (project.folder / "requirements.lock").write_text("package==2.0\n")
    project.run()
    assert project.asked() == ["venv", "pip"]
    assert not old.exists()
    project.run(VERSION="3.12")
    assert project.asked() == ["venv", "pip"]


@pytest.mark.parametrize("fails", ["venv", "pip"])
def test_half_a_virtualenv_is_told_in_one_line_and_made_again(fails: str, project: Project) -> None:
    code, said = project.run(FAILS=fails)
    assert code == 1
    assert said.splitlines()[-1].startswith("virtualenv: ")
    assert said.endswith(f"failed: ERROR: no (all it said: {project.folder}/.toolchain/logs/virtualenv.log)\n")
    project.asked()
    assert project.run()[0] == 0
    assert project.asked() == ["venv", "pip"]


def test_a_second_make_waits_and_takes_what_the_first_has_made(project: Project) -> None:
    project.run()
    made_from = project.made_from.read_text()
    project.made_from.unlink()
    project.asked()
    with project.lock.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = project.start()
        assert second.stdout is not None
        assert second.stdout.readline() == "another make is at work here: waiting\n"
        assert second.poll() is None
        project.made_from.write_text(made_from)
    said, _ = second.communicate(timeout=TIMEOUT)
    assert (second.returncode, said) == (0, "")
    assert project.asked() == []
