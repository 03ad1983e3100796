"""The errors of ssh, TLS and system calls when there is no engine, and what to do about each."""

from __future__ import annotations

import re

from engines.address import EngineAddress
from engines.errors import NoEngine, cause, innermost

_START_IT = "start it, or fix the address (a server's docker, or DOCKER_HOST); `docker info` shows the same"
# Lines that ssh adds after the connection was closed: the reason is in the line before.
_AFTER_THE_REASON = re.compile(
    r"kex_exchange_identification: |banner exchange: |Connection closed by |Killed by signal"
)
_OF_SSH: tuple[tuple[str, str], ...] = (
    # What the remote side says comes first: its words may contain those of the second part.
    (
        r"docker: (command )?not found|docker: No such file|command not found: docker|[Uu]nknown command: docker",
        "install the docker CLI (18.09 or newer) on that host, where its non-interactive PATH has it",
    ),
    (
        r"'system dial-stdio'|is not a docker command|unknown command.*dial-stdio",
        "install a docker CLI of 18.09 or newer on that host",
    ),
    (
        r"permission denied while trying to connect to the [Dd]ocker|dial unix .*permission denied",
        "let that user use Docker there (`sudo usermod -aG docker USER`), or name another user in the address",
    ),
    (
        r"Cannot connect to the Docker daemon|failed to connect to the docker API|Is the docker daemon running",
        "start Docker on that host",
    ),
    (
        r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED",
        "check the host's key with its administrator, then add it to ~/.ssh/known_hosts (`ssh HOST` asks once)",
    ),
    (
        r"Permission denied|Too many authentication failures|No more authentication methods",
        "let this user log in with a key: `ssh -o BatchMode=yes HOST true` must work without a question",
    ),
    (r"Could not resolve hostname", "fix the host's name in the address or in ~/.ssh/config"),
    (
        r"before its greeting",
        "run this again when it is less busy, or raise MaxStartups in its sshd_config",
    ),
    (
        r"password has expired|Password change required",
        "log in there once by hand, as ssh does, and change that password",
    ),
    (r"Bad owner or permissions on", "make that file its owner's alone: `chmod 600 FILE`, and `chown` if need be"),
    (
        r"Unable to negotiate with",
        "allow for this host in ~/.ssh/config what it offers, or install a newer SSH server there",
    ),
    (
        r"Connection (reset|closed) by .* port",
        "see the SSH server's log there, and what may keep this machine out (a firewall, fail2ban, hosts.deny)",
    ),
    (r"connect to host|timed out", "check that the host runs, its SSH port and the firewalls"),
    (r"Bad configuration option|terminating, .* bad configuration", "fix ssh's configuration (~/.ssh/config)"),
)
_OF_TCP: tuple[tuple[str, str], ...] = (
    (
        r"HTTPS server",
        "the engine requires TLS: set servers.X.docker_cert_path, or set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH",
    ),
    (
        r"WRONG_VERSION_NUMBER|wrong version number|record layer failure|UNEXPECTED_MESSAGE",
        "that port does not speak TLS: use the port that does (usually 2376), or leave out the certificates",
    ),
    (
        r"certificate has expired|certificate verify failed: certificate is not yet valid",
        "the engine's own certificate is not valid now: renew it on its host",
    ),
    (
        r"[Hh]ostname mismatch|IP address mismatch|doesn't match",
        "the engine's certificate is for other names: use one of those in the address, or renew it with this one",
    ),
    (
        r"certificate verify failed",
        "the engine's certificate is not signed by the authority in {folder}/ca.pem: put the engine's authority there",
    ),
    (
        r"alert certificate required|CERTIFICATE_REQUIRED|alert unknown ca|UNKNOWN_CA|alert bad certificate"
        r"|BAD_CERTIFICATE|alert certificate expired|alert handshake failure",
        "the engine does not accept {folder}/cert.pem: it must be a client certificate of the engine's authority",
    ),
)
_CLOSED = re.compile(r"[Cc]onnection reset|[Cc]onnection aborted|closed connection|Broken pipe|EOF occurred")


def of_ssh(lines: list[str], error: BaseException, handled: BaseException | None = None) -> NoEngine:
    """
    Args:
        lines: what ssh wrote.
        error: what our side saw. handled: see `innermost`.
    """
    first, said = innermost(error, handled), cause(error, handled)
    if isinstance(first, FileNotFoundError):
        return NoEngine("there is no program ssh here", "install an SSH client (Debian: openssh-client)")
    reasons = [line for line in lines if not _AFTER_THE_REASON.match(line)] or lines
    for pattern, advice in _OF_SSH:
        for line in reversed(reasons):
            if re.search(pattern, line):
                return NoEngine(line, advice)
    if not (isinstance(first, (TimeoutError, ConnectionError)) or _CLOSED.search(said) or "timed out" in said):
        return NoEngine(
            f"{said}: nothing but the engine may write there",
            "make sure that a log-in without a terminal prints nothing (`ssh HOST true` shows it)",
        )
    return NoEngine(reasons[-1] if reasons else said, "`ssh HOST docker system dial-stdio` shows the same")


def of_tcp(address: EngineAddress, said: str) -> NoEngine:
    for pattern, advice in _OF_TCP:
        if re.search(pattern, said):
            return NoEngine(said, advice.format(folder=address.cert_path))
    if _CLOSED.search(said):
        if address.cert_path:
            return NoEngine(
                said,
                f"it may not accept {address.cert_path}/cert.pem: `docker --tlsverify -H ADDRESS info` tries the same",
            )
        return NoEngine(
            said,
            f"if it requires TLS, set servers.X.docker_cert_path, or set DOCKER_TLS_VERIFY=1; otherwise {_START_IT}",
        )
    return NoEngine(said, _START_IT)


def of_unix(said: str) -> NoEngine:
    if "ermission denied" in said:
        return NoEngine(said, "let this user use Docker (`sudo usermod -aG docker USER`, then log in again)")
    return NoEngine(said, _START_IT)
