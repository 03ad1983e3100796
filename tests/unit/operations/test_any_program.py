"""Whatever other programs print and the environment says, each command of `bin/aiaa` ends with words of its own."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenacity import wait_none

from operations import __main__ as command_line
from operations import forget, stack_file
from operations.checks import proxies, toolchain
from operations.errors import CommandFailed, UsageError
from operations.pulumi_cli import PulumiCli
from tests.support.odd_answers import json_values
from tests.unit.operations.test_forget import ALL, STATE

SERVERS = {"main": {"gpus": ["0"], "docker": "unix:///no/such/docker.sock", "url": "http://127.0.0.1:1"}}
XNAT = {"url": "http://127.0.0.1:1", "username": "svc", "password_env": "XNAT_PASSWORD"}
CONFIG = {
    "xnat-aiaa:servers": {"value": json.dumps(SERVERS), "objectValue": SERVERS, "secret": False},
    "xnat-aiaa:xnat": {"value": json.dumps(XNAT), "secret": False},
    "xnat-aiaa:registrations": {"value": '{"site": "main", "allow": ["loopback"]}', "secret": False},
}
PLUGINS = [{"name": "docker", "kind": "resource", "version": "5.1.1"}]
COMMANDS = [
    ["doctor"],
    ["doctor", "--json"],
    ["status", "--no-inference"],
    ["verify"],
    ["logs"],
    ["logs", "main"],
    ["forget", "main", "--yes"],
    ["forget", "xnat"],
    ["audit", "http://127.0.0.1:1", "-u", "x", "--password-env", "XNAT_PASSWORD"],
]


@pytest.fixture(scope="module", autouse=True)
def _no_pauses() -> Iterator[None]:
    """Once for all cases: nobody answers here, and a second try comes after a pause."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clients.transport.wait_random_exponential", lambda **_: wait_none())
        patch.setattr("clients.transport._POLL", 0.001)
        yield


def ended(args: list[str]) -> tuple[int, str]:
    """Exit code and complaint of a command, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), mock.patch.object(sys, "argv", ["x", *args]):
        try:
            code = command_line.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return code, err.getvalue()


def assert_it_has_words_of_its_own(args: list[str]) -> None:
    code, complaint = ended(args)
    assert code in (0, 1, 2)
    assert "Traceback" not in complaint
    assert "internal error" not in complaint, complaint


@contextlib.contextmanager
def cli_says(**said: str) -> Iterator[None]:
    """In place of bin/pulumi: what its commands say, by their first word."""
    sound = {
        "version": "v3.259.0\n",
        "plugin": json.dumps(PLUGINS),
        "config": json.dumps(CONFIG),
        "stack": json.dumps(STATE),
    }
    with mock.patch.object(PulumiCli, "run", lambda _self, *args, **_: {**sound, **said}[args[0]]):
        yield


def changed(document: Any, at: Any, new: Any) -> Any:
    other = copy.copy(document)
    other[at] = new
    return other


def mutated(document: Any) -> st.SearchStrategy[Any]:
    """The document with anything in the place of one of its values, at any depth."""
    choices: list[st.SearchStrategy[Any]] = [json_values]
    if isinstance(document, dict):
        choices += [mutated(value).map(partial(changed, document, key)) for key, value in document.items()]
        choices += [st.just({k: v for k, v in document.items() if k != key}) for key in document]
    if isinstance(document, list):
        choices += [mutated(value).map(partial(changed, document, at)) for at, value in enumerate(document)]
    return st.one_of(choices)


def printed(document: Any) -> st.SearchStrategy[str]:
    """What a program may print in the place of a JSON document."""
    return st.one_of(
        mutated(document).map(json.dumps),
        st.text(max_size=40),
        st.sampled_from(
            ["", "{", "[" * 100_000, '{"a":' * 990 + "1" + "}" * 990, "\ufeff{}", "NaN", "9" * 5000, "null"]
        ),
    )


@pytest.mark.soak
@given(
    st.sampled_from(["config", "stack", "plugin", "version"]).flatmap(
        lambda word: st.tuples(
            st.just(word),
            printed({"config": CONFIG, "stack": STATE, "plugin": PLUGINS, "version": "v1"}[word]),
        )
    ),
    st.sampled_from(COMMANDS[:8]),
)
def test_whatever_the_pulumi_cli_prints(said: tuple[str, str], command: list[str]) -> None:
    with cli_says(**dict([said])):
        assert_it_has_words_of_its_own([*command, "--stack", "tests"])


@pytest.mark.soak
@given(printed(STATE), st.sampled_from(["main", "xnat", "", "main2"]))
def test_whatever_a_state_holds_can_be_forgotten_or_is_named(said: str, what: str) -> None:
    with cli_says(stack=said), contextlib.suppress(CommandFailed, UsageError):
        state = forget.read_state(PulumiCli("tests"))
        found = forget.find(state, what)
        assert all(each.isprintable() for each in found.stays)
        json.dumps(forget.without(state, found.urns))


def test_the_state_that_is_changed_here_is_a_sound_one() -> None:
    assert len(forget._checked(json.loads(json.dumps(STATE)))["deployment"]["resources"]) == len(ALL)
    with cli_says():
        assert list(stack_file.load("tests").settings.servers) == ["main"]
        assert toolchain.check()


PROXIES = ["HTTP_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"]
OTHERS = [
    "AIAA_CALLED_FROM",
    "COLUMNS",
    "DOCKER_CERT_PATH",
    "DOCKER_CONFIG",
    "DOCKER_TLS_VERIFY",
    "HOME",
    "LANG",
    "LC_ALL",
    "NGC_CLI_HOME",
    "NGC_CLI_ORG",
    "NO_COLOR",
    "PULUMI_BACKEND_URL",
    "PULUMI_HOME",
    "PULUMI_STACK",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "TERM",
    "TMPDIR",
    "XNAT_AIAA_CACHE",
    "XNAT_AIAA_REQUESTS",
    "XNAT_PASSWORD",
]
# Nothing here names a host of the network: nobody is to be called, nor to be waited for.
values = st.one_of(
    st.sampled_from(
        [
            *(
                "",
                "0",
                "-5",
                "1",
                "garbage",
                "/nonexistent",
                "/dev/null",
                "a b",
                "*",
                "[::1",
                "http://[",
                "a\nb",
            ),
            *("http://127.0.0.1:99999999", "http://a:b@127.0.0.1:1", "socks9://127.0.0.1:1", "::::", "http://", "//"),
            *("127.0.0.1/99", ",,/,..", "http://127.0.0.1:1", "~nosuchuser/x", "\udcff", "x" * 5000, "M\u00fcller"),
        ]
    ),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5).map(lambda text: f"[{text}"),
)
environments = st.dictionaries(st.sampled_from([*PROXIES, *OTHERS]), values, max_size=4)


@pytest.mark.soak
@given(environments, st.sampled_from(COMMANDS))
def test_whatever_the_environment_says(environment: dict[str, str], command: list[str]) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in (*PROXIES, *OTHERS)}
    with mock.patch.dict(os.environ, {**kept, **environment}, clear=True), cli_says():
        assert_it_has_words_of_its_own(command)


@pytest.mark.soak
@given(st.dictionaries(st.sampled_from(PROXIES), values, max_size=3))
def test_whatever_the_proxy_variables_say_each_finding_is_one_line(environment: dict[str, str]) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in PROXIES}
    with mock.patch.dict(os.environ, {**kept, **environment}, clear=True):
        for finding in proxies.check(["http://127.0.0.1:5000", "https://[::1]:5000"]):
            assert finding.told


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("#!/bin/sh\nprintf '\\377\\376'\n", "did not print JSON"),
        ("#!/bin/sh\nprintf 'error: \\377\\033[31m' >&2; exit 1\n", "?[31m"),
        ("\x7fELF and nothing else", "cannot be run"),
        ("#!/no/such/shell\n", "cannot be run"),
        ("#!/bin/sh\nkill -9 $$\n", "said nothing"),
        ("#!/bin/sh\necho null\n", "NoneType"),
    ],
)
def test_a_broken_pulumi_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, message: str
) -> None:
    program = tmp_path / "pulumi"
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setattr("operations.pulumi_cli.PROGRAM", program)
    code, complaint = ended(["status", "--stack", "tests"])
    assert code == 1
    assert message in complaint
    assert len(complaint.splitlines()) == 1
    assert complaint.strip().isprintable()


@pytest.mark.parametrize("typed", ["", "\x04", "maybe\n"])
def test_an_input_that_ends_is_not_a_yes(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    with cli_says():
        assert ended(["forget", "main", "--stack", "tests"]) == (1, "")


def test_a_password_that_nobody_types_is_asked_for_in_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("getpass.getpass", nobody)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    code, complaint = ended(["audit", "http://127.0.0.1:1", "-u", "x"])
    assert code == 2
    assert "--password-file" in complaint
