"""The viewer plugin by way of the real Pulumi engine, and of its command plugin or, where that cannot be had, a
stand-in for it; over a real sshd, to a host whose XNAT is a stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import command_plugin
from tests.support.jars import viewer_jar
from tests.support.pulumi_stack import PulumiStack, pulumi_stack
from tests.support.xnat_host import PASSWORD, XnatHost, xnat_host

OLD, NEW = viewer_jar("3.6.2"), viewer_jar("3.7.2")
WILL_RESTART = (
    "will restart (`{command}` on ssh://node0) unless ohif-viewer-3.7.2.jar is in place already: the sessions"
)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[XnatHost]:
    with xnat_host(tmp_path, options={"plugins_after": 1}) as made:
        made.put("ohif-viewer-3.6.2.jar", OLD)
        made.restart_all()
        yield made


def settings(host: XnatHost, content: bytes = NEW, version: str = "3.7.2", **changes: Any) -> dict[str, Any]:
    """A stack that has an AIAA server of somebody else's, and registers it."""
    jar = host.folder.parent / "downloaded.jar"
    jar.write_bytes(content)
    return {
        "xnat": {"url": host.url[0], "username": "svc-aiaa", "password_env": "XNAT_PASSWORD"},
        "viewer_plugin": host.settings(version=version, jar=str(jar), **changes),
    }


@pytest.fixture
def stack(host: XnatHost) -> Iterator[PulumiStack]:
    env = {"XNAT_PASSWORD": PASSWORD, **command_plugin.environment()}
    with pulumi_stack(settings(host), name="plugin", env=env) as made:
        yield made


def test_an_upgrade_is_announced_done_once_and_stays_when_the_stack_goes(host: XnatHost, stack: PulumiStack) -> None:
    assert WILL_RESTART.format(command=host.restart_command) in stack.run("preview")
    assert (host.loaded(), host.restarts) == ("3.6.2", [0])
    stack.up()
    assert (host.loaded(), host.restarts) == ("3.7.2", [1])
    assert stack.outputs()["xnat"]["viewer_plugin"] == "3.7.2"
    assert "will restart" not in stack.run("preview")
    stack.require_no_changes()
    stack.destroy()
    assert (list(host.jars()), host.loaded(), host.restarts) == (["ohif-viewer-3.7.2.jar"], "3.7.2", [1])
