"""Our ProxyCommand: it waits for an SSH server that turns connections away, and goes the user's own ways."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROXY = Path(__file__).parents[3] / "engines" / "ssh_proxy.py"
PLAIN = """
import os, socket, sys, threading
server = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def copy(source, target):
    while chunk := os.read(source, 65536):
        os.write(target, chunk)
    os._exit(0)
threading.Thread(target=copy, args=(0, server.fileno()), daemon=True).start()
copy(server.fileno(), 1)
"""
GREETING = b"SSH-2.0-OpenSSH_9.2\r\n"


@contextmanager
def server(*answers: bytes) -> Iterator[int]:
    """One answer for each connection, which is closed then; after the last of them, they echo."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for answer in answers:
                connection, _ = listening.accept()
                with connection:
                    connection.sendall(answer)
            connection, _ = listening.accept()
            with connection:
                connection.sendall(GREETING)
                while chunk := connection.recv(1 << 16):
                    connection.sendall(chunk)

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


def run(
    tmp_path: Path, host: str, port: int, config: str = "", patience: str = ""
) -> subprocess.CompletedProcess[bytes]:
    """As ssh runs it; what goes in is echoed by the server after its greeting.

    Args:
        config: what `ssh -G` says.
        patience: seconds, for a server that never greets.
    """
    folder = tmp_path / "bin"
    folder.mkdir()
    (tmp_path / "config").write_text(config)
    (tmp_path / "plain.py").write_text(PLAIN)
    # What is not a question for the configuration is `ssh -W [host]:port`: a connection through another host.
    (folder / "ssh").write_text(
        f'#!/bin/sh\necho "$*" >> {tmp_path}/ssh\n[ "$1" = -G ] && exec cat {tmp_path}/config\n'
        f"exec {sys.executable} -I {tmp_path}/plain.py {host} {port}\n"
    )
    (folder / "ssh").chmod(0o755)
    words: list[str | Path] = [sys.executable, "-I", PROXY]
    if patience:
        code = f"import runpy, sys; m = runpy.run_path({str(PROXY)!r}); m['main'].__globals__['_PATIENCE'] = {patience}"
        words = [sys.executable, "-I", "-c", code + "; sys.exit(m['main'](*sys.argv[1:]))"]
    env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "SHELL": "/bin/sh"}
    # The end of the input ends it, so that comes after the answer.
    process = subprocess.Popen(
        [*words, "me", "alias", host, str(port)],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"hello")
    process.stdin.flush()
    found = b""
    while len(found) < len(GREETING) + 5 and (chunk := os.read(process.stdout.fileno(), 1 << 16)):
        found += chunk
    _, errors = process.communicate()
    return subprocess.CompletedProcess(words, process.returncode, found, errors)


@pytest.mark.parametrize(
    "turned_away", [[], [b""], [b"Exceeded MaxStartups\r\n"], [b"", b"Exceeded MaxStartups\r\n", b"", b""]]
)
def test_it_tries_again_until_the_server_greets(tmp_path: Path, turned_away: list[bytes]) -> None:
    with server(*turned_away) as port:
        done = run(tmp_path, "127.0.0.1", port)
    assert (done.returncode, done.stdout, done.stderr) == (0, GREETING + b"hello", b"")
    assert (tmp_path / "ssh").read_text().splitlines() == [f"-G -l me -p {port} -- alias"]


def test_it_goes_through_the_users_own_proxy_command(tmp_path: Path) -> None:
    with server(b"") as port:
        words = f"echo %r %n %h %p %% %%h > {tmp_path}/words; exec {sys.executable} -I {tmp_path}/plain.py"
        config = f"proxycommand sh -c '{words} 127.0.0.1 {port}'\nport 1"
        # The outer address leads nowhere.
        done = run(tmp_path, "127.0.0.1", 1, config)
    assert (done.returncode, done.stdout) == (0, GREETING + b"hello")
    assert (tmp_path / "words").read_text() == "me alias 127.0.0.1 1 % %h\n"


@pytest.mark.parametrize(
    ("jumps", "words"),
    [
        ("gate", "-W [127.0.0.1]:{port} -- ssh://gate"),
        ("me@gate:2222", "-W [127.0.0.1]:{port} -- ssh://me@gate:2222"),
        ("first,me@[::1]:2222", "-J first -W [127.0.0.1]:{port} -- ssh://me@[::1]:2222"),
    ],
)
def test_it_goes_through_the_users_own_jumps(tmp_path: Path, jumps: str, words: str) -> None:
    with server() as port:
        done = run(tmp_path, "127.0.0.1", port, f"proxyjump {jumps}")
    inner = [line for line in (tmp_path / "ssh").read_text().splitlines() if "-W" in line]
    assert inner == [f"-o BatchMode=yes {words.format(port=port)}"]
    assert (done.returncode, done.stdout) == (0, GREETING + b"hello")


def test_a_server_that_never_greets_is_named_in_time(tmp_path: Path) -> None:
    with server(*[b""] * 50) as port:
        done = run(tmp_path, "127.0.0.1", port, patience="0.3")
    assert done.returncode == 255
    assert (
        f"ssh: connect to host 127.0.0.1 port {port}: Connection closed by the SSH server before"
        in done.stderr.decode()
    )


@pytest.mark.parametrize(
    ("host", "says"),
    [("127.0.0.1", "ssh: connect to host 127.0.0.1 port 1: Connection refused"), ("a.invalid", "Could not resolve")],
)
def test_a_failure_that_is_not_a_busy_server_is_reported_at_once(tmp_path: Path, host: str, says: str) -> None:
    done = run(tmp_path, host, 1)
    assert done.returncode == 255
    assert says in done.stderr.decode()
