"""What bin/pulumi and bin/aiaa make of the caller's environment, before any program of ours reads it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "toolchain" / "environment.sh"


def environment_of(folder: Path, **given: str) -> dict[str, str]:
    """The variables of a program that bin/pulumi starts, in a project that has its tools."""
    for program in (folder / ".venv/bin/python", folder / ".toolchain/bin/pulumi"):
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    script = folder / "toolchain" / SCRIPT.name
    script.parent.mkdir()
    shutil.copy(SCRIPT, script)
    done = subprocess.run(
        ["bash", "-c", f"source {script}; exec /usr/bin/env -0"],
        env={"PATH": os.environ["PATH"], **given},
        cwd=folder,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    pairs = (each.partition("=") for each in done.stdout.split("\0") if each)
    return {name: value for name, _, value in pairs}


def test_pythons_switches_for_other_programs_do_not_reach_ours(tmp_path: Path) -> None:
    invalid = {"PYTHONIOENCODING": "nonsense", "PYTHONHOME": "/no", "PYTHONPATH": "/no", "PYTHONWARNINGS": "error"}
    found = environment_of(tmp_path, **invalid, PYTHONUNBUFFERED="1", PYTHON="/usr/bin/python3")
    assert {name for name in found if name.startswith("PYTHON")} == {"PYTHONUNBUFFERED", "PYTHON"}


@pytest.mark.parametrize("columns", ["0", "-5", "", "x", "08", "80 "])
def test_an_invalid_width_is_dropped(tmp_path: Path, columns: str) -> None:
    assert "COLUMNS" not in environment_of(tmp_path, COLUMNS=columns)


def test_a_width_stays(tmp_path: Path) -> None:
    assert environment_of(tmp_path, COLUMNS="120")["COLUMNS"] == "120"


def test_pulumis_own_connections_on_the_loopback_take_no_proxy(tmp_path: Path) -> None:
    found = environment_of(tmp_path, http_proxy="http://proxy.example.org:3128", no_proxy="intranet")
    assert "127.0.0.1" in found["no_grpc_proxy"].split(",")
    assert (found["http_proxy"], found["no_proxy"]) == ("http://proxy.example.org:3128", "intranet")


@pytest.mark.parametrize("home", [None, "", "/no/such/folder"])
def test_a_home_folder_is_not_needed(tmp_path: Path, home: str | None) -> None:
    assert "PULUMI_BACKEND_URL" in environment_of(tmp_path, **({} if home is None else {"HOME": home}))


@pytest.mark.parametrize(("given", "kept"), [("garbage", "1GiB"), ("", "1GiB"), ("2GiB", "2GiB"), ("off", "off")])
def test_a_limit_that_go_cannot_read_is_replaced(tmp_path: Path, given: str, kept: str) -> None:
    assert environment_of(tmp_path, GOMEMLIMIT=given)["GOMEMLIMIT"] == kept
