"""A Docker engine of this project's own, for machines without one: `dockerd` with all its files in the tool cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from toolchain import apt, console, disk, engine_traces, layout, stamps
from toolchain.errors import SetUpError

HOST = layout.DOCKER / "host"  # where the engine answers while it runs; bin/pulumi reads it
_PID = layout.DOCKER / "dockerd.pid"
_LOG = layout.DOCKER / "dockerd.log"
_DATA = layout.DOCKER / "data"
_START = 60  # seconds, for dockerd to write its pid; it answers soon after
_STOP = 60  # seconds; it gives containers 10 of them
_LONGEST_SOCKET = 100  # bytes that a unix socket's path may have are 107, and dockerd's own are longer than ours

# A user's PATH may lack the folders of dockerd and iptables.
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def start() -> str:
    """Start it, unless it runs; gives its address. The caller waits until it answers.

    Raises:
        SetUpError: it cannot be installed or started here.
    """
    address = f"unix://{_socket()}"
    if pid() is None:
        _install()
        disk.need(5, "The Docker engine of this project, with the sandbox's image,", _DATA)
        console.say(f"Starting a Docker engine of this project's own (log: {_LOG})")
        _launch(address)
    stamps.write(HOST, address)
    return address


def stop() -> bool:
    """End the engine that `start` started, and no other; gives whether there was one.

    Raises:
        SetUpError: it does not end.
    """
    running = pid()
    if running is not None:
        console.say("Stopping this project's Docker engine")
        os.kill(running, signal.SIGTERM)
        _wait(lambda: pid() is None, _STOP, f"The Docker engine (process {running}) does not end; its log: {_LOG}")
    HOST.unlink(missing_ok=True)
    _PID.unlink(missing_ok=True)
    shutil.rmtree(_run_folder(), ignore_errors=True)
    if running is not None:  # of one that crashed, they wait for the next: by now they may be another engine's
        engine_traces.remove()
    return running is not None


def pid() -> int | None:
    """The process of our engine, if it runs. A pid alone may be another's by now: its command line must be ours too."""
    try:
        found = int(_PID.read_text())
        command = Path(f"/proc/{found}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return found if command[0].endswith(b"dockerd") and str(_PID).encode() in command else None


def log_end() -> str:
    lines = _LOG.read_text(errors="replace").splitlines() if _LOG.exists() else []
    return lines[-1] if lines else "it wrote no log"


def _install() -> None:
    missing = [
        package
        for program, package in (("dockerd", "docker.io"), ("iptables", "iptables"))
        if shutil.which(program, path=_PATH) is None
    ]
    if os.geteuid() != 0 or (missing and not apt.can_install()):
        raise SetUpError(
            "No Docker engine answers: install one (https://docs.docker.com/engine/install/) and start it, "
            "or set DOCKER_HOST, or run this as root on Debian or Ubuntu, and it brings its own"
        )
    if missing:
        apt.install(missing, "A Docker engine")


def _launch(address: str) -> None:
    layout.DOCKER.mkdir(parents=True, exist_ok=True)
    _run_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    engine_traces.remember()
    # Of one that crashed: dockerd takes any process of that number for itself, even one that has ended.
    _PID.unlink(missing_ok=True)
    command = ["dockerd", "--host", address, "--data-root", str(_DATA), "--exec-root", str(_run_folder() / "exec")]
    command += ["--pidfile", str(_PID)]
    with _LOG.open("wb") as log:
        # A session of its own: Ctrl-C here must not end it.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "PATH": _PATH},
            start_new_session=True,
            cwd="/",
        )
    _wait(
        lambda: pid() is not None or process.poll() is not None,
        _START,
        f"dockerd (process {process.pid}) does not get going; its log: {_LOG}",
    )
    if process.poll() is not None:
        raise SetUpError(f"dockerd ended at once: {log_end()} (its log: {_LOG})")


def _run_folder() -> Path:
    """For sockets. Their paths are limited, so a deep project has a folder elsewhere, named by the project's path."""
    inside = layout.DOCKER / "run"
    # dockerd's longest: exec/containerd/containerd-debug.sock
    if len(str(inside / "exec/containerd/containerd-debug.sock").encode()) <= _LONGEST_SOCKET:
        return inside
    name = hashlib.sha256(str(layout.PROJECT).encode()).hexdigest()[:12]
    return Path("/run") / f"xnat-aiaa-{name}"


def _socket() -> Path:
    return _run_folder() / "docker.sock"


def _wait(until: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        if time.monotonic() > deadline:
            raise SetUpError(otherwise)
        time.sleep(0.1)
