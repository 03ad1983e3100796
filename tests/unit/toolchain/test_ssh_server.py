"""The tests' SSH server comes once, by apt, where that is possible, and is nobody's service."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from toolchain import apt, ssh_server

Installed = list[list[str]]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Installed:
    """What apt was asked for, on a machine without sshd where it works."""
    asked: Installed = []

    def install(packages: Sequence[str], what: str) -> None:
        del what
        asked.append(list(packages))

    monkeypatch.setattr(ssh_server, "_PATH", "/nowhere")
    monkeypatch.setattr(ssh_server, "_SYSTEMD", Path("/nowhere"))
    monkeypatch.setattr(apt, "install", install)
    monkeypatch.setattr(apt, "can_install", lambda: True)
    return asked


def test_it_is_installed_where_it_is_missing(installed: Installed) -> None:
    ssh_server.ensure()
    assert installed == [["openssh-server", "busybox"]]


def test_one_that_is_there_is_taken(installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sshd").touch(0o755)
    monkeypatch.setattr(ssh_server, "_PATH", str(tmp_path))
    ssh_server.ensure()
    assert installed == []


def test_a_machine_that_cannot_have_it_is_told_and_goes_on(
    installed: Installed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(apt, "can_install", lambda: False)
    ssh_server.ensure()
    assert installed == []
    assert "tests over SSH are skipped" in capsys.readouterr().out
