"""`kill -9` of all that a deployment runs, at each of its steps: whatever is left, XNAT would start with it, and the
same deployment, run again, ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.xnat.plugin_folder import PluginFolder
from tests.support.deploy_script import Failed, begin, deploy
from tests.support.jars import JAVA_8, JAVA_21, viewer_jar
from tests.support.xnat_host import XnatHost, xnat_host

OLD, NEW = viewer_jar("3.6.2"), viewer_jar("3.7.2")
BROKEN = viewer_jar("3.8.0", java=JAVA_21)
CHANGING = ("mv", "ln", "rm", "cp", "chmod", "chown", "mkdir", "cat", "curl")
EVERY = 1 if os.environ.get("SOAK") == "1" else 4

# Counts calls of the programs that change something (so no looks at XNAT, which are as many as there is time for), and
# at one of them ends all of the deployment: before it is done, or after.
WRAPPER = """#!/bin/sh
case $* in *buildInfo*) exec {real} "$@" ;; esac
count=$(($(wc -l <{folder}/calls) + 1))
echo {name} >>{folder}/calls
if [ "$count" = "$KILL_AT" ]; then
  [ "$KILL" = before ] || {real} "$@"
  kill -9 0
fi
exec {real} "$@"
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[XnatHost]:
    with xnat_host(tmp_path) as made:
        yield made


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that has a line for each call; the wrappers are on PATH."""
    folder = tmp_path / "wrappers"
    folder.mkdir()
    for name in CHANGING:
        program = folder / name
        program.write_text(WRAPPER.format(folder=folder, name=name, real=shutil.which(name)))
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("KILL_AT", "none")
    return folder / "calls"


def settings(host: XnatHost, content: bytes, version: str) -> dict[str, Any]:
    jar = host.folder.parent / "new.jar"
    jar.write_bytes(content)
    here = {"host": [], "probe_url": host.url[0], "restart": stop_and_start(host)}
    return host.settings(version=version, jar=str(jar), **here) | {"start_timeout": 2}


def stop_and_start(host: XnatHost) -> str:
    """Between its two ends, XNAT answers nobody: a kill there leaves it down."""
    curl, sandbox = "curl -fsS -X", f"{host.url[0]}/sandbox"
    down = json.dumps([{"path": "*", "kind": "status"}])
    return f"{curl} PUT -d '{down}' {sandbox}/faults; {curl} POST {sandbox}/restart; {curl} DELETE {sandbox}/faults"


def reset(host: XnatHost, calls: Path) -> None:
    shutil.rmtree(host.plugins)
    host.plugins.mkdir()
    host.put("ohif-viewer-3.6.2.jar", OLD)
    host.restart_all()
    calls.write_text("")


def killed(
    wanted: dict[str, Any], at: int, when: str, monkeypatch: pytest.MonkeyPatch, action: str = "install"
) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("KILL_AT", str(at))
        patched.setenv("KILL", when)
        process = begin(action, wanted)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == -9, said


def count_of(calls: Path) -> int:
    return len(calls.read_text().splitlines())


@pytest.mark.soak
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_upgrade_that_is_killed_anywhere_is_finished_by_the_next(
    host: XnatHost, calls: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    wanted = settings(host, NEW, "3.7.2")
    reset(host, calls)
    deploy("install", wanted)
    steps = count_of(calls)
    assert steps > 10
    for at in range(1, steps + 1, EVERY):
        reset(host, calls)
        killed(wanted, at, when, monkeypatch)
        PluginFolder(host.plugins, JAVA_8).load()  # it does not raise StartFailed
        assert set(host.jars().items()) <= {("ohif-viewer-3.6.2.jar", OLD), ("ohif-viewer-3.7.2.jar", NEW)}
        deploy("install", wanted)
        assert (host.jars(), host.loaded()) == ({"ohif-viewer-3.7.2.jar": NEW}, "3.7.2"), calls.read_text()
        assert [path.name for path in (host.plugins / ".xnat-aiaa" / "before").iterdir()] == [
            "ohif-viewer-3.6.2.jar.kept"
        ]
        assert deploy("install", wanted).endswith("nothing changed\n")


@pytest.mark.soak
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("action", ["undo", "restore"])
def test_what_goes_back_and_is_killed_anywhere_is_finished_by_the_next(
    host: XnatHost, calls: Path, monkeypatch: pytest.MonkeyPatch, action: str, when: str
) -> None:
    wanted = settings(host, NEW, "3.7.2")
    steps = None
    at = 1
    while steps is None or at <= steps:
        reset(host, calls)
        deploy("install", wanted)
        calls.write_text("")
        if steps is None:
            deploy(action, wanted)
            steps = count_of(calls)
            continue
        killed(wanted, at, when, monkeypatch, action)
        PluginFolder(host.plugins, JAVA_8).load()  # it does not raise StartFailed
        assert set(host.jars().items()) <= {("ohif-viewer-3.6.2.jar", OLD), ("ohif-viewer-3.7.2.jar", NEW)}
        if at % 2:  # another time, somebody thinks better of it
            deploy("install", wanted)
            assert (host.jars(), host.loaded()) == ({"ohif-viewer-3.7.2.jar": NEW}, "3.7.2"), calls.read_text()
        deploy(action, wanted)
        assert (host.jars(), host.loaded()) == ({"ohif-viewer-3.6.2.jar": OLD}, "3.6.2"), calls.read_text()
        at += EVERY


@pytest.mark.soak
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_way_back_that_is_killed_anywhere_is_finished_by_the_next(
    host: XnatHost, calls: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    wanted = settings(host, BROKEN, "3.8.0")
    reset(host, calls)
    with pytest.raises(Failed):
        deploy("install", wanted)
    for at in range(1, count_of(calls) + 1, EVERY):
        reset(host, calls)
        killed(wanted, at, when, monkeypatch)
        assert len(host.jars()) <= 1, calls.read_text()
        with pytest.raises(Failed):
            deploy("install", wanted)
        assert (host.jars(), host.loaded()) == ({"ohif-viewer-3.6.2.jar": OLD}, "3.6.2"), calls.read_text()


@pytest.mark.soak
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_restart_alone_that_is_killed_anywhere_is_finished_by_the_next(
    host: XnatHost, calls: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """As for a new node: no change is open that could be undone."""
    wanted = settings(host, NEW, "3.7.2")
    reset(host, calls)
    deploy("install", wanted)
    deploy("confirm", wanted)
    loaded = host.plugins / ".xnat-aiaa" / "loaded"
    on_this_machine = next(loaded.iterdir())
    on_this_machine.unlink()
    calls.write_text("")
    deploy("install", wanted)
    for at in range(1, count_of(calls) + 1, EVERY):
        on_this_machine.unlink()
        calls.write_text("")
        killed(wanted, at, when, monkeypatch)
        deploy("install", wanted)
        assert (host.jars(), host.loaded()) == ({"ohif-viewer-3.7.2.jar": NEW}, "3.7.2"), calls.read_text()
        assert deploy("install", wanted).endswith("nothing changed\n")
