"""Where a Docker engine is: its address, and for TLS the folder of the client's certificate.

It follows what the docker CLI and Pulumi's docker provider have in common. Both read `DOCKER_HOST`, `DOCKER_CONTEXT`
and `DOCKER_CERT_PATH`; the CLI also `DOCKER_TLS_VERIFY` and `DOCKER_CONFIG`
(https://docs.docker.com/reference/cli/docker/#environment-variables).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from engines.errors import NoEngine

DEFAULT = "unix:///var/run/docker.sock"
_QUERY = "?cert_path="
_PORT, _TLS_PORT = 2375, 2376
# The docker CLI takes `http://` as `tcp://` without TLS. It also takes an address without a scheme, which the provider
# does not.
_SCHEMES = ("unix", "tcp", "ssh", "http")
_ANY_ADDRESS = "write unix:///SOCKET, tcp://HOST:PORT or ssh://[USER@]HOST[:PORT]"


@dataclass(frozen=True)
class EngineAddress:
    """
    Attributes:
        url: in the docker CLI's form: `unix://`, `tcp://` with a port, or `ssh://`.
        cert_path: the folder of `ca.pem`, `cert.pem` and `key.pem`; only for `tcp://`, which then uses TLS.
    """

    url: str
    cert_path: str | None = None

    @classmethod
    def of(cls, docker_host: str | None, env: Mapping[str, str] = os.environ) -> EngineAddress:
        """
        Args:
            docker_host: an address, or the `text` of one; None is the default engine, as the docker CLI and the docker
                provider find it.
            env: the environment variables.

        Raises:
            NoEngine: the address cannot be used, or `DOCKER_CONTEXT` cannot be used.
        """
        url, _, cert_path = (docker_host or _default(env)).partition(_QUERY)
        _require_address(url)
        if urlsplit(url).scheme != "tcp":
            return cls(url)
        found = unquote(cert_path) or None
        if not found and env.get("DOCKER_TLS_VERIFY"):
            found = env.get("DOCKER_CERT_PATH") or str(_config_folder(env))
        return cls(_with_port(url, _TLS_PORT if found else _PORT), found)

    @property
    def text(self) -> str:
        """The whole address as one text, to store or pass on; `of` reads it."""
        return self.url + (_QUERY + quote(self.cert_path, safe="/~") if self.cert_path else "")

    @property
    def docker_command(self) -> list[str]:
        """The docker CLI for this engine, as the first words of a command line."""
        tls = ["env", "DOCKER_TLS_VERIFY=1", f"DOCKER_CERT_PATH={self.cert_path}"] if self.cert_path else []
        return [*tls, "docker", "--host", self.url]

    @property
    def scheme(self) -> str:
        return urlsplit(self.url).scheme


def _require_address(url: str) -> None:
    """
    Raises:
        NoEngine: nobody can connect to it. The stack file's addresses are looked at before (`settings`).
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:  # whose words may show a password of the address
        raise NoEngine("the address in DOCKER_HOST is wrong: it cannot be read", _ANY_ADDRESS) from None
    if parts.password is not None:
        raise NoEngine("the address in DOCKER_HOST has a password, which no engine takes", "leave it out")
    where = parts.path if parts.scheme == "unix" else parts.hostname
    if parts.scheme not in _SCHEMES or "://" not in url or not where:
        raise NoEngine("the address in DOCKER_HOST is not one of a Docker engine", _ANY_ADDRESS)


def _default(env: Mapping[str, str]) -> str:
    host, context = env.get("DOCKER_HOST"), env.get("DOCKER_CONTEXT")
    if host and context:
        # The docker CLI takes the former, the provider the latter.
        raise NoEngine("DOCKER_HOST and DOCKER_CONTEXT are both set, and may name two engines", "unset one of them")
    return _of_context(context, _config_folder(env)) if context else host or DEFAULT


def _config_folder(env: Mapping[str, str]) -> Path:
    try:
        return Path(env.get("DOCKER_CONFIG") or Path.home() / ".docker")
    except RuntimeError:
        raise NoEngine("this user has no home folder, where Docker's configuration is", "set DOCKER_CONFIG") from None


def _of_context(name: str, config: Path) -> str:
    """The address of a context of the docker CLI
    (https://github.com/docker/cli/blob/master/cli/context/store/doc.go)."""
    digest = sha256(name.encode()).hexdigest()
    try:
        context = json.loads((config / "contexts" / "meta" / digest / "meta.json").read_bytes())
        host = str(context["Endpoints"]["docker"]["Host"])
    except FileNotFoundError:
        raise NoEngine(
            f"DOCKER_CONTEXT={name}: there is no such context in {config}", "`docker context ls` lists them"
        ) from None
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise NoEngine(f"DOCKER_CONTEXT={name} cannot be read: {error}", "set DOCKER_HOST instead") from None
    if (config / "contexts" / "tls" / digest).exists():
        raise NoEngine(
            f"DOCKER_CONTEXT={name} has certificates, which Pulumi's docker provider does not read from a context",
            "set DOCKER_HOST, DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH instead",
        )
    return host


def _with_port(url: str, port: int) -> str:
    parts = urlsplit(url)
    return url if parts.port or not parts.hostname else f"tcp://{parts.netloc.rstrip(':')}:{port}"
