"""`bin/aiaa viewer-metadata`, killed: XNAT is asked for each build at most once, and the next command picks it up."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.faults import Fault
from tests.support.until import until
from tests.support.viewer_metadata import Xnat, xnat_stand_in

ROUNDS = int(os.environ.get("ROUNDS", "30" if os.environ.get("SOAK") else "2"))
SEED = int(os.environ.get("SEED", "1"))
LIVER = "projects/LIVER"
SESSION = f"{LIVER}/experiments/XNAT_E00001"

# The command with a wound: it kills itself where no test from outside could hit it reliably.
_DIES_AT = """
import os, signal, sys
from clients.xnat_viewer import ViewerClient
from operations.metadata.notes import Notes
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(*{place}, die)
from operations.__main__ import main
sys.argv[0] = "bin/aiaa"
sys.exit(main())
"""
BETWEEN_NOTE_AND_POST = ("-c", _DIES_AT.format(place="(ViewerClient, 'ask')"))
BETWEEN_ANSWER_AND_END = ("-c", _DIES_AT.format(place="(Notes, 'remove')"))


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def killed_when(xnat: Xnat, is_so: Callable[[], object], *args: str) -> None:
    with xnat.begin(*args) as process:
        try:
            until(is_so)
        finally:
            kill(process)


def test_before_the_note(tmp_path: Path) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        xnat.plan.set(Fault("*/exists", "hang"))
        killed_when(xnat, lambda: any(each.path.endswith("/exists") for each in xnat.plan.requests), "--project=LIVER")
        assert xnat.noted() == []
        xnat.plan.set()
        assert xnat.run("--project", "LIVER")[0] == 0
        assert xnat.posts() == {f"{LIVER}/experiments/XNAT_E{n:05d}": 1 for n in range(1, 7)}


@pytest.mark.parametrize(
    ("args", "name", "path"),
    [
        (("--project", "LIVER", "--session", "LIVER_001_CT1"), "session-XNAT_E00001", SESSION),
        (("--project", "LIVER", "--no-missing-only"), "project-LIVER", LIVER),
    ],
)
def test_between_note_and_request(tmp_path: Path, args: tuple[str, ...], name: str, path: str) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        assert xnat.run(*args, program=BETWEEN_NOTE_AND_POST)[0] == -signal.SIGKILL
        assert xnat.noted() == [name]
        code, said, _ = xnat.run(*args)
        assert code == 1
        assert xnat.posts() == {}  # nobody but XNAT's log knows that it never came
        way_out = next(line for line in said.splitlines() if "--forget-request" in line)
        assert "no end was seen" in way_out
        assert xnat.run(*args, "--forget-request")[0] == 0
        assert xnat.noted() == []
        assert xnat.run(*args)[0] == 0
        assert xnat.posts() == {path: 1}


@pytest.mark.parametrize("args", [(), ("--no-missing-only",)])
def test_during_the_request(tmp_path: Path, args: tuple[str, ...]) -> None:
    with xnat_stand_in(tmp_path, build_seconds=0.4) as xnat:
        killed_when(xnat, lambda: xnat.metadata.accepted, "--project", "LIVER", *args)
        assert len(xnat.noted()) == 1
        assert xnat.run("--project", "LIVER", *args, "--patience", "20")[0] == 0
        assert max(xnat.posts().values()) == 1
        assert len(xnat.metadata.revisions) == 6
        assert xnat.noted() == []


def test_while_watching(tmp_path: Path) -> None:
    with xnat_stand_in(tmp_path, build_seconds=1.0, proxy_timeout=0.2) as xnat:
        args = ("--project", "LIVER", "--no-missing-only")
        killed_when(xnat, lambda: any(each.status == 504 for each in xnat.plan.requests), *args)
        code, _, told = xnat.run(*args)
        assert code == 0
        assert "no end was seen yet; it is not sent again, only watched" in told
        assert xnat.posts() == {LIVER: 1}


def test_between_the_answer_and_its_end(tmp_path: Path) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        args = ("--project", "LIVER", "--no-missing-only")
        assert xnat.run(*args, program=BETWEEN_ANSWER_AND_END)[0] == -signal.SIGKILL
        assert xnat.noted() == ["project-LIVER"]
        assert xnat.run(*args)[0] == 0
        assert xnat.posts() == {LIVER: 1}
        assert xnat.noted() == []


LEVELS = (
    ("--project", "LIVER", "--session", "XNAT_E00001"),
    ("--project", "LIVER", "--subject", "LIVER_001"),
    ("--project", "LIVER"),
    ("--site", "--yes-all-data"),
)


@pytest.mark.parametrize("how", ["--missing-only", "--no-missing-only"])
@pytest.mark.parametrize(("level", "dies"), [*((level, "killed") for level in LEVELS), (LEVELS[0], "504")])
def test_what_was_built_before_it_is_run_again_is_not_asked_for_again(
    tmp_path: Path, level: tuple[str, ...], dies: str, how: str
) -> None:
    proxy = {"proxy_timeout": 0.1} if dies == "504" else {}
    with xnat_stand_in(tmp_path, projects=("LIVER",), build_seconds=0.4, build_threads=6, **proxy) as xnat:
        if dies == "killed":
            killed_when(xnat, lambda: xnat.metadata.accepted, *level, how)
        else:
            xnat.run(*level, how, "--patience", "0.1")
        until(lambda: len(xnat.metadata.finished) == len(xnat.metadata.accepted))
        code, said, _ = xnat.run(*level, how, "--patience", "5")
        assert code == 0, said
        assert set(xnat.posts().values()) == {1}
        assert xnat.noted() == []


@pytest.mark.soak
@pytest.mark.parametrize(("args", "build_seconds"), [((), 0.2), (("--no-missing-only",), 1.0)])
def test_at_any_moment(tmp_path: Path, args: tuple[str, ...], build_seconds: float) -> None:
    """A build of the whole project may be asked for anew once its end was seen, and not before."""
    moments = random.Random(SEED)  # noqa: S311 - no secret
    for number in range(ROUNDS):
        with xnat_stand_in(tmp_path / str(number), build_seconds=build_seconds) as xnat:
            for _ in range(4):
                with xnat.begin("--project", "LIVER", *args) as process:
                    time.sleep(moments.uniform(0.3, 2.5))  # a moment, not a wait for anything
                    kill(process)
            code, said, told = xnat.run("--project", "LIVER", *args, "--patience", "10")
            assert all(times <= 1 + xnat.metadata.finished.count("project LIVER") for times in xnat.posts().values())
            assert 423 not in [each.status for each in xnat.plan.requests]
            if not args:
                assert max(xnat.posts().values()) == 1
            if code:
                assert "--forget-request" in said, told  # killed between a note and its request
            else:
                assert len(xnat.metadata.revisions) == 6
                assert xnat.noted() == []
