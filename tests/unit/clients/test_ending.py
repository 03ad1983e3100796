"""How `bin/aiaa` and `bin/pulumi` end: one line and an exit code, whatever happens, and never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from clients import ending
from clients.errors import Rejected

PROJECT = Path(__file__).parents[3]


def fails_with(error: BaseException) -> Any:
    def program() -> int:
        raise error

    return program


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (Rejected("XNAT said no", advice="ask it again"), "XNAT said no: ask it again"),
        (FileNotFoundError(2, "No such file or directory", "/a"), "/a: No such file or directory"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (PermissionError(13, "Permission denied", b"/\xff"), "/?: Permission denied"),
        (MemoryError(), "this machine has not enough free memory for it: end other programs, then run the command"),
        (KeyError("a\nb"), r"internal error, which is a defect of this program: KeyError: 'a\nb' (AIAA_DEBUG=1"),
        (RecursionError("deep"), "internal error, which is a defect of this program: RecursionError: deep ("),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), "internal error, which is a defect of this program: Unico"),
        (BrokenPipeError(32, "Broken pipe"), "Broken pipe"),  # of a connection: standard output is whole
    ],
)
def test_whatever_is_raised_ends_with_one_line_and_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: BaseException, line: str
) -> None:
    monkeypatch.delenv("AIAA_DEBUG", raising=False)
    assert ending.ended("bin/x", fails_with(error)) == 1
    said, complaint = capsys.readouterr()
    assert said == ""
    assert complaint.startswith(f"bin/x: {line}")
    assert len(complaint.splitlines()) == 1


def test_debug_shows_where_an_error_came_from(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIAA_DEBUG", "1")
    assert ending.ended("bin/x", fails_with(KeyError("a"))) == 1
    complaint = capsys.readouterr().err
    assert "Traceback" in complaint
    assert complaint.splitlines()[-1].startswith("bin/x: internal error")


def test_what_fails_in_a_thread_is_one_line_and_no_success_and_hooks_are_as_before(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = threading.excepthook, sys.unraisablehook

    def program() -> int:
        thread = threading.Thread(target=fails_with(KeyError("a")))
        thread.start()
        thread.join()
        return 0

    assert ending.ended("bin/x", program) == 1
    assert capsys.readouterr().err.startswith("bin/x: internal error")
    assert (threading.excepthook, sys.unraisablehook) == before


def test_a_thread_may_end_itself(capsys: pytest.CaptureFixture[str]) -> None:
    def program() -> int:
        thread = threading.Thread(target=sys.exit)
        thread.start()
        thread.join()
        return 0

    assert ending.ended("bin/x", program) == 0
    assert capsys.readouterr().err == ""


def run(program: str, redirections: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """A program of these lines of Python, ended as ours are; a shell redirects its streams."""
    lines = "\n".join(f"    {line}" for line in program.splitlines())
    code = f"import os, sys\nfrom clients import ending\ndef main():\n{lines}\n    return 0\n"
    code += "sys.exit(ending.ended('bin/x', main))"
    return subprocess.run(
        ["bash", "-c", f'"$0" -c "$1" {redirections}', sys.executable, code],
        capture_output=True,
        text=True,
        errors="replace",
        cwd=PROJECT,
        env={**os.environ, **environment},
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("program", "redirections", "code"),
    [
        ("for i in range(99999): print(i)", "| head -n 1", 0),
        ("print('x')", ">&-", 0),
        ("print('x'); print('y', file=sys.stderr); sys.stdin.read()", "<&- >&- 2>&-", 0),
        ("print('x')", ">/dev/full", 1),
        ("print('x' * 100000)", "2>/dev/full >/dev/full", 1),
        ("raise KeyError('x')", "2>&-", 1),
        ("sys.exit(2)", ">&-", 2),
    ],
)
def test_streams_that_are_closed_or_full_end_without_a_traceback(program: str, redirections: str, code: int) -> None:
    ended = run(program, redirections)
    assert ended.returncode == code
    assert len(ended.stderr.splitlines()) <= 1, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8:strict"])
def test_a_name_that_the_outputs_encoding_does_not_have_is_still_shown(encoding: str) -> None:
    ended = run(r"print('M\u00fcller \u5fc3 \ud800')", PYTHONIOENCODING=encoding)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "ller" in ended.stdout


def test_an_interruption_ends_at_once_with_130_and_says_nothing() -> None:
    ended = run("import signal; os.kill(os.getpid(), signal.SIGINT)")
    assert (ended.returncode, ended.stderr) == (130, "")


def test_an_interruption_while_libraries_are_loaded_ends_at_once_and_says_nothing() -> None:
    code = "import os, signal; from clients import ending; ending.interruptible_while_loading(); "
    code += "os.kill(os.getpid(), signal.SIGINT)"
    ended = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (-signal.SIGINT, "")


def test_a_program_that_ignores_interruptions_goes_on_doing_so() -> None:
    code = "import os, signal, sys; from clients import ending; ending.interruptible_while_loading(); "
    code += "sys.exit(ending.ended('x', lambda: os.kill(os.getpid(), signal.SIGINT) or 7))"
    program = ["bash", "-c", 'trap "" INT; exec "$0" -c "$1"', sys.executable, code]
    assert subprocess.run(program, cwd=PROJECT, check=False).returncode == 7
