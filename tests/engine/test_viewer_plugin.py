"""The viewer plugin by way of the real Pulumi engine, and of its command plugin or, where that cannot be had, a
stand-in for it; over a real sshd, to a host whose XNAT is a stand-in."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from tests.support import command_plugin
from tests.support.deployment import Begun, list_of
from tests.support.jars import JAVA_21, plugin_jar, viewer_jar
from tests.support.pulumi_stack import PulumiFailed, PulumiStack, pulumi_stack
from tests.support.xnat_host import PASSWORD, XnatHost, xnat_host

OLD, NEW = viewer_jar("3.6.2"), viewer_jar("3.7.2")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[XnatHost]:
    with xnat_host(tmp_path, options={"plugins_after": 1}) as made:
        made.put("ohif-viewer-3.6.2.jar", OLD)
        made.restart_all()
        yield made


def settings(host: XnatHost, aiaa: str, content: bytes = NEW, version: str = "3.7.2", **changes: Any) -> dict[str, Any]:
    """A stack that registers an AIAA server of somebody else's."""
    jar = host.folder.parent / "downloaded.jar"
    jar.write_bytes(content)
    changes = {"start_timeout": 6, **changes}
    return {
        "servers": {"main": {"runtime": "external", "url": aiaa}},
        "xnat": {"url": host.url[0], "username": "svc-aiaa", "password_env": "XNAT_PASSWORD"},
        "registrations": {"projects": {"LIVER": "main"}, "allow": ["cors", "preflight"]},
        "viewer_plugin": host.settings(version=version, jar=str(jar), **changes),
    }


@pytest.fixture
def aiaa(httpserver: HTTPServer) -> str:
    httpserver.expect_request("/v1/models").respond_with_json([])
    return httpserver.url_for("").removesuffix("/")


@pytest.fixture
def stack(host: XnatHost, aiaa: str) -> Iterator[PulumiStack]:
    env = {"XNAT_PASSWORD": PASSWORD, **command_plugin.environment()}
    with pulumi_stack(settings(host, aiaa), name="plugin", env=env) as made:
        yield made


def test_an_upgrade_is_announced_done_once_and_stays_when_the_stack_goes(
    host: XnatHost, aiaa: str, stack: PulumiStack
) -> None:
    command = host.restart_command
    announced = f"will restart (`{command}` on ssh://node0) unless it has ohif-viewer-3.7.2.jar already: the sess"
    assert announced in stack.run("preview")
    assert (host.loaded(), host.restarts) == ("3.6.2", [0])
    host.put("pacs-fat-1.0.jar", plugin_jar("pacs", has_etherj=True))
    assert "warning: viewer_plugin: pacs-fat-1.0.jar in" in stack.up()
    assert (host.loaded(), host.restarts) == ("3.7.2", [1])
    assert list_of(host.url[0], "LIVER") == [aiaa]
    assert stack.outputs()["xnat"]["viewer_plugin"] == "3.7.2"
    assert "will restart" not in stack.run("preview")
    stack.require_no_changes()
    stack.destroy()
    assert (host.loaded(), host.restarts) == ("3.7.2", [1])
    kept = [path for folder in (stack.folder.parent, host.folder) for path in folder.rglob("*") if path.is_file()]
    assert [path for path in kept if PASSWORD.encode() in path.read_bytes()] == []
    assert "ohif-viewer-3.7.2.jar" in host.jars()


def test_a_stack_that_is_told_so_takes_the_plugin_back(host: XnatHost, aiaa: str, stack: PulumiStack) -> None:
    stack.up()
    stack.configure(settings(host, aiaa, on_destroy="restore"))
    stack.up()
    assert (host.loaded(), host.restarts) == ("3.7.2", [1])  # under another name, it is the same resource
    assert "viewer-plugin-removal-restarts-xnat" in stack.run("destroy", "--preview-only")
    stack.destroy()
    assert (host.jars(), host.restarts) == ({"ohif-viewer-3.6.2.jar": OLD}, [2])
    until(lambda: host.loaded() == "3.6.2", "XNAT has the former plugin")


def test_an_xnat_that_does_not_come_back_fails_the_run_with_its_log_and_registers_nothing(
    host: XnatHost, aiaa: str, stack: PulumiStack
) -> None:
    stack.configure(settings(host, aiaa, viewer_jar("3.8.0", java=JAVA_21), "3.8.0"))
    with pytest.raises(PulumiFailed) as failed:
        stack.up()
    assert "ohif-viewer-3.8.0.jar: XNAT did not answer at http://localhost:8080 within" in failed.value.output
    assert "put back (ohif-viewer-3.6.2.jar), and XNAT came back with it" in failed.value.output
    assert "UnsupportedClassVersionError" in failed.value.output
    assert host.jars() == {"ohif-viewer-3.6.2.jar": OLD}
    until(lambda: host.loaded() == "3.6.2", "XNAT has the former plugin")
    assert list_of(host.url[0], "LIVER") == []
    stack.configure(settings(host, aiaa))
    stack.up()
    assert (host.loaded(), list_of(host.url[0], "LIVER")) == ("3.7.2", [aiaa])


def test_an_xnat_that_comes_back_without_the_viewer_is_undone_and_tried_again(
    host: XnatHost, aiaa: str, stack: PulumiStack
) -> None:
    stack.configure(settings(host, aiaa, plugin_jar("another")))
    announced = f"may restart (`{host.restart_command}` on ssh://node0), if ohif-viewer-3.7.2.jar is not in"
    for restarts in ([2], [4]):
        with pytest.raises(PulumiFailed) as failed:
            stack.up()
        assert "XNAT has no OHIF viewer plugin, only another: install version 3.0" in failed.value.output
        assert "was put back (ohif-viewer-3.6.2.jar), and XNAT came back with it" in failed.value.output
        assert (host.jars(), host.restarts) == ({"ohif-viewer-3.6.2.jar": OLD}, restarts)
        assert announced in stack.run("preview")
        assert list_of(host.url[0], "LIVER") == []
    stack.configure(settings(host, aiaa))
    stack.up()
    assert (host.loaded(), list_of(host.url[0], "LIVER")) == ("3.7.2", [aiaa])


def test_another_version_than_was_written_is_told_and_stays(host: XnatHost, aiaa: str, stack: PulumiStack) -> None:
    stack.configure(settings(host, aiaa, version="3.7.3"))
    with pytest.raises(PulumiFailed) as failed:
        stack.up()
    assert "it has loaded version 3.7.2 of the OHIF viewer plugin, not 3.7.3" in failed.value.output
    stack.configure(settings(host, aiaa))
    stack.up()
    assert (host.loaded(), host.restarts) == ("3.7.2", [1])


def test_a_run_that_is_killed_while_xnat_starts_is_finished_by_the_next(
    host: XnatHost, aiaa: str, stack: PulumiStack
) -> None:
    slow = f"sleep 3; {host.restart_command}"
    stack.configure(settings(host, aiaa, restart=slow))
    begun = Begun(stack, "up", "--yes", "--skip-preview")
    until(lambda: (host.plugins / "ohif-viewer-3.7.2.jar").exists(), "the jar is in place")
    cli = begun.cli()
    assert cli
    os.kill(cli, signal.SIGKILL)
    begun.end()
    stack.up()
    assert (host.jars(), host.loaded()) == ({"ohif-viewer-3.7.2.jar": NEW}, "3.7.2")
    assert list_of(host.url[0], "LIVER") == [aiaa]


def until(holds: Callable[[], bool], what: str, within: float = 60) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
