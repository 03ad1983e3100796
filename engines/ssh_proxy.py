"""The `ProxyCommand` of our connections over SSH: it waits for a busy server, while ssh itself would give up.

An sshd closes new connections at random while ten others have not logged in yet (`MaxStartups`,
https://man.openbsd.org/sshd_config#MaxStartups), before it sends its greeting. Whoever opens many connections at once,
as Pulumi's docker provider does, has to try again. ssh itself does not, so this does: it connects as ssh would have
(directly, or by the user's own ProxyJump or ProxyCommand), until there is a greeting, then forwards all data.

`python -I engines/ssh_proxy.py USER ALIAS HOST PORT`: ssh's tokens %r, %n, %h and %p. Pulumi's state has this command
(`engines.ssh.OPTIONS`): this file cannot move. It runs for each connection, so it imports little.
"""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time

_PATIENCE = 25.0  # seconds; the docker CLI's ConnectTimeout, which ssh counts meanwhile, is 30
_LONGEST_PAUSE = 1.0  # seconds
_BUSY = b"Exceeded MaxStartups"  # what newer sshds say before they close


class _Closed(Exception):
    """The connection was closed before a greeting."""


def main(user: str, alias: str, host: str, port: str) -> int:
    config = _config(user, alias, port)
    deadline = time.monotonic() + _PATIENCE
    pause = 0.05
    while True:
        try:
            server = _through(config, user, alias, host, port) or _directly(config, host, port)
            _await_greeting(server, deadline)
            break
        except _Closed as error:
            if time.monotonic() + pause > deadline:
                print(f"ssh: connect to host {host} port {port}: {error}", file=sys.stderr)
                return 255
            # Connections that were refused together must not try again together.
            time.sleep(random.uniform(0, pause))  # noqa: S311 - no secret
            pause = min(2 * pause, _LONGEST_PAUSE)
        except socket.gaierror as error:
            print(f"ssh: Could not resolve hostname {host}: {error.strerror}", file=sys.stderr)
            return 255
        except OSError as error:
            print(f"ssh: connect to host {host} port {port}: {error.strerror or error}", file=sys.stderr)
            return 255
    threading.Thread(target=_copy, args=(0, server.fileno()), daemon=True).start()
    _copy(server.fileno(), 1)
    return 0


def _config(user: str, alias: str, port: str) -> dict[str, str]:
    """The configuration of ssh for this host, without our ProxyCommand, which replaces the user's own."""
    done = subprocess.run(
        ["ssh", "-G", "-l", user, "-p", port, "--", alias],  # noqa: S607 - the ssh that called this
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = (line.partition(" ") for line in done.stdout.splitlines())
    return {key: value for key, _, value in lines if value != "none"}


def _through(config: dict[str, str], user: str, alias: str, host: str, port: str) -> socket.socket | None:
    """A connection through the user's own ProxyJump or ProxyCommand; None without either."""
    if jumps := config.get("proxyjump"):
        rest, _, last = jumps.rpartition(",")
        target = last.removeprefix("ssh://")
        command = ["ssh", "-o", "BatchMode=yes", *(["-J", rest] if rest else []), "-W", f"[{host}]:{port}"]
        return _child([*command, "--", f"ssh://{target}"])
    if own := config.get("proxycommand"):
        tokens = {"%": "%", "h": host, "n": alias, "p": port, "r": user}
        own = re.sub("%([%hnpr])", lambda found: tokens[found[1]], own)
        return _child([os.environ.get("SHELL") or "/bin/sh", "-c", f"exec {own}"])
    return None


def _child(command: list[str]) -> socket.socket:
    ours, its = socket.socketpair()
    with its:
        subprocess.Popen(command, stdin=its.fileno(), stdout=its.fileno())  # ends when our end is closed
    return ours


def _directly(config: dict[str, str], host: str, port: str) -> socket.socket:
    family = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}.get(config.get("addressfamily", ""), socket.AF_UNSPEC)
    source = (config["bindaddress"], 0) if "bindaddress" in config else None
    failed: OSError = OSError(f"no address for {host}")
    for kind, type_, protocol, _, address in socket.getaddrinfo(host, port, family, socket.SOCK_STREAM):
        server = socket.socket(kind, type_, protocol)
        try:
            if source:
                server.bind(source)
            server.settimeout(_PATIENCE)
            server.connect(address)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return server
        except OSError as error:
            server.close()
            failed = error
    raise failed


def _await_greeting(server: socket.socket, deadline: float) -> None:
    """
    Raises:
        _Closed: there will be none.
        OSError: there is none in time.
    """
    server.settimeout(max(1.0, deadline - time.monotonic()))
    try:
        greeting = server.recv(len(_BUSY), socket.MSG_PEEK)
    except ConnectionError as error:
        greeting, why = b"", str(error.strerror)
    else:
        why = "Connection closed by the SSH server before its greeting: too many connections are not logged in yet"
    if not greeting or greeting == _BUSY:
        server.close()
        raise _Closed(why)
    server.settimeout(None)


def _copy(source: int, target: int) -> None:
    """Copy until either side ends. Then this process ends."""
    try:
        while chunk := os.read(source, 1 << 16):
            while chunk:
                chunk = chunk[os.write(target, chunk) :]
    except OSError:
        pass
    os._exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    sys.exit(main(*sys.argv[1:]))
