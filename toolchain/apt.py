"""Packages of Debian and Ubuntu, with the user's own apt settings, and without starting the services in them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from toolchain import console, disk
from toolchain.errors import SetUpError

# Debian's way to say that a package's service must not be started when it is installed
# (https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt).
_POLICY = Path("/usr/sbin/policy-rc.d")
_OURS = "#!/bin/sh\n# Made by xnat-aiaa while it installs packages.\nexit 101\n"

_OPTIONS = ["-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::http::Timeout=10", "-o", "Acquire::https::Timeout=10"]


def can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: Sequence[str], what: str) -> None:
    """
    Args:
        what: the packages are for, to tell the user.

    Raises:
        SetUpError: no root, no apt, or apt failed.
    """
    if not can_install():
        raise SetUpError(f"{what} needs {' '.join(packages)}: install them, or run this as root on Debian or Ubuntu")
    disk.need(1, f"Installing {' '.join(packages)}", Path("/var"))
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    console.run(["apt-get", *_OPTIONS, "update"], "Updating apt's package lists", env=env)
    with _no_services():
        command = ["apt-get", *_OPTIONS, "install", "--yes", "--no-install-recommends", *packages]
        console.run(command, f"Installing {' '.join(packages)} by apt", env=env)


@contextmanager
def _no_services() -> Iterator[None]:
    if _POLICY.exists() and _POLICY.read_text() != _OURS:
        yield  # the machine's own policy, as containers have one
        return
    _POLICY.write_text(_OURS)
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
