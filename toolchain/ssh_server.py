"""An SSH server's program, which the tests of what is done on XNAT's host run on loopback, with keys of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from toolchain import apt, console
from toolchain.errors import SetUpError

_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"  # a user's PATH may lack it
_SYSTEMD = Path("/run/systemd/system")


def ensure() -> None:
    """It is there afterwards, or its absence is told: the tests that need it are skipped then, and say so."""
    if shutil.which("sshd", path=_PATH):
        console.say("sshd is there")
        return
    if not apt.can_install():
        console.say("No sshd, and no root to install it: tests over SSH are skipped (Debian: openssh-server)")
        return
    try:
        apt.install(["openssh-server", "busybox"], "An SSH server for the tests, and a small host's programs")
    except SetUpError as error:
        console.say(f"No sshd: tests over SSH are skipped: {error}")
        return
    if _SYSTEMD.exists():  # the package has the machine start it from now on, which nobody asked for
        command = ["systemctl", "disable", "--quiet", "ssh.service", "ssh.socket"]
        subprocess.run(command, capture_output=True, check=False)
