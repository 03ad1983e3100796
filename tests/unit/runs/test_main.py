"""What `bin/pulumi` makes of a command line, with a script in the CLI's place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runs.development import PASSPHRASE
from runs.note import MARK

PROJECT = Path(__file__).parents[3]
NONE_SELECTED = "no stack selected; please use `pulumi stack select` or `pulumi stack init` to choose one"


@pytest.fixture
def cli(tmp_path: Path) -> Path:
    """Says how it was called. A file `selected` beside it has the selected stack."""
    script = tmp_path / "pulumi"
    script.write_text(
        f"""#!/bin/sh
if [ "$*" = "stack --show-name --non-interactive --color never --cwd $PWD" ]; then
    cat {tmp_path}/selected 2>/dev/null || {{ echo 'error: {NONE_SELECTED}' >&2; exit 1; }}
elif [ "$2" = export ]; then
    echo '{{"version": 3, "deployment": {{}}}}'
else
    echo "${{{MARK}:+run }}${{PULUMI_CONFIG_PASSPHRASE:+secret $PULUMI_CONFIG_PASSPHRASE }}$*"
fi
"""
    )
    script.chmod(0o755)
    return script


def call(cli: Path, line: str) -> tuple[int, str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "XNAT_AIAA_"))}
    env |= {"PULUMI_BACKEND_URL": f"file://{cli.parent}/state", "DOCKER_HOST": "tcp://127.0.0.1:9"}
    command = [sys.executable, str(PROJECT / "runs" / "__main__.py"), str(cli), *line.split()]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, env=env, check=False)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


@pytest.mark.parametrize(
    "line",
    [
        "up -s tests",
        "--color never up -s tests",
        "-v 3 -e destroy -ys tests",
        "-C models -s tests refresh",
        "watch -stests",
    ],
)
def test_a_change_of_a_stack_is_a_run_of_ours_wherever_options_stand(cli: Path, line: str) -> None:
    assert call(cli, line) == (0, f"run {line}", "")


@pytest.mark.parametrize("line", ["preview -s tests", "--color up -s tests", "up -s tests --help", "-C / up -s tests"])
def test_what_changes_no_stack_of_this_project_is_the_clis_alone(cli: Path, line: str) -> None:
    assert call(cli, line) == (0, line, "")


def test_the_selected_stack_decides_over_the_passphrase(cli: Path) -> None:
    (cli.parent / "selected").write_text("dev\n")
    assert call(cli, "preview") == (0, f"secret {PASSPHRASE} preview", "")
    assert call(cli, "up -y") == (0, f"run secret {PASSPHRASE} up -y", "")
    assert call(cli, "up -ys prod") == (0, "run up -ys prod", "")
    (cli.parent / "selected").write_text("prod\n")
    assert call(cli, "preview") == (0, "preview", "")


def test_without_a_selected_stack_no_run_begins(cli: Path) -> None:
    assert call(cli, "up -y") == (1, "", f"bin/pulumi: {NONE_SELECTED} (or name one: --stack NAME)")
    assert call(cli, "preview") == (0, "preview", "")


def test_operations_that_wait_for_hours_do_not_delay_others(cli: Path) -> None:
    cli.write_text(cli.read_text().replace('$*"\nfi', '$PULUMI_PARALLEL $*"\nfi'))
    assert call(cli, "up -s tests") == (0, "run 64 up -s tests", "")
    assert call(cli, "refresh -s tests") == (0, "run  refresh -s tests", "")
