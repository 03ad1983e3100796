"""Pulumi's command plugin for tests: the real one where Pulumi has it, else a stand-in, which says that it is one."""

from __future__ import annotations

import os
from pathlib import Path

_PROJECT = Path(__file__).parents[3]
_INSTALLED = "resource-command-v*"


def environment() -> dict[str, str]:
    """What `bin/pulumi` needs in its environment to find one."""
    home = Path(os.environ.get("PULUMI_HOME", _PROJECT / ".toolchain" / "pulumi"))
    on_official_route = (_PROJECT / ".toolchain" / "route").read_text().strip() != "mirror"
    if on_official_route or any((home / "plugins").glob(_INSTALLED)):
        return {}
    return {"PATH": f"{os.environ['PATH']}:{Path(__file__).parent}"}
