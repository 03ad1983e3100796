"""Processes of a run, by the mark in their environment."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid

from runs import processes
from runs.note import MARK

STUBBORN = "import signal, sys, time; signal.signal(15, signal.SIG_IGN); print(); sys.stdout.flush(); time.sleep(60)"


def started(program: str, run: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", program], env={**os.environ, MARK: run}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_all_of_a_run_end_even_those_that_do_not_want_to_and_no_others() -> None:
    run, other_run = uuid.uuid4().hex, uuid.uuid4().hex
    polite = "print(flush=True); import time; time.sleep(60)"
    with started(polite, run) as first, started(STUBBORN, run) as second, started(polite, other_run) as other:
        assert set(processes.of_run(run)) == {first.pid, second.pid}
        assert processes.lives(first.pid)
        assert all("python" in name for name in processes.end(run))
        assert not processes.lives(first.pid)  # though nobody has collected it
        assert (first.wait(5), second.wait(5)) == (-15, -9)
        assert other.poll() is None
        other.kill()


def test_of_a_run_that_left_nothing_nothing_is_told() -> None:
    assert processes.end(uuid.uuid4().hex) == []
