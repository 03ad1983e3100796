"""The process that NVIDIA's SDK runs in: what it is given, and what is made of how it ends. No SDK is needed here."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clients.connection import Deadline
from clients.errors import Broken, ClientError, NotReady, Refused, Rejected, Unreachable
from clients.ngc_key import Key
from clients.ngc_process import URL, SdkProcess

Write = Callable[[str], None]

# Answers with what it was given: its environment, and the question.
ECHO = """exec "$PYTHON" -c 'import json, os, sys
json.dump({"answer": [dict(os.environ), sys.stdin.read()]}, sys.stdout)'"""


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Puts a shell script in the place of the SDK's process."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    monkeypatch.setenv("PYTHON", sys.executable)

    def write(script: str) -> None:
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))

    return write


def ask(url: str = URL, key: Key | None = None, ca_file: str | None = None, seconds: float = 30) -> Any:
    about = {"path": "nvidia/med/spleen"}
    return SdkProcess(url, key, ca_file).ask("files", about, Deadline(seconds), "nvidia/med/spleen:1")


def error(status: int | None, kind: str = "NgcAPIError", told: str = "said so") -> str:
    return f"echo '{json.dumps({'error': {'status': status, 'kind': kind, 'told': told}})}'"


def test_the_key_is_given_by_the_environment_and_goes_to_the_address_that_was_given(process: Write) -> None:
    process(ECHO)
    env, question = ask("https://ngc.example.org", Key("nvapi-secret", "hospital"), "/ca.pem")
    assert env["NGC_CLI_API_KEY"] == "nvapi-secret"
    assert env["NGC_CLI_ORG"] == "hospital"
    assert env["NGC_CLI_API_URL"] == env["NGC_CLI_AUTH_URL"] == "https://ngc.example.org"
    assert env["REQUESTS_CA_BUNDLE"] == "/ca.pem"
    assert "nvapi-secret" not in question


def test_nvidias_own_address_has_its_own_place_for_tokens(process: Write) -> None:
    process(ECHO)
    assert "NGC_CLI_AUTH_URL" not in ask(key=Key("k"))[0]


def test_a_guest_brings_no_key_and_no_switch_of_the_sdk_is_handed_on(
    process: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NGC_CLI_API_KEY", "NGC_API_KEY", "NGC_APP_KEY", "NGC_CLI_CURL_DEBUG", "NGC_CLI_HTTP_DEBUG"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("NGC_CLI_SEARCH_SERVICE_URL", "https://search.example.org")
    monkeypatch.setenv("NGC_CLI_HOME", "/home/of/the/user")
    process(ECHO)
    env = ask()[0]
    assert {name for name in env if name.startswith("NGC_")} == {
        "NGC_CLI_API_URL",
        "NGC_CLI_HOME",
        "NGC_CLI_SEARCH_SERVICE_URL",
        "NGC_CLI_TRACE_DISABLE",
        "NGC_MAX_REQUEST_ATTEMPTS",
    }
    assert env["NGC_CLI_HOME"] != "/home/of/the/user"
    assert not Path(env["NGC_CLI_HOME"]).exists()


@pytest.mark.parametrize(
    ("status", "kind", "expected", "advice"),
    [
        (401, "AuthenticationException", Refused, "mend the key"),
        (None, "AuthenticationException", Refused, "mend the key"),
        (403, "AccessDeniedException", Refused, "it is not for guests"),
        (404, "ResourceNotFoundException", Rejected, "bin/aiaa ngc list"),
        (412, "NgcAPIError", Rejected, "https://catalog.ngc.nvidia.com/orgs/nvidia/teams/med/models/spleen"),
        (429, "TooManyRequestsException", Rejected, "mend what it names"),
        (500, "InternalServerException", Broken, "check that this is the server's own address"),
        (503, "ServiceUnavailableException", NotReady, "wait"),
        (None, "NgcException", Unreachable, "check the address, the proxy"),
    ],
)
def test_each_refusal_says_what_to_do(
    process: Write, status: int | None, kind: str, expected: type[ClientError], advice: str
) -> None:
    process(error(status, kind))
    with pytest.raises(expected) as caught:
        ask()
    assert advice in caught.value.line


def test_who_has_a_key_is_told_to_see_its_rights(process: Write) -> None:
    process(error(403))
    with pytest.raises(Refused) as caught:
        ask(key=Key("k"))
    assert "see the rights of the key" in caught.value.line


@pytest.mark.parametrize("script", ["echo $NGC_CLI_API_KEY >&2; exit 1", error(500, told="nvapi-secret")])
def test_no_error_shows_the_key(process: Write, script: str) -> None:
    process(script)
    with pytest.raises(ClientError) as caught:
        ask(key=Key("nvapi-secret"))
    assert "nvapi-secret" not in caught.value.line


@pytest.mark.parametrize("script", ["echo 'KeyError: 0' >&2; exit 1", "echo nonsense", "kill -9 $$"])
def test_an_sdk_that_fails_is_told_on_one_line(process: Write, script: str) -> None:
    process(script)
    with pytest.raises(Broken, match="NVIDIA's SDK failed: ") as caught:
        ask()
    assert "\n" not in caught.value.line


def test_an_sdk_that_hangs_ends_in_time(process: Write) -> None:
    process("exec sleep 60")
    with pytest.raises(Unreachable, match="no answer in time"):
        ask(seconds=0.2)


def test_without_the_sdk_it_is_told_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ClientError) as caught:
        ask()
    assert "install it: .venv/bin/pip install -r requirements-ngc.in" in caught.value.line


@pytest.mark.parametrize("url", ["http://ngc.example.org", "ftp://127.0.0.1", "http://10.0.0.1"])
def test_nothing_is_asked_where_anybody_on_the_way_could_answer(process: Write, url: str) -> None:
    process(ECHO)
    with pytest.raises(ClientError, match="that is no https address"):
        ask(url)


def test_this_machines_own_loopback_is_for_guests_only(process: Write) -> None:
    process(ECHO)
    assert ask("http://127.0.0.1:8080")
    with pytest.raises(ClientError, match="that is no https address"):
        ask("http://127.0.0.1:8080", Key("k"))


def test_the_extra_and_its_requirements_name_one_version() -> None:
    project = Path(__file__).parents[3]
    wanted = (project / "requirements-ngc.in").read_text().splitlines()[1].split()[0]
    assert f'ngc = ["{wanted}"]' in (project / "pyproject.toml").read_text()
