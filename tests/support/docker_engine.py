"""A Docker engine of the tests' own, which leaves nothing behind and never meets the machine's.

Two engines in one network namespace delete each other's port rules, so this one has a network namespace to itself; and
processes and mounts to itself too, so that whatever it started or mounted ends with it, even if it is killed.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import docker
import pytest

from tests.support.engine_certificates import Authority
from tests.support.tiny_image import tiny_image

T = TypeVar("T")

_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"  # a user's PATH may lack iptables and ip
_NVIDIA_HOOK = "nvidia-container-runtime-hook"
_DEADLINE = 30  # seconds, for the engine to start or to end

# dockerd and containerd also write to /etc/docker, /opt/containerd and /run/containerd, wherever else they are told to
# live: these writes go to memory and end with the engine.
_START = """
set -eu
mount -t tmpfs -o mode=0755 tmpfs "$1/engine"
for folder in etc opt run; do
  mkdir -p "$1/engine/$folder/upper" "$1/engine/$folder/work"
  mount -t overlay -o "lowerdir=/$folder,upperdir=$1/engine/$folder/upper,workdir=$1/engine/$folder/work" \
    overlay "/$folder"
done
ip link set lo up
exec dockerd --host "unix://$1/sock" --data-root "$1/engine/data" --exec-root "$1/engine/exec" \
  --pidfile "$1/engine/pid" --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$2" $3
"""
TLS_PORT = 2376


@dataclass(frozen=True)
class DockerEngine:
    """
    Attributes:
        host: where it answers, `unix://...`, as `DOCKER_HOST` and a stack file's `docker` have it.
        address: the engine's own, where this machine reaches ports that are published on it or on all addresses.
        client: for looking at what is there.
        pid: of the process that holds all the others.
        folder: its files; gone with it.
        client_certificates: of a client that may come by TLS, if it was started with that; `tls_host` is where.
    """

    host: str
    address: IPv4Address
    client: docker.DockerClient
    pid: int
    folder: Path

    @property
    def tls_host(self) -> str:
        return f"tcp://{self.address}:{TLS_PORT}"

    @property
    def client_certificates(self) -> Path:
        return self.folder / "client"

    def add_image(self, *names: str, scripts: dict[str, str] | None = None) -> None:
        """Give it a tiny image under these names, with a shell and the scripts (contents by absolute path)."""
        image_id = self.client.api.import_image_from_data(tiny_image(scripts or {}))
        image = self.client.images.get(image_id.strip().rpartition('"sha256:')[2][:64])
        for name in names:
            repository, _, tag = name.rpartition(":")
            image.tag(repository, tag)


@contextmanager
def private_docker_engine(*, nvidia_hook: bool, tls: bool = False) -> Iterator[DockerEngine]:
    """Start an engine, and end it with all that it made. Its images live in memory: keep them small.

    Args:
        nvidia_hook: have the engine believe that NVIDIA's Container Toolkit is installed. It looks for the toolkit's
            hook on its PATH once, when it starts; that the hook here does nothing, it cannot tell.
        tls: answer on the network too, to clients with a certificate only.

    Raises:
        RuntimeError: it does not start; with the last lines of its log.
    """
    _skip_without_means(nvidia_hook)
    name = f"xa-{secrets.token_hex(4)}"
    with ExitStack() as undo:
        # The folder's name is short: a socket's path may have 107 characters.
        folder = Path(undo.enter_context(TemporaryDirectory(prefix=f"{name}-")))
        (folder / "engine").mkdir()
        if nvidia_hook:
            hook = folder / "bin" / _NVIDIA_HOOK
            hook.parent.mkdir()
            hook.write_text("#!/bin/sh\nexit 0\n")
            hook.chmod(0o755)
        undo.callback(_remove_cgroups, name)
        # Of the range that is kept for tests of network devices (RFC 2544).
        here = IPv4Address("198.18.0.0") + 4 * secrets.randbelow(2**15) + 1
        process = _start(folder, name, undo, _tls_options(folder, here + 1) if tls else "")
        address = _connect(process, folder, name, here, undo)
        host = f"unix://{folder}/sock"
        client = _poll(f"the engine answers at {host}", lambda: _client(process, host, folder))
        undo.callback(client.close)
        yield DockerEngine(host, address, client, process.pid, folder)


def _skip_without_means(nvidia_hook: bool) -> None:
    if os.geteuid() != 0:
        pytest.skip("a Docker engine of the tests' own needs root")
    missing = [
        tool for tool in ("dockerd", "containerd", "runc", "iptables", "ip") if not shutil.which(tool, path=_PATH)
    ]
    if missing:
        pytest.skip(f"a Docker engine of the tests' own needs {', '.join(missing)} (Debian: docker.io, iptables)")
    if not nvidia_hook and shutil.which(_NVIDIA_HOOK, path=_PATH):
        pytest.skip("an engine without GPU support needs a machine without NVIDIA's Container Toolkit")


def _tls_options(folder: Path, address: IPv4Address) -> str:
    """Of dockerd: one word for each, without spaces."""
    authority = Authority()
    own = authority.folder(folder / "server", str(address))
    authority.folder(folder / "client")
    files = f"--tlscacert {own}/ca.pem --tlscert {own}/cert.pem --tlskey {own}/key.pem"
    return f"--host tcp://0.0.0.0:{TLS_PORT} --tlsverify {files}"


def _start(folder: Path, name: str, undo: ExitStack, options: str) -> subprocess.Popen[bytes]:
    """Start the engine as a grandchild: `unshare` is our child, and parent of the first process in the namespaces.

    `setpriv` has it end with the test run, in whatever way that ends.
    """
    log = undo.enter_context((folder / "log").open("wb"))
    process = subprocess.Popen(
        [
            *("setpriv", "--pdeathsig", "KILL"),
            *("unshare", "--net", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child"),
            *("sh", "-c", _START, "sh", str(folder), name, options),
        ],
        env={
            **os.environ,
            "PATH": f"{folder}/bin:{_PATH}",
            "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent",  # dockerd gives its rules to a firewalld that it finds
        },
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    undo.callback(_end, process)
    return process


def _require_alive(process: subprocess.Popen[bytes], folder: Path) -> None:
    if process.poll() is not None:
        last_words = (folder / "log").read_text(errors="replace").splitlines()[-5:]
        raise RuntimeError("the tests' own Docker engine ended at once:\n" + "\n".join(last_words))


def _connect(
    process: subprocess.Popen[bytes], folder: Path, name: str, here: IPv4Address, undo: ExitStack
) -> IPv4Address:
    """Lay a cable between this machine and the engine's network; gives the address of its far end."""
    ours, theirs = Path("/proc/self/ns/net"), Path(f"/proc/{process.pid}/ns/net")

    def has_network() -> bool:
        _require_alive(process, folder)
        return theirs.readlink() != ours.readlink()

    _poll("the engine has a network", has_network)
    inside = ["nsenter", "--target", str(process.pid), "--net"]
    _run("ip", "link", "add", name, "type", "veth", "peer", "name", "veth0", "netns", str(process.pid))
    undo.callback(_run, "ip", "link", "delete", name, check=False)  # it goes with the engine, but some time later
    _run("ip", "addr", "add", f"{here}/30", "dev", name)
    _run("ip", "link", "set", name, "up")
    _run(*inside, "ip", "addr", "add", f"{here + 1}/30", "dev", "veth0")
    _run(*inside, "ip", "link", "set", "veth0", "up")
    return here + 1


def _run(*command: str, check: bool = True) -> None:
    subprocess.run(command, check=check, env={**os.environ, "PATH": _PATH})


def _client(process: subprocess.Popen[bytes], host: str, folder: Path) -> docker.DockerClient | None:
    _require_alive(process, folder)
    try:
        return docker.DockerClient(base_url=host)  # which asks for the engine's version
    except docker.errors.DockerException:
        return None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the engine: it has nothing to save, and the kernel reports its end only after that of all its containers."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if process.poll() is None:
        for pid in children.read_text().split() or [str(process.pid)]:
            os.kill(int(pid), signal.SIGKILL)
        process.wait(_DEADLINE)


def _remove_cgroups(name: str) -> None:
    """The containers' control groups, the only thing that outlives them, with either version of control groups."""
    root = Path("/sys/fs/cgroup")

    def gone() -> bool:
        for top in (*root.glob(name), *root.glob(f"*/{name}")):
            for folder in sorted((top, *(p for p in top.rglob("*") if p.is_dir())), reverse=True):
                try:
                    folder.rmdir()
                except FileNotFoundError:
                    continue  # another name of one just removed: version 1 has cpu and cpuacct in one place
                except OSError:
                    return False  # its last process is on its way out
        return True

    _poll(f"the control groups {name} can be removed", gone)


def _poll(what: str, attempt: Callable[[], T | None]) -> T:
    """Try until there is a result that is not None or False."""
    deadline = time.monotonic() + _DEADLINE
    while not (result := attempt()):
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {_DEADLINE} s in vain until {what}")
        time.sleep(0.05)
    return result
