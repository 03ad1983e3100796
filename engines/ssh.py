"""Docker engines over SSH, as the docker CLI reaches them: the machine's own ssh runs `docker system dial-stdio` there.

(https://github.com/docker/cli/tree/master/cli/connhelper.) So keys, ports, aliases and jumps are those of ssh's
configuration. ssh gets one end of a pair of sockets. No code of ours runs between fork and exec, because a process that
uses gRPC does not survive that (https://github.com/grpc/grpc/issues/43055).
"""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3
from docker.transport.basehttpadapter import BaseHTTPAdapter

PROJECT = Path(__file__).parents[1]
# The state contains these, because the docker provider gets them too, so they do not depend on the machine. Paths are
# relative to the project's folder, in which Pulumi runs its plugins.
OPTIONS = (
    *("-o", "BatchMode=yes"),  # nobody can be asked for a password
    *("-o", "ProxyCommand=.venv/bin/python -I engines/ssh_proxy.py '%r' '%n' '%h' '%p'"),
)
_LAST_WORDS = 5.0  # seconds that ssh has to say why it ended


def command(url: str) -> list[str]:
    """The docker CLI's command line for an engine.

    Args:
        url: `ssh://[user@]host[:port][/path/of/the/socket]`.
    """
    parts = urlsplit(url)
    words = ["ssh"]
    if parts.username:
        words += ["-l", unquote(parts.username)]
    if parts.port:
        words += ["-p", str(parts.port)]
    host = [f"--host=unix://{unquote(parts.path)}"] if parts.path.strip("/") else []
    # On the host, a shell runs the command.
    remote = shlex.join(["docker", *host, "system", "dial-stdio"])
    return [*words, *OPTIONS, "-o", "ConnectTimeout=30", "-T", "--", _host(parts.netloc), remote]


def _host(netloc: str) -> str:
    """The host as it is written: ssh's aliases are case-sensitive, but `urlsplit` returns lower case."""
    return unquote(re.sub(r"^(.*@)?\[?(.*?)\]?(:\d*)?$", r"\2", netloc))


class SshAdapter(BaseHTTPAdapter):
    """For `requests`: HTTP to the engine, each connection by an ssh of its own."""

    def __init__(self, url: str, timeout: float) -> None:
        super().__init__()
        self._pool = _Pool(command(url), timeout)

    def get_connection_with_tls_context(self, *_args: Any, **_kwargs: Any) -> urllib3.HTTPConnectionPool:
        return self._pool

    def request_url(self, request: Any, proxies: Any) -> str:  # noqa: ARG002 - there is no proxy for ssh
        return str(request.path_url)

    def close(self) -> None:
        self._pool.close()

    def last_words(self) -> list[str]:
        """The lines that ssh wrote, after its last connection has ended; its exit code if it wrote none."""
        return self._pool.last.last_words() if self._pool.last else []


class _Pool(urllib3.HTTPConnectionPool):
    def __init__(self, words: list[str], timeout: float) -> None:
        super().__init__("localhost", timeout=timeout, maxsize=4)
        self._words, self._seconds = words, timeout
        self.last: _Connection | None = None

    def _new_conn(self) -> _Connection:
        self.last = _Connection(self._words, self._seconds)
        return self.last


class _Connection(urllib3.connection.HTTPConnection):
    def __init__(self, words: list[str], seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._words, self._seconds = words, seconds
        self._ssh: subprocess.Popen[bytes] | None = None
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the connection

    def connect(self) -> None:
        ours, its = socket.socketpair()
        with its:
            # In its own session ssh has no terminal: it asks nothing, and Ctrl-C reaches only Pulumi, which ends us.
            self._ssh = subprocess.Popen(
                self._words,
                stdin=its.fileno(),
                stdout=its.fileno(),
                stderr=self._said,
                cwd=PROJECT,
                start_new_session=True,
            )
        ours.settimeout(self._seconds)
        self.sock = ours

    def close(self) -> None:
        super().close()
        if self._ssh:
            self._end(self._ssh)

    def last_words(self) -> list[str]:
        if self._ssh is None:
            return []
        code = self._end(self._ssh)
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").splitlines()
        return [line.strip() for line in lines if line.strip()] or [f"ssh ended with exit code {code}"]

    def _end(self, ssh: subprocess.Popen[bytes]) -> int:
        """ssh ends by itself when our end of the sockets is closed, unless the network is gone."""
        try:
            return ssh.wait(_LAST_WORDS)
        except subprocess.TimeoutExpired:
            ssh.terminate()
            return ssh.wait()
