"""A pull that outlives who began it, and is not begun twice: real processes, and a scripted engine."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients import image_pull
from clients.errors import ClientError
from clients.image_pull import Wanted, _Lines, pulled
from runs.note import MARK
from tests.support.scripted_docker import ScriptedDocker, scripted_docker
from tests.support.until import until

IMAGE = f"nvcr.io/nvidia/x:{os.getpid()}"  # processes that pull it are found by its name
KEY = "ngc-key-4711"
PROJECT = Path(__file__).parents[3]
LOGIN = ("$oauthtoken", KEY)

# What a run is, as far as pulls go: its arguments are the engine and the folder.
RUN = f"""
import asyncio, sys
from pathlib import Path
from clients.image_pull import Wanted, pulled
wanted = Wanted(sys.argv[1], {IMAGE!r}, {LOGIN!r})
print(asyncio.run(pulled(wanted, Path(sys.argv[2]), print)))
"""


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ScriptedDocker]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "none"))
    with scripted_docker() as made:
        yield made


class Held:
    """A pull that the engine does not end before it is released."""

    def __init__(self, engine: ScriptedDocker, *last: dict[str, str]) -> None:
        self._engine = engine
        self._event = threading.Event()
        engine.registry[IMAGE] = [{"status": "Pulling fs layer", "id": "a"}, self._event, *last]

    def begun(self) -> bool:
        return bool(self._engine.pulls)

    def release(self) -> None:
        self._event.set()


def pull(engine: ScriptedDocker, folder: Path, **wanted: object) -> tuple[str, list[str]]:
    """The id, and the lines."""
    lines: list[str] = []
    made = Wanted(engine.host, IMAGE, **wanted)  # type: ignore[arg-type]
    return asyncio.run(pulled(made, folder, lines.append)), lines


def run(engine: ScriptedDocker, folder: Path) -> subprocess.Popen[str]:
    """In a process group of its own, as a terminal's command is."""
    env = {**os.environ, MARK: "run-1", "PULUMI_CONFIG_PASSPHRASE": "secret"}
    return subprocess.Popen(
        [sys.executable, "-c", RUN, engine.host, str(folder)],
        cwd=PROJECT,
        env=env,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def holders() -> list[int]:
    """Processes that hold a pull of this file's image."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"clients.image_pull_process" in words and IMAGE.encode() in words:
            found.append(int(entry.name))
    return found


def test_an_image_that_is_there_is_not_pulled(engine: ScriptedDocker, tmp_path: Path) -> None:
    engine.images[IMAGE] = "amd64"
    assert pull(engine, tmp_path) == (f"sha256:{IMAGE}", [])
    assert engine.pulls == []


def test_an_image_for_another_processor_is_an_error_each_time(engine: ScriptedDocker, tmp_path: Path) -> None:
    engine.registry[IMAGE], engine.comes_for = [], "arm64"
    for _ in range(2):
        with pytest.raises(ClientError, match=f"image {IMAGE}: it is for arm64, and the host of .* is amd64"):
            pull(engine, tmp_path)
    assert len(engine.pulls) == 1


def test_an_image_that_is_there_needs_no_login(engine: ScriptedDocker, tmp_path: Path) -> None:
    engine.images[IMAGE] = "amd64"
    assert pull(engine, tmp_path, wrong_login="registries.nvcr.io.password_env: is not set")[0]
    del engine.images[IMAGE]
    with pytest.raises(ClientError, match=r"registries\.nvcr\.io\.password_env: is not set"):
        pull(engine, tmp_path, wrong_login="registries.nvcr.io.password_env: is not set")
    assert engine.pulls == []


def test_the_stack_files_login_goes_before_dockers(
    engine: ScriptedDocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auths = {"nvcr.io": {"username": "docker", "password": "x"}}
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps({"auths": auths}))
    engine.registry[IMAGE] = []
    pull(engine, tmp_path, login=LOGIN)
    del engine.images[IMAGE]
    pull(engine, tmp_path)
    assert [auth["username"] for _, auth in engine.pulls] == ["$oauthtoken", "docker"]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_the_next_run_waits_for_the_pull_of_one_that_was_ended(
    engine: ScriptedDocker, tmp_path: Path, end: signal.Signals
) -> None:
    held = Held(engine)
    first = run(engine, tmp_path)
    until(held.begun)
    os.killpg(first.pid, end)
    first.communicate()
    second = run(engine, tmp_path)
    assert second.stdout is not None
    assert second.stdout.readline() == f"pulling {IMAGE}: it is being pulled already; waiting for that\n"
    held.release()
    assert second.communicate()[0] == f"sha256:{IMAGE}\n"
    assert len(engine.pulls) == 1


def test_several_servers_of_a_run_pull_an_image_once(engine: ScriptedDocker, tmp_path: Path) -> None:
    held = Held(engine)

    async def six() -> list[str]:
        waiting = asyncio.gather(*(pulled(Wanted(engine.host, IMAGE), tmp_path, lambda _: None) for _ in range(6)))
        await asyncio.to_thread(until, held.begun)
        held.release()
        return await waiting

    assert asyncio.run(six()) == [f"sha256:{IMAGE}"] * 6
    assert len(engine.pulls) == 1


def test_pulls_on_several_engines_go_on_at_the_same_time(tmp_path: Path) -> None:
    with scripted_docker() as one, scripted_docker() as other:
        helds = [Held(engine) for engine in (one, other)]

        async def both() -> list[str]:
            waiting = asyncio.gather(*(pulled(Wanted(each.host, IMAGE), tmp_path, print) for each in (one, other)))
            await asyncio.to_thread(until, lambda: all(held.begun() for held in helds))
            for held in helds:
                held.release()
            return await waiting

        assert asyncio.run(both()) == [f"sha256:{IMAGE}"] * 2


def test_a_pull_of_another_run_that_failed_is_tried_again_with_this_runs_own_login(
    engine: ScriptedDocker, tmp_path: Path
) -> None:
    held = Held(engine, {"error": "unauthorized"})
    first = run(engine, tmp_path)
    until(held.begun)
    first.kill()
    first.communicate()

    async def second() -> str:
        waiting = asyncio.create_task(pulled(Wanted(engine.host, IMAGE), tmp_path, joined.append))
        await asyncio.to_thread(until, lambda: joined)
        engine.registry[IMAGE] = []
        held.release()
        return await waiting

    joined: list[str] = []
    assert asyncio.run(second()) == f"sha256:{IMAGE}"
    assert len(engine.pulls) == 2


def test_a_failed_pull_is_tried_again_by_the_next_run(engine: ScriptedDocker, tmp_path: Path) -> None:
    engine.registry[IMAGE] = "no basic auth credentials"
    with pytest.raises(ClientError, match="requires a log-in"):
        pull(engine, tmp_path)
    engine.registry[IMAGE] = []
    assert pull(engine, tmp_path, login=LOGIN)[0]


def test_a_result_is_read_also_after_the_next_process_has_started(engine: ScriptedDocker, tmp_path: Path) -> None:
    engine.registry[IMAGE] = []
    wanted, path = Wanted(engine.host, IMAGE), tmp_path / "a.jsonl"
    first = image_pull._begin(wanted, path)
    assert first
    first.process.wait(60)
    second = image_pull._begin(wanted, path)
    assert second
    lines = image_pull._Lines("pulling", print)
    for begun in (first, second):
        assert asyncio.run(begun.end(lines)) == {"done": f"sha256:{IMAGE}"}


def test_a_killed_pull_process_is_reported_and_the_next_run_starts_again(
    engine: ScriptedDocker, tmp_path: Path
) -> None:
    held = Held(engine)

    def kill() -> None:
        until(held.begun)
        for pid in holders():
            os.kill(pid, signal.SIGKILL)

    killing = threading.Thread(target=kill)
    killing.start()
    with pytest.raises(ClientError, match="ended without a result"):
        pull(engine, tmp_path)
    killing.join()
    engine.registry[IMAGE] = []
    assert pull(engine, tmp_path)[0]


def test_the_secret_is_in_no_command_line_environment_or_file(engine: ScriptedDocker, tmp_path: Path) -> None:
    held = Held(engine, {"error": f"unauthorized: {KEY}"})
    first = run(engine, tmp_path)
    until(held.begun)
    (holder,) = holders()
    process = Path(f"/proc/{holder}")
    shown = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    # Nor what only Pulumi needs; and without the run's mark, a clean-up after the run does not end it.
    for secret in (KEY, "PULUMI_CONFIG_PASSPHRASE", MARK):
        assert secret.encode() not in shown
    held.release()
    first.communicate()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert KEY not in path.read_text()
        assert path.stat().st_mode & 0o077 == 0
    assert KEY not in repr(Wanted("unix:///x", IMAGE, LOGIN))


def test_lines_about_a_pull_of_hours_are_few_and_say_layers_and_megabytes() -> None:
    now = 0.0
    said: list[str] = []
    lines = _Lines("pulling x", said.append, clock=lambda: now)
    mb = 1 << 20
    for second in range(3 * 3600):
        now, done = float(second), min(second, 9000) * mb
        at = {"layers": 40, "complete": min(second // 250, 40), "bytes": done, "retries": int(second > 60)}
        lines.note({"at": {**at, "total": 9000 * mb if second > 1800 else None, "unpacking": second >= 9000}})
    assert said[0] == "pulling x: 0 of 40 layers, 10 MB, 1.0 MB/s"
    assert "pulling x: the transfer broke off; the engine tries again (attempt 1)" in said
    assert any("of 9000 MB" in line for line in said)
    assert said[-1] == "pulling x: all layers are downloaded; the engine unpacks them"
    assert len(said) < 25
