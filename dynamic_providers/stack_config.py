"""What a provider reads of the stack's configuration, as `configure` gives it: never a resource's inputs, so that no
secret stands in a resource's state, and a new one takes effect everywhere."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pulumi.dynamic import Config
from pydantic import BaseModel, RootModel

from dynamic_providers.boundary import ProviderError
from settings import Server, SettingsError
from settings.errors import validated

_M = TypeVar("_M", bound=BaseModel)


class _Servers(RootModel[dict[str, Any]]):
    """A server that is wrong does not affect the others."""


def server(config: Config, name: str) -> Server | None:
    """The server under `xnat-aiaa:servers.<name>`; None if there is none.

    Raises:
        ProviderError: `servers` is wrong. SettingsError: this server is wrong.
    """
    servers = part(config, "servers", _Servers)
    if servers is None or name not in servers.root:
        return None
    return validated(Server, servers.root[name], f"servers.{name}")


def part(config: Config, key: str, model: type[_M]) -> _M | None:
    """What stands under `xnat-aiaa:<key>`; None for nothing.

    Raises:
        ProviderError: it is not what belongs there.
    """
    raw = config.get(key)
    if raw is None:
        return None
    try:
        return validated(model, json.loads(raw) if isinstance(raw, str) else raw, key)
    except (ValueError, RecursionError):
        raise ProviderError(f"{key}: must hold keys and values; what stands there is neither that nor JSON") from None
    except SettingsError as error:
        raise ProviderError("; ".join(str(error).splitlines())) from None
