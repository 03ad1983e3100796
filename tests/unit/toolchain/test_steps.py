"""`python -m toolchain`: one line for what fails, one step at a time in one tool cache."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.errors import DockerException

from tests.unit.toolchain.conftest import DEADLINE, SetUp, read_until
from toolchain import __main__ as main
from toolchain import base_image, engine, lock, private_engine
from toolchain.errors import SetUpError

# An engine and an image that are there at once; `stop` tells that it was called.
ENGINE = """
engine.ensure = lambda: 'unix:///tests.sock'
base_image.ensure = lambda host: None
private_engine.pid = lambda: None
private_engine.stop = lambda: print('stopped')
"""


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["toolchain", *arguments])
    return main.main()


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Those of the test run are its own."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    ("failure", "status", "line"),
    [
        (SetUpError("No Docker engine answers"), 1, "tools: No Docker engine answers"),
        (DockerException("it went away"), 1, "tools: the Docker engine failed: it went away"),
        (OSError(28, "No space left on device", "/a/file"), 1, "tools: [Errno 28] No space left on device: '/a/file'"),
        (KeyboardInterrupt(), 130, "tools: interrupted; run it again to go on"),
    ],
)
def test_a_step_that_does_not_end_well_says_so_in_one_line(
    failure: BaseException,
    status: int,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_: object) -> None:
        raise failure

    monkeypatch.setitem(main._STEPS, "tools", fail)
    assert run(monkeypatch, "tools") == status
    assert capsys.readouterr().err == f"\n{line}\n"


def test_a_defect_is_not_hidden(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    del cache

    def fail(_: object) -> None:
        raise KeyError("a mistake of ours")

    monkeypatch.setitem(main._STEPS, "tools", fail)
    with pytest.raises(KeyError):
        run(monkeypatch, "tools")


@pytest.mark.parametrize("arguments", [["nonsense"], ["--route", "nonsense", "tools"], []])
def test_what_is_not_known_is_refused(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(monkeypatch, *arguments)


def test_nohup_is_respected(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    del cache
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    monkeypatch.setitem(main._STEPS, "tools", lambda _: None)
    assert run(monkeypatch, "tools") == 0
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_a_second_make_waits_for_the_first_and_says_so(set_up: SetUp, tmp_path: Path) -> None:
    done = tmp_path / "done"
    with (tmp_path / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        process = set_up(f"main._STEPS['tools'] = lambda _: Path({str(done)!r}).touch()", "tools")
        assert read_until(process, "another make is at work here: waiting")
        assert not done.exists()
    assert process.wait(DEADLINE) == 0
    assert done.exists()


def test_who_waits_can_be_interrupted(set_up: SetUp, tmp_path: Path) -> None:
    with (tmp_path / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        process = set_up(ENGINE, "with-image", "true")
        assert read_until(process, "waiting")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    assert errors == "\nwith-image: interrupted; run it again to go on\n"
    assert "stopped" not in output, "the engine is not the one that waited"


def test_a_step_that_was_killed_holds_nobody_up(set_up: SetUp) -> None:
    script = "echo $$; exec sleep 600"
    killed = set_up(f"main._STEPS['tools'] = lambda _: console.run(['bash', '-c', {script!r}], 'Doing it')", "tools")
    orphan = int(read_until(killed, r"1 s: \d+").split()[-1])
    killed.kill()
    killed.wait(DEADLINE)
    process = set_up("main._STEPS['tools'] = lambda _: None", "tools")
    assert process.communicate(timeout=DEADLINE) == ("", "")
    os.kill(orphan, signal.SIGKILL)


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch, cache: Path) -> list[str]:  # noqa: ARG001
    """What happens to an engine that is not running, nor is any other."""
    events: list[str] = []

    def ensure() -> str:
        events.append("started")
        return "unix:///tests.sock"

    monkeypatch.setattr(private_engine, "pid", lambda: None)
    monkeypatch.setattr(private_engine, "stop", lambda: events.append("stopped"))
    monkeypatch.setattr(engine, "ensure", ensure)
    monkeypatch.setattr(base_image, "ensure", lambda host: events.append(f"image at {host}"))
    return events


def test_a_commands_engine_is_started_and_stopped_and_its_end_is_ours(
    events: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "with-image", "bash", "-c", "echo $DOCKER_HOST; exit 7") == 7
    assert events == ["started", "image at unix:///tests.sock", "stopped"]
    assert capfd.readouterr().out == "unix:///tests.sock\n"


def test_an_engine_that_ran_before_a_command_runs_after_it(events: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_engine, "pid", lambda: 4242)
    assert run(monkeypatch, "with-image", "true") == 0
    assert "stopped" not in events


def test_an_engine_is_stopped_if_the_image_cannot_be_made(events: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> None:
        raise SetUpError("no image")

    monkeypatch.setattr(base_image, "ensure", fail)
    assert run(monkeypatch, "with-image", "true") == 1
    assert events == ["started", "stopped"]


def test_a_command_that_is_not_there_is_told_in_one_line(
    events: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "with-image", "/nowhere/program") == 1
    assert capsys.readouterr().err == "\nwith-image: [Errno 2] No such file or directory: '/nowhere/program'\n"
    assert events[-1] == "stopped"


@pytest.mark.usefixtures("events")
def test_the_lock_is_free_while_a_command_runs(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """Tests call `make` and `bin/pulumi` in there."""
    monkeypatch.setattr(base_image, "ensure", lambda _: _is_held(cache) or pytest.fail("not held for the image"))
    assert run(monkeypatch, "with-image", "flock", "--nonblock", str(cache / "lock"), "true") == 0


def _is_held(cache: Path) -> bool:
    with (cache / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_the_lock_is_given_back_after_a_failure(cache: Path) -> None:
    with pytest.raises(SetUpError), lock.held():
        raise SetUpError("it failed")
    assert not _is_held(cache)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_has_its_time_to_clean_up_before_the_engine_stops(number: signal.Signals, set_up: SetUp) -> None:
    """subprocess.run would kill it a quarter of a second after Ctrl-C."""
    script = "trap 'kill $!; echo cleaning up; sleep 0.5; echo cleaned up; exit 2' INT; echo begun; sleep 600 & wait"
    process = set_up(ENGINE, "with-image", "bash", "-c", script)
    assert read_until(process, "begun")
    while not select.select([process.stdout], [], [], 0.1)[0]:  # type: ignore[type-var]
        process.send_signal(signal.SIGINT)  # which a terminal sends to the command itself
        process.send_signal(number)
    assert process.communicate(timeout=DEADLINE)[0] == "cleaning up\ncleaned up\nstopped\n"
    assert process.returncode == 2
