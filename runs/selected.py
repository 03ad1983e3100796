"""Which project and which stack a command line means, if it does not name them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from runs.state import PROJECT

_NAME = re.compile(r"""^["']?name["']?\s*:\s*["']?([\w.-]+)""", re.MULTILINE)


class NoStack(Exception):
    """No stack is selected; the message is the CLI's."""


def is_this_project(folder: Path) -> bool:
    """Whether the CLI finds this project there: its file is in the folder, or in one above it."""
    for place in (folder, *folder.parents):
        for name in ("Pulumi.yaml", "Pulumi.yml"):
            if (file := place / name).is_file():
                found = _NAME.search(file.read_text(encoding="utf-8", errors="replace"))
                return bool(found and found[1] == PROJECT)
    return False


def selected_stack(pulumi: str, env: Mapping[str, str], folder: Path) -> str:
    """
    Raises:
        NoStack: none is selected, or the CLI failed.
    """
    done = subprocess.run(
        [pulumi, "stack", "--show-name", "--non-interactive", "--color", "never", "--cwd", str(folder)],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env=env,
        check=False,
    )
    if done.returncode != 0 or not done.stdout.strip():
        lines = [line.strip().removeprefix("error: ") for line in done.stderr.splitlines() if line.strip()]
        raise NoStack(lines[0] if lines else "the CLI names no selected stack")
    return done.stdout.strip()
