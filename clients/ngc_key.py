"""The key for NVIDIA's NGC, from where its own tools take it."""

from __future__ import annotations

import configparser
import os
from dataclasses import dataclass, field
from pathlib import Path

from clients.errors import ClientError

# The names that NVIDIA's SDK knows (https://docs.ngc.nvidia.com/sdk/), in its order.
_VARIABLES = ("NGC_CLI_API_KEY", "NGC_API_KEY")


@dataclass(frozen=True)
class Key:
    """
    Attributes:
        org: the organization that the key's account acts for; "" if that is not known.
    """

    value: str = field(repr=False)
    org: str = ""


def find_key(explicit: str | None = None, env_name: str | None = None) -> Key | None:
    """The key: the explicit one, else an environment variable's, else the one that `ngc config set` has stored. None if
    there is none: NGC gives public models to guests.

    Args:
        explicit: a secret of the stack.
        env_name: the variable; by default NGC_CLI_API_KEY, then NGC_API_KEY.

    Raises:
        ClientError: `env_name` is not set, or the stored configuration cannot be read.
    """
    stored = _stored()
    org = os.environ.get("NGC_CLI_ORG") or stored.get("org", "")
    if explicit:
        return Key(explicit.strip(), org)
    if env_name and not os.environ.get(env_name):
        raise ClientError(f"the environment variable {env_name} is not set", advice="set it to the key for NGC")
    for name in (env_name,) if env_name else _VARIABLES:
        if value := os.environ.get(name, "").strip():
            return Key(value, org)
    return Key(stored["apikey"], org) if stored.get("apikey") else None


def _stored() -> dict[str, str]:
    """What `ngc config set` writes: an INI file, whose section CURRENT has `apikey` and `org`. It is in `.ngc` of the
    home folder, or of the one that NGC_CLI_HOME names."""
    home = os.environ.get("NGC_CLI_HOME")
    try:
        path = (Path(home).expanduser() if home else Path.home()) / ".ngc/config"
    except RuntimeError:  # a user without a home folder
        return {}
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, configparser.Error) as error:
        # Not the parser's words: they quote lines, and one of them is the key.
        why = error.strerror if isinstance(error, OSError) else "it is no INI file"
        raise ClientError(f"{path} cannot be read: {why}", advice="run `ngc config set` anew, or remove it") from None
    return dict(parser["CURRENT"]) if parser.has_section("CURRENT") else {}
