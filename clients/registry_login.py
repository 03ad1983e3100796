"""The log-in for a registry, as the docker CLI finds it, for an engine that pulls from there.

Sources: https://docs.docker.com/reference/cli/docker/login/ (`auths`, `credsStore`, `credHelpers`, DOCKER_CONFIG),
https://github.com/docker/cli (cli/config: DOCKER_AUTH_CONFIG, names of registries),
https://github.com/docker/docker-credential-helpers (the helpers' protocol),
https://docs.docker.com/reference/api/engine/ (X-Registry-Auth, which the engine is given).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients.errors import ClientError, one_line, shortened
from clients.image_name import DOCKER_HUB

_HUB_KEY = "https://index.docker.io/v1/"  # Docker's own registry in configuration files and to helpers
_TOKEN_USER = "<token>"  # noqa: S105 - a helper's user name that says that the secret is an identity token
_NOT_FOUND = "credentials not found"
_HELPER_TIMEOUT = 60  # seconds: a helper may ask a person, but there may be nobody to answer
_ADVICE = "run `docker login {registry}` again, or give registries.{registry} in the stack file"


@dataclass(frozen=True)
class Login:
    """
    Attributes:
        source: where it is from, as `registries.nvcr.io` or `/home/me/.docker/config.json`.
        auth: what the engine gets, with the keys of the Engine API's `AuthConfig`.
    """

    source: str
    auth: Mapping[str, str]

    def __repr__(self) -> str:
        """Without the secrets."""
        return f"Login({self.source!r})"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown, in each form in which a registry may echo it."""
        values = {self.auth.get(key, "") for key in ("password", "identitytoken", "registrytoken")} - {""}
        pair = f"{self.auth.get('username', '')}:{self.auth.get('password', '')}"
        return (*values, base64.b64encode(pair.encode()).decode()) if values else ()


def given(registry: str, username: str, password: str) -> Login:
    """The log-in that the stack file gives."""
    auth = {"username": username, "password": password, "serveraddress": _key_of(registry)}
    return Login(f"registries.{registry}", auth)


def of_docker(registry: str) -> Login | None:
    """The log-in that `docker login` left on this machine; None if it has none for this registry.

    Args:
        registry: as `clients.image_name` has it.

    Raises:
        ClientError: Docker's configuration cannot be read, or its helper program fails.
    """
    for source, config in _configurations():
        helper = _text(_mapping(config.get("credHelpers")).get(_key_of(registry))) or _text(config.get("credsStore"))
        if helper and (auth := _of_helper(helper, registry, source)):
            return Login(f"docker-credential-{helper} ({source})", auth)
        if auth := _of_file(_mapping(config.get("auths")), registry, source):
            return Login(source, auth)
    return None


def _key_of(registry: str) -> str:
    return _HUB_KEY if registry == DOCKER_HUB else registry


def _configurations() -> list[tuple[str, Mapping[str, Any]]]:
    """Each with its source, in the order in which they are searched."""
    found = []
    if text := os.environ.get("DOCKER_AUTH_CONFIG"):
        found.append(("DOCKER_AUTH_CONFIG", _parsed(text, "the environment variable DOCKER_AUTH_CONFIG")))
    folder = os.environ.get("DOCKER_CONFIG")
    path = (Path(folder) if folder else Path.home() / ".docker") / "config.json"
    try:
        found.append((str(path), _parsed(path.read_text("utf-8-sig"), str(path))))
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ClientError(
            f"Docker's configuration {path} cannot be read: {why}",
            advice="the user who runs this command needs to read it; DOCKER_CONFIG names another folder",
        ) from None
    return found


def _parsed(text: str, source: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text.strip() or "{}")
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ClientError(f"{source} is not a JSON document of Docker's configuration", advice="write it again")
    return document


def _of_file(auths: Mapping[str, Any], registry: str, source: str) -> dict[str, str] | None:
    entries = {key: entry for key, entry in auths.items() if isinstance(entry, dict)}
    key = _key_of(registry)
    named = key if key in entries else next((each for each in entries if _host(each) == _host(key)), None)
    if named is None:
        return None
    entry = entries[named]
    auth = {field: _text(entry.get(field)) for field in ("username", "password", "identitytoken", "registrytoken")}
    if packed := _text(entry.get("auth")):
        try:
            unpacked = base64.b64decode("".join(packed.split()), validate=True)
            auth["username"], colon, password = unpacked.decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            colon, password = "", ""
        if not colon:
            raise ClientError(
                f"the entry {named} in {source} holds no user name and password",
                advice=_ADVICE.format(registry=registry),
            )
        auth["password"] = password.rstrip("\0")
    auth = {field: value for field, value in auth.items() if value}
    # Beside a credential store, Docker keeps an empty entry.
    return {**auth, "serveraddress": key} if auth.keys() - {"username"} else None


def _host(key: str) -> str:
    """Of a key in `auths`, which may be a URL."""
    host = key.lower().removeprefix("https://").removeprefix("http://").partition("/")[0]
    return DOCKER_HUB if host == f"index.{DOCKER_HUB}" else host


def _of_helper(helper: str, registry: str, source: str) -> dict[str, str] | None:
    """What the program `docker-credential-HELPER` has; None if it has nothing for this registry."""
    key, program = _key_of(registry), f"docker-credential-{helper}"
    advice = f"make sure that `echo {key} | {program} get` works for this user, or correct {source}"
    tried = f"the log-in for {registry}: {program}, which {source} names,"
    try:
        done = subprocess.run(  # noqa: S603 - the program that Docker's configuration names, as Docker runs it
            [program, "get"], input=key, capture_output=True, text=True, timeout=_HELPER_TIMEOUT, check=False
        )
    except (FileNotFoundError, PermissionError):
        raise ClientError(f"{tried} is not a program on this machine's PATH", advice=advice) from None
    except subprocess.TimeoutExpired:
        raise ClientError(f"{tried} did not answer in {_HELPER_TIMEOUT} s", advice=advice) from None
    except (OSError, UnicodeDecodeError):
        raise ClientError(f"{tried} could not be run", advice=advice) from None
    if done.returncode != 0:
        said = done.stdout.strip() or done.stderr.strip() or "nothing"
        if _NOT_FOUND in said:
            return None
        words = f"ended with code {done.returncode} and said: {shortened(one_line(said))}"
        raise ClientError(f"{tried} {words}", advice=advice)
    try:
        answer = json.loads(done.stdout)
        user, secret = answer["Username"], answer["Secret"]
        if not (isinstance(user, str) and isinstance(secret, str)):
            raise TypeError
    except (ValueError, KeyError, TypeError):
        raise ClientError(f"{tried} gave an answer without Username and Secret", advice=advice) from None
    if not secret:
        return None
    if user == _TOKEN_USER:
        return {"identitytoken": secret, "serveraddress": key}
    return {"username": user, "password": secret, "serveraddress": key}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
