"""What dockerd leaves on the machine when it ends, outside its folders, and how the machine was before."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

from toolchain import layout, stamps

_BEFORE = layout.DOCKER / "before.json"
_FOLDERS = ("/opt/containerd", "/run/containerd", "/run/docker")
_KEY = Path("/etc/docker/key.json")
_BRIDGE = Path("/sys/class/net/docker0")
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_TABLES = [(program, table) for program in ("iptables", "ip6tables") for table in ("filter", "nat")]
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"  # a user's PATH may lack these


def remember() -> None:
    """Before the engine starts. Kept until `remove`: after a crash, its traces would look like the machine's own."""
    if not _BEFORE.exists():
        before = {
            "paths": [path for path in (*_FOLDERS, str(_KEY), str(_BRIDGE)) if Path(path).exists()],
            "forwarding": _FORWARDING.read_text(),
            "rules": [_rules(program, table) for program, table in _TABLES],
        }
        stamps.write(_BEFORE, json.dumps(before))


def remove() -> None:
    """After the engine has ended: what was not there before it started."""
    if not _BEFORE.exists():
        return
    before = json.loads(_BEFORE.read_text())
    for folder in _FOLDERS:
        if folder not in before["paths"]:
            shutil.rmtree(folder, ignore_errors=True)
    if str(_KEY) not in before["paths"]:
        with contextlib.suppress(OSError):  # there is none, or the folder has other things, which are not dockerd's
            _KEY.unlink()
            _KEY.parent.rmdir()
    if str(_BRIDGE) not in before["paths"] and _BRIDGE.exists():
        _run("ip", "link", "delete", _BRIDGE.name)
    for (program, table), rules in zip(_TABLES, before["rules"], strict=True):
        _remove_rules(program, table, rules)
    if _FORWARDING.read_text() != before["forwarding"]:
        _FORWARDING.write_text(before["forwarding"])
    _BEFORE.unlink()


def _remove_rules(program: str, table: str, before: list[str]) -> None:
    """Docker's rules, then its chains, then its policy of dropping what is forwarded. Other rules may be new too: they
    are somebody else's."""
    added = [shlex.split(line) for line in _rules(program, table) if line not in before]
    dockers = [
        words for words in added if any("DOCKER" in word or word.startswith(("docker0", "br-")) for word in words)
    ]
    for _, *rule in (words for words in dockers if words[0] == "-A"):
        _run(program, "-t", table, "-D", *rule)
    for _, chain in (words for words in dockers if words[0] == "-N"):
        _run(program, "-t", table, "-F", chain)
        _run(program, "-t", table, "-X", chain)
    if ["-P", "FORWARD", "DROP"] in added:
        _run(program, "-t", table, "-P", "FORWARD", "ACCEPT")


def _rules(program: str, table: str) -> list[str]:
    """As `-S` lists them; none where there is no such firewall."""
    return _run(program, "-t", table, "-S").splitlines()


def _run(program: str, *arguments: str) -> str:
    if not shutil.which(program, path=_PATH):
        return ""
    wait = ["--wait"] if "tables" in program else []  # for the lock that others may hold
    command = [program, *wait, *arguments]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env={**os.environ, "PATH": _PATH}
    ).stdout
