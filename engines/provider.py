"""The configuration of Pulumi's docker provider, so that it reaches an engine in the same way as our own calls."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from engines import tls
from engines.address import EngineAddress
from engines.errors import NoEngine
from engines.ssh import OPTIONS

# For the provider, these variables go before the address that it gets; an empty value switches them off. If a variable
# is not set, no value is given, because all values are stored in the state.
_OVERRIDES = {"context": "DOCKER_CONTEXT", "cert_path": "DOCKER_CERT_PATH"}


def inputs(docker_host: str, env: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Keyword arguments of `pulumi_docker.Provider`: file names and options, no secrets.

    Args:
        docker_host: the engine's address, as `EngineAddress.of` reads it.
        env: the environment variables.
    """
    address = EngineAddress.of(docker_host, env)
    given: dict[str, Any] = {key: "" for key, variable in _OVERRIDES.items() if env.get(variable)}
    given["host"] = address.url
    if address.scheme == "ssh":
        given["ssh_opts"] = list(OPTIONS)
    if address.cert_path:
        given["cert_path"] = address.cert_path
    return given


def problem(docker_host: str | None, env: Mapping[str, str] = os.environ) -> str | None:
    """Why there can be no connection, or not the same one for the provider and for us; None if no problem is known yet.

    Args:
        docker_host: as `EngineAddress.of` reads it; None is the default engine, which the provider finds by itself.
        env: the environment variables.
    """
    try:
        address = EngineAddress.of(docker_host, env)
    except NoEngine as error:
        return f"{error}: {error.advice}"
    if docker_host is None:
        variable = env.get("DOCKER_CERT_PATH")
        if address.cert_path and not variable:
            return (
                "DOCKER_TLS_VERIFY is set without DOCKER_CERT_PATH, which Pulumi's docker provider needs: set it, too"
            )
        if variable and not address.cert_path:
            return (
                "DOCKER_CERT_PATH is set, with which Pulumi's docker provider uses TLS, and the engine "
                f"{address.url} has none: unset it, or set DOCKER_TLS_VERIFY=1 for a tcp:// engine with TLS"
            )
    return tls.problem(address.cert_path) if address.cert_path else None
