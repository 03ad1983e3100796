"""Packages by apt: no service is started, and the machine's own policy is never touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.unit.toolchain.conftest import DEADLINE, Program, SetUp, read_until
from toolchain import apt, disk
from toolchain.errors import SetUpError


@pytest.fixture
def policy(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: ARG001
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(apt, "_POLICY", policy)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return policy


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    """What apt-get was called with, each with what the policy said then."""
    return tmp_path / "seen"


def apt_get(seen: Path, policy: Path, end: str = "exit 0") -> str:
    script = f'echo "${{@: -1}}: $(/bin/sh {policy} 2>/dev/null; echo $?)" >>{seen}\n'
    return f'{script}[ "${{@: -1}}" = update ] && exit 0\n{end}'


def test_services_are_kept_from_starting_while_packages_are_installed_and_no_longer(
    policy: Path, seen: Path, program: Program
) -> None:
    program("apt-get", apt_get(seen, policy))
    apt.install(["one", "two"], "A thing")
    assert seen.read_text() == "update: 2\ntwo: 101\n"
    assert not policy.exists()


def test_services_may_start_again_after_a_failure(policy: Path, seen: Path, program: Program) -> None:
    program("apt-get", apt_get(seen, policy, "echo 'E: Unable to locate package one'; exit 100"))
    with pytest.raises(SetUpError, match=r"^Installing one by apt failed: E: Unable to locate package one \(all "):
        apt.install(["one"], "A thing")
    assert not policy.exists()


def test_services_are_kept_from_starting_until_an_interrupted_apt_has_ended(
    set_up: SetUp, tmp_path: Path, seen: Path
) -> None:
    """apt lets dpkg finish what it is at, which may be a package with a service."""
    policy = tmp_path / "policy-rc.d"
    script = f"trap '/bin/sh {policy}; echo $? >{seen}; exit 100' INT; echo begun; sleep 600 & wait"
    code = f"""
apt._POLICY = Path({str(policy)!r})
def install(_):
    with apt._no_services():
        console.run(['bash', '-c', {script!r}], 'Installing')
main._STEPS['tools'] = install
"""
    process = set_up(code, "tools")
    assert read_until(process, "1 s: begun")
    process.terminate()
    process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    assert seen.read_text() == "101\n"
    assert not policy.exists()


def test_the_machines_own_policy_stays(policy: Path, seen: Path, program: Program) -> None:
    policy.write_text("#!/bin/sh\nexit 42\n")
    program("apt-get", apt_get(seen, policy))
    apt.install(["one"], "A thing")
    assert seen.read_text() == "update: 42\none: 42\n"
    assert policy.read_text() == "#!/bin/sh\nexit 42\n"


def test_a_policy_of_ours_that_a_killed_run_left_is_removed(policy: Path, seen: Path, program: Program) -> None:
    policy.write_text(apt._OURS)
    program("apt-get", apt_get(seen, policy))
    apt.install(["one"], "A thing")
    assert not policy.exists()


def test_who_is_not_root_is_told_what_to_install(
    policy: Path, seen: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("apt-get", apt_get(seen, policy))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    expected = "^A Docker engine needs docker.io iptables: install them, or run this as root on Debian or Ubuntu$"
    with pytest.raises(SetUpError, match=expected):
        apt.install(["docker.io", "iptables"], "A Docker engine")
    assert not seen.exists()


@pytest.mark.usefixtures("policy", "program")
def test_a_machine_without_apt_is_told_the_same() -> None:
    with pytest.raises(SetUpError, match=r"^A thing needs one: install them, or run this as root on Debian or Ubuntu$"):
        apt.install(["one"], "A thing")


def test_a_full_disk_is_told_before_apt_is_called(
    policy: Path, seen: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("apt-get", apt_get(seen, policy))
    monkeypatch.setattr(disk, "_GB", 10**18)
    with pytest.raises(SetUpError, match=r"^Installing one needs 1\.0 GB on the disk of /var, but 0\.0 GB are free$"):
        apt.install(["one"], "A thing")
    assert not seen.exists()
