"""A real `sshd` of the tests' own on loopback, with keys of its own, and the client's side of it in one file."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.free_port import free_port

_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"  # a user's PATH may lack it
_DEADLINE = 10  # seconds, for its start


@contextmanager
def ssh_server(folder: Path, *aliases: str, env: Mapping[str, str] | None = None) -> Iterator[Path]:
    """Gives a configuration for `ssh -F`, which knows the server by these names.

    Args:
        folder: for its files; made.
        env: of the commands that it runs.
    """
    sshd = shutil.which("sshd", path=_PATH)
    if not sshd or not shutil.which("ssh"):
        pytest.skip("needs sshd and ssh (Debian: openssh-server, openssh-client)")
    folder.mkdir(mode=0o700)
    for key in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
    port = free_port()
    kind, host_key, *_ = (folder / "host_key.pub").read_text().split()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {kind} {host_key}\n")
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host_key\nPidFile none\nStrictModes no\n"
        f"AuthorizedKeysFile {folder}/user_key.pub\nPasswordAuthentication no\nUsePAM no\nPermitRootLogin yes\n"
        # One line: of several, the first counts alone.
        + (" ".join(["SetEnv", *(f'"{name}={value}"' for name, value in env.items())]) if env else "")
    )
    config = folder / "ssh_config"
    config.write_text(
        f"Host {' '.join(aliases)}\n  HostName 127.0.0.1\n  Port {port}\n  User {pwd.getpwuid(os.getuid()).pw_name}\n"
        f"  IdentityFile {folder}/user_key\n  IdentitiesOnly yes\n  IdentityAgent none\n"
        f"  UserKnownHostsFile {folder}/known_hosts\n  GlobalKnownHostsFile none\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # compiled in; Debian's service makes it, and it is not used
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sshd, "-D", "-e", "-f", folder / "sshd_config"], stdout=log, stderr=log)
        try:
            _await(port, process, folder / "log")
            yield config
        finally:
            process.terminate()
            process.wait()


def path_with_ssh(config: Path) -> str:
    """A PATH whose `ssh` reads this configuration in place of the user's own, for what names no file to it."""
    folder = config.parent / "bin"
    folder.mkdir()
    (folder / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {config} "$@"\n')
    (folder / "ssh").chmod(0o755)
    return f"{folder}:{os.environ.get('PATH', os.defpath)}"


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _DEADLINE
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"sshd does not start: {log.read_text()}")
        time.sleep(0.02)
