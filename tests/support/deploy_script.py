"""The scripts of `components/xnat_host` as Pulumi runs them, without Pulumi: one call is one deployment."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from components.viewer_plugin import _environment
from settings import ViewerPlugin

PROJECT = Path(__file__).parents[2]


class Failed(Exception):
    """The script ended with an error; the message is all that it said."""


def begin(action: str, settings: dict[str, Any], xnat_url: str = "http://none.invalid") -> subprocess.Popen[str]:
    """In a session of its own, so that it can be killed with all that it started here."""
    return subprocess.Popen(
        ["sh", "components/xnat_host/deploy.sh", action],
        cwd=PROJECT,
        env={**os.environ, **_environment(ViewerPlugin.model_validate(settings), xnat_url)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def deploy(action: str, settings: dict[str, Any], xnat_url: str = "http://none.invalid") -> str:
    """Gives what it said.

    Raises:
        Failed: it ended with an error.
    """
    process = begin(action, settings, xnat_url)
    said, _ = process.communicate(timeout=120)
    if process.returncode:
        raise Failed(said)
    return said
