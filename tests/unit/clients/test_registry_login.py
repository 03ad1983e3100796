"""Log-ins for registries, found as the docker CLI finds them."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clients import registry_login
from clients.errors import ClientError
from clients.registry_login import of_docker

KEY = "ngc-key-4711"
HUB = "https://index.docker.io/v1/"
Configure = Callable[..., Path]


def packed(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Writes Docker's configuration; gives its path."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_AUTH_CONFIG", raising=False)

    def write(**content: Any) -> Path:
        path = tmp_path / "config.json"
        path.write_text(json.dumps(content))
        return path

    return write


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts a program `docker-credential-NAME` on the PATH; the script has the registry that is asked for in $server."""
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    (tmp_path / "bin").mkdir()

    def write(name: str, script: str) -> None:
        path = tmp_path / "bin" / f"docker-credential-{name}"
        path.write_text(f'#!/bin/sh\n[ "$1" = get ] || exit 9\nserver=$(cat)\n{script}\n')
        path.chmod(0o755)

    return write


def auth_of(registry: str) -> dict[str, str]:
    login = of_docker(registry)
    assert login is not None
    return {key: value for key, value in login.auth.items() if key != "serveraddress"}


@pytest.mark.parametrize(
    ("registry", "entry"),
    [
        ("nvcr.io", "nvcr.io"),
        ("nvcr.io", "https://nvcr.io"),
        ("nvcr.io", "NVCR.io"),
        ("nvcr.io", "https://nvcr.io/v2/"),
        ("registry.example.org:5000", "registry.example.org:5000"),
        ("docker.io", HUB),
        ("docker.io", "docker.io"),
    ],
)
def test_what_docker_login_stored_is_found_by_the_registry_of_the_image(
    config: Configure, registry: str, entry: str
) -> None:
    path = config(auths={"other.example.org": packed("other", "x"), entry: packed("$oauthtoken", KEY)})
    assert auth_of(registry) == {"username": "$oauthtoken", "password": KEY}
    login = of_docker(registry)
    assert login is not None
    assert login.source == str(path)
    assert login.auth["serveraddress"] == (HUB if registry == "docker.io" else registry)


def test_a_registry_of_another_port_is_another_one(config: Configure) -> None:
    config(auths={"registry.example.org": packed("me", KEY)})
    assert of_docker("registry.example.org:5000") is None


def test_what_base64_wraps_and_what_stands_around_it_is_no_part_of_it(config: Configure, tmp_path: Path) -> None:
    auth = packed("$oauthtoken", KEY)["auth"]
    config(auths={"nvcr.io": {"auth": f"{auth[:8]}\n{auth[8:]}\n"}})
    assert auth_of("nvcr.io")["password"] == KEY
    (tmp_path / "config.json").write_text(" \n")
    assert of_docker("nvcr.io") is None


def test_a_password_may_hold_colons(config: Configure) -> None:
    config(auths={"nvcr.io": packed("me", "a:b:c")})
    assert auth_of("nvcr.io")["password"] == "a:b:c"


def test_an_identity_token_is_given_as_one(config: Configure) -> None:
    config(auths={"nvcr.io": {**packed("me", ""), "identitytoken": "token-1"}})
    assert auth_of("nvcr.io")["identitytoken"] == "token-1"


def test_without_a_configuration_there_is_no_login(config: Configure, tmp_path: Path) -> None:
    assert of_docker("nvcr.io") is None
    config()
    assert of_docker("nvcr.io") is None
    (tmp_path / "config.json").write_text("")
    assert of_docker("nvcr.io") is None


def test_an_empty_entry_as_beside_a_credential_store_is_not_a_login(config: Configure) -> None:
    config(auths={"nvcr.io": {}})
    assert of_docker("nvcr.io") is None


def test_the_default_place_is_the_home_folder(
    config: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCKER_CONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    path = config(auths={"nvcr.io": packed("me", KEY)})
    path.parent.joinpath(".docker").mkdir()
    path.rename(path.parent / ".docker" / "config.json")
    assert auth_of("nvcr.io") == {"username": "me", "password": KEY}


def test_a_configuration_in_a_variable_goes_first_and_the_file_has_the_rest(
    config: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    config(auths={"nvcr.io": packed("file", KEY), "other.example.org": packed("file", KEY)})
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps({"auths": {"nvcr.io": packed("variable", KEY)}}))
    assert auth_of("nvcr.io")["username"] == "variable"
    assert auth_of("other.example.org")["username"] == "file"


def test_a_helper_of_the_registry_is_asked_before_the_store(
    config: Configure, helper: Callable[[str, str], None]
) -> None:
    config(credsStore="all", credHelpers={"nvcr.io": "one"}, auths={"nvcr.io": packed("file", "x")})
    helper("one", 'echo "{\\"Username\\": \\"one@$server\\", \\"Secret\\": \\"s1\\"}"')
    helper("all", 'echo "{\\"Username\\": \\"all@$server\\", \\"Secret\\": \\"s2\\"}"')
    assert auth_of("nvcr.io") == {"username": "one@nvcr.io", "password": "s1"}
    assert auth_of("docker.io") == {"username": f"all@{HUB}", "password": "s2"}


def test_a_helper_that_has_an_identity_token_says_so_by_its_user(
    config: Configure, helper: Callable[[str, str], None]
) -> None:
    config(credsStore="all")
    helper("all", 'echo \'{"Username": "<token>", "Secret": "token-1"}\'')
    assert auth_of("nvcr.io") == {"identitytoken": "token-1"}


@pytest.mark.parametrize(
    "script",
    ["echo credentials not found in native keychain; exit 1", 'echo \'{"Username": "", "Secret": ""}\''],
)
def test_a_helper_without_an_entry_is_not_an_error(
    config: Configure, helper: Callable[[str, str], None], script: str
) -> None:
    config(credsStore="all")
    helper("all", script)
    assert of_docker("nvcr.io") is None


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (None, "is not a program on this machine's PATH"),
        ("echo the keychain is locked; exit 1", "ended with code 1 and said: the keychain is locked"),
        ("echo no gpg key >&2; exit 2", "ended with code 2 and said: no gpg key"),
        ("echo secret-in-no-json", "gave an answer without Username and Secret"),
        ('echo \'{"Username": null, "Secret": null}\'', "gave an answer without Username and Secret"),
        ("echo '[\"secret\"]'", "gave an answer without Username and Secret"),
    ],
)
def test_a_helper_that_fails_is_named_with_what_it_said_and_how_to_try_it(
    config: Configure, helper: Callable[[str, str], None], script: str | None, message: str
) -> None:
    path = config(credsStore="broken")
    if script is not None:
        helper("broken", script)
    with pytest.raises(ClientError) as failed:
        of_docker("nvcr.io")
    assert failed.value.line == (
        f"the log-in for nvcr.io: docker-credential-broken, which {path} names, {message}: make sure that "
        f"`echo nvcr.io | docker-credential-broken get` works for this user, or correct {path}"
    )


def test_a_helper_that_never_answers_is_not_waited_for_without_end(
    config: Configure, helper: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_login, "_HELPER_TIMEOUT", 0.2)
    config(credsStore="asks")
    helper("asks", "exec sleep 60")
    with pytest.raises(ClientError, match="did not answer in"):
        of_docker("nvcr.io")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not a JSON document of Docker's configuration"),
        ("[]", "is not a JSON document of Docker's configuration"),
        ('{"auths": {"nvcr.io": {"auth": "%%%"}}}', "holds no user name and password"),
        ('{"auths": {"nvcr.io": {"auth": "bm9jb2xvbg=="}}}', "holds no user name and password"),
    ],
)
def test_a_damaged_configuration_is_an_error_rather_than_no_login(
    config: Configure, content: str, message: str
) -> None:
    config().write_text(content)
    with pytest.raises(ClientError, match=message):
        of_docker("nvcr.io")


def test_invalid_values_in_a_configuration_are_not_a_login(config: Configure) -> None:
    invalid: list[Any] = [[], {"nvcr.io": "text"}, {"nvcr.io": None}, {"nvcr.io": {"auth": 7}}]
    for auths in invalid:
        config(auths=auths, credHelpers="text", credsStore=3)
        assert of_docker("nvcr.io") is None


def test_a_login_shows_its_secret_to_nobody(config: Configure) -> None:
    config(auths={"nvcr.io": packed("$oauthtoken", KEY)})
    for login in (of_docker("nvcr.io"), registry_login.given("nvcr.io", "$oauthtoken", KEY)):
        assert login is not None
        assert KEY not in repr(login)
        assert KEY in login.secrets
        assert packed("$oauthtoken", KEY)["auth"] in login.secrets
