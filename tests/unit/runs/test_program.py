"""`bin/pulumi` around a script in the CLI's place: whatever that says, it ends with one line of words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runs.note import Unfinished, held

PROJECT = Path(__file__).parents[3]
CUT_OFF = Unfinished("4711", "up", 42, 1764000000.0)
BACKEND = "s3://nowhere"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs `bin/pulumi ARGS`, with notes in a folder of the test's own.

    Args of it:
        exported: what `pulumi stack export` prints. redirections: of the streams, for a shell.
    """

    def run(*args: str, exported: str = "{}", redirections: str = "", **environment: str):  # type: ignore[no-untyped-def]
        (tmp_path / "exported").write_text(exported)
        cli = tmp_path / "pulumi"
        cli.write_text(
            f'#!/bin/sh\necho "$@" >>{tmp_path}/commands\n'
            f'case "$*" in "stack export"*) cat {tmp_path}/exported ;; esac\n'
        )
        cli.chmod(0o755)
        code = (
            "import sys; from pathlib import Path; from clients import ending; import runs.__main__ as program; "
            f"program._PROJECT = Path({str(tmp_path)!r}); sys.exit(ending.ended('bin/pulumi', program._called))"
        )
        return subprocess.run(
            ["bash", "-c", f'exec "$@" {redirections}', "bash", sys.executable, "-c", code, str(cli), *args],
            cwd=PROJECT,
            env={**os.environ, "PULUMI_BACKEND_URL": BACKEND, "DOCKER_HOST": "unix:///no/such.sock", **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def commands(folder: Path) -> list[str]:
    return (folder / "commands").read_text().splitlines()


def leave_a_note(folder: Path) -> None:
    with held(folder / ".toolchain" / "runs", BACKEND, "dev") as note:
        note.write(CUT_OFF)


@pytest.mark.parametrize("exported", ["", "null", "[]", "{", '{"deployment": 3}', '{"deployment": {"resources": [3]}}'])
def test_whatever_a_state_holds_an_up_goes_on_or_says_what_to_fix(run: Run, tmp_path: Path, exported: str) -> None:
    leave_a_note(tmp_path)
    ended = run("up", "--stack", "dev", exported=exported)
    assert "Traceback" not in ended.stderr
    assert "internal error" not in ended.stderr
    assert (ended.returncode == 0) == any(command.startswith("up") for command in commands(tmp_path))
    if ended.returncode:
        assert ended.stderr.splitlines()[-1].endswith("fix that, then run this again")


def test_what_was_cut_off_is_cleaned_up_and_the_command_runs_even_if_nobody_reads_the_output(
    run: Run, tmp_path: Path
) -> None:
    leave_a_note(tmp_path)
    state = {"deployment": {"resources": [], "pending_operations": [{"type": "creating", "resource": {"urn": "x"}}]}}
    ended = run("up", "--stack", "dev", exported=json.dumps(state), redirections="2> >(true)")
    assert ended.returncode == 0
    assert [command.split()[0] for command in commands(tmp_path)][-1] == "up"
    assert list((tmp_path / ".toolchain" / "runs").iterdir()) == []


def test_a_folder_that_cannot_be_written_and_a_name_that_no_file_has_are_named(run: Run, tmp_path: Path) -> None:
    ended = run("up", PULUMI_STACK="x" * 3000)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)
    assert "File name too long" in ended.stderr
    (tmp_path / ".toolchain" / "runs").rmdir()
    (tmp_path / ".toolchain" / "runs").write_text("")
    ended = run("up", "--stack", "dev")
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)
    assert ended.stderr.startswith(f"bin/pulumi: {tmp_path}/.toolchain/runs: ")


@pytest.mark.parametrize("backend", ["", "garbage", "file://[", "file://~nosuchuser/x", "file:///dev/null/x"])
def test_an_invalid_backend_is_left_for_the_cli_to_report(run: Run, tmp_path: Path, backend: str) -> None:
    ended = run("up", "--stack", "dev", PULUMI_BACKEND_URL=backend)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert commands(tmp_path)[-1].startswith("up")
