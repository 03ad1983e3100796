"""The CLI's end, by programs in its place."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).parents[3]
SUPERVISE = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # the caller may ignore it
from runs.supervisor import supervise
print(supervise([sys.executable, "-u", "-c", sys.argv[1]], os.environ, lambda line: print(line, flush=True)))
"""
SPEAK = "print(__import__('os').getpid(), flush=True);"


def supervised(program: str) -> subprocess.Popen[str]:
    """The first line that it says is the pid of the program in the CLI's place."""
    return subprocess.Popen(
        [sys.executable, "-c", SUPERVISE, f"{SPEAK} {program}"],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def pid_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def rest(process: subprocess.Popen[str]) -> list[str]:
    return process.communicate(timeout=60)[0].splitlines()


def test_an_exit_code_is_handed_on() -> None:
    with supervised("import sys; sys.exit(7)") as process:
        assert rest(process)[1:] == ["(7, False)"]


def test_a_killed_cli_is_told_from_one_that_failed() -> None:
    with supervised("import os; os.kill(os.getpid(), 9)") as process:
        assert rest(process)[1:] == ["(137, True)"]


def test_an_interrupted_cli_that_does_not_end_is_ended() -> None:
    with supervised("import signal, time; signal.signal(2, signal.SIG_IGN); time.sleep(600)") as process:
        pid_of(process)
        time.sleep(0.5)  # for the signal to be ignored
        os.killpg(process.pid, signal.SIGINT)
        assert rest(process) == [
            "interrupted: what was begun and is not finished is done again by the next run",
            "(137, True)",
        ]


def test_an_interrupted_cli_may_end_by_itself() -> None:
    with supervised("import signal, time, sys; signal.signal(2, lambda *_: sys.exit(5)); time.sleep(600)") as process:
        pid_of(process)
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGINT)
        assert rest(process) == ["(5, True)"]


def test_the_cli_ends_with_its_supervisor_however_that_ends() -> None:
    with supervised("import time; time.sleep(600)") as process:
        pid = pid_of(process)
        process.kill()
        deadline = time.monotonic() + 20
        while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
            assert time.monotonic() < deadline
            time.sleep(0.05)
