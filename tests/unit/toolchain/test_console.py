"""What the set-up runs and shows: nothing goes on running, and what fails says why in one line."""

from __future__ import annotations

import io
import os
import signal
import time
from pathlib import Path

import pytest
from rich.console import Console

from tests.unit.toolchain.conftest import DEADLINE, SetUp, read_until
from toolchain import console, layout
from toolchain.errors import SetUpError


@pytest.fixture(autouse=True)
def _cache(cache: Path) -> None:
    """The logs are the test's own."""


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a terminal would get."""
    text = io.StringIO()
    terminal = Console(file=text, force_terminal=True, width=200, highlight=False, markup=False, emoji=False)
    monkeypatch.setattr(console, "_console", terminal)
    return text


def bash(script: str, doing: str = "Doing it (1 min)") -> None:
    console.run(["bash", "-c", script], doing)


def test_the_log_has_all_that_was_said_and_is_named_by_the_step() -> None:
    bash("echo out; echo err >&2", "Installing apt's docker.io, iptables (1 min)")
    assert (layout.LOGS / "installing-apt-s-docker-io-iptables.log").read_text() == "out\nerr\n"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo first; echo last; echo; exit 3", "last"),
        ("printf 'progress 1\\rprogress 2'; exit 3", "progress 2"),
        ("exit 3", "exit 3"),
        ("echo 'ERROR: No matching distribution'; echo '[notice] A new release of pip'; exit 1", "ERROR: No matching"),
        ("echo 'E: Unable to locate package'; echo hint; exit 100", "E: Unable to locate package"),
        ("kill -KILL $$", "exit -9"),
    ],
)
def test_a_failure_is_one_line_that_names_its_log(script: str, reason: str) -> None:
    with pytest.raises(SetUpError) as caught:
        bash(script)
    log = layout.LOGS / "doing-it.log"
    assert str(caught.value).startswith(f"Doing it (1 min) failed: {reason}")
    assert str(caught.value).endswith(f"(all it said: {log})")
    assert "\n" not in str(caught.value)
    assert log.exists()


def test_a_program_that_is_not_there_is_told_by_its_name() -> None:
    with pytest.raises(SetUpError, match=r"^Doing it: cannot run /nowhere/program: No such file or directory$"):
        console.run(["/nowhere/program"], "Doing it")


def test_the_log_is_of_the_last_run_alone() -> None:
    bash("echo first")
    bash("echo second")
    assert (layout.LOGS / "doing-it.log").read_text() == "second\n"


def _ends(pid: int) -> bool:
    """A zombie has ended too."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_ends_the_command_and_all_that_it_started(number: signal.Signals, set_up: SetUp) -> None:
    script = "sleep 600 & echo $$ $!; wait"
    process = set_up(f"main._STEPS['tools'] = lambda _: console.run(['bash', '-c', {script!r}], 'Doing it')", "tools")
    pids = read_until(process, r"1 s: \d+ \d+").split()[-2:]
    process.send_signal(number)
    _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    assert errors == "\ntools: interrupted; run it again to go on\n"
    assert [_ends(int(pid)) for pid in pids] == [True, True]


def test_a_command_that_ignores_the_interruption_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(console, "_GRACE", 0.2)
    pid = tmp_path / "pid"

    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    class Told:
        def __enter__(self) -> object:
            return interrupted

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(console, "working", lambda _: Told())
    with pytest.raises(KeyboardInterrupt):
        bash(f"trap '' INT; echo $$ >{pid}; while :; do sleep 0.1; done")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_what_takes_long_gives_a_sign_of_life_without_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "_SIGN_OF_LIFE", 0)
    bash("echo 'half [way] :key:'; sleep 1.5")
    assert capsys.readouterr().out == "Doing it (1 min) ...\n  1 s: half [way] :key:\n"


def test_no_line_is_shown_twice_a_second_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with console.working("Doing it") as tell:
        for step in range(100):
            tell(f"{step} %")
    assert capsys.readouterr().out == "Doing it ...\n"


def test_a_terminal_shows_what_a_log_says_as_it_is(screen: io.StringIO) -> None:
    """A log may hold what rich would take for markup, as `[/usr/lib]`."""
    bash("echo 'see [/usr/lib] and [bold]'; sleep 1.5")
    assert "see [/usr/lib] and [bold]" in screen.getvalue()


def test_what_is_said_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("image [red]name:key:tag " + "long " * 100)
    assert capsys.readouterr().out == "image [red]name:key:tag " + "long " * 100 + "\n"
