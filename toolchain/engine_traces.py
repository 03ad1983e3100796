"""What dockerd leaves outside its folders when it ends, and how the machine was before."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from toolchain import layout, stamps

_BEFORE = layout.DOCKER / "before.json"
_FOLDERS = ("/etc/docker", "/opt/containerd", "/run/containerd", "/run/docker")
_BRIDGE = Path("/sys/class/net/docker0")


def remember() -> None:
    """Before the engine starts. Kept until `remove`: after a crash, its traces would look like the machine's own."""
    if not _BEFORE.exists():
        stamps.write(_BEFORE, json.dumps([path for path in (*_FOLDERS, str(_BRIDGE)) if Path(path).exists()]))


def remove() -> None:
    """After the engine has ended: what was not there before it started."""
    if not _BEFORE.exists():
        return
    there_before = json.loads(_BEFORE.read_text())
    for folder in _FOLDERS:
        if folder not in there_before:
            shutil.rmtree(folder, ignore_errors=True)
    if str(_BRIDGE) not in there_before and _BRIDGE.exists():
        subprocess.run(["ip", "link", "delete", _BRIDGE.name], check=False, capture_output=True)
    _BEFORE.unlink()
