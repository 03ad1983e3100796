"""`bin/aiaa`: exit codes, one line for an error, and what it reads of the stack."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from operations import __main__ as command_line
from operations import doctor, forget, pulumi_cli, stack_file
from operations.checks.finding import Finding
from operations.errors import CommandFailed
from operations.pulumi_cli import PulumiCli
from operations.stack_file import Stack
from settings import Settings

Run = Callable[..., tuple[int, str, str]]
PROJECT = Path(__file__).parents[3]
SERVERS = Stack("tests", Settings.parse({"servers": {"main": {}}}))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["bin/aiaa", *args])
        code = command_line.main()
        return (code, *capsys.readouterr())

    return run


def cli_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> None:
    """In place of bin/pulumi."""
    program = tmp_path / "pulumi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(pulumi_cli, "PROGRAM", program)


@pytest.mark.parametrize("args", [["no-such-command"], [], ["logs", "--lines", "0"], ["status", "--no-such-option"]])
def test_a_wrong_command_line_ends_with_2(run: Run, args: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(*args)
    assert ended.value.code == 2


def test_what_is_wrong_ends_with_1_and_what_is_not_with_0(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    findings = [Finding("ok", "a", "b"), Finding("warning", "c", "d")]
    monkeypatch.setattr(doctor, "examine", lambda _stack: iter(findings))
    assert run("doctor")[0] == 0
    findings.append(Finding("wrong", "e", "f: do this"))
    code, table, _ = run("doctor")
    assert code == 1
    assert [line.split() for line in table.splitlines()[1:4]] == [
        ["ok", "a", "b"],
        ["warning", "c", "d"],
        ["wrong", "e", "f:", "do", "this"],
    ]
    assert json.loads(run("doctor", "--json")[1]) == {
        "well": False,
        "findings": [
            {"level": "ok", "what": "a", "told": "b"},
            {"level": "warning", "what": "c", "told": "d"},
            {"level": "wrong", "what": "e", "told": "f: do this"},
        ],
    }


def test_an_error_of_pulumis_is_one_line_without_its_warnings(
    monkeypatch: pytest.MonkeyPatch, run: Run, tmp_path: Path
) -> None:
    cli_says(monkeypatch, tmp_path, "echo 'warning: old' >&2; echo 'error: no passphrase here' >&2; exit 255")
    code, said, complaint = run("status", "--stack", "tests")
    assert (code, said) == (1, "")
    assert complaint == "bin/aiaa status: bin/pulumi config --json --show-secrets: no passphrase here\n"


def test_an_unknown_stack_is_told_with_how_to_make_one(
    monkeypatch: pytest.MonkeyPatch, run: Run, tmp_path: Path
) -> None:
    cli_says(monkeypatch, tmp_path, "echo \"error: no stack named 'tests' found\" >&2; exit 255")
    assert "`bin/pulumi stack init NAME` makes one" in run("verify", "--stack", "tests")[2]


def test_settings_are_read_with_their_secrets_whatever_form_the_cli_gives_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = {
        "xnat-aiaa:servers": {"value": '{"main":{"gpus":[]}}', "objectValue": {}, "secret": False},
        "xnat-aiaa:xnat": {
            "value": '{"password":"tangerine-4711","url":"https://x.example.org","username":"a"}',
            "secret": True,
        },
        "other:key": {"value": "x", "secret": False},
    }
    (tmp_path / "told.json").write_text(json.dumps(told))
    cli_says(monkeypatch, tmp_path, f"cat {tmp_path}/told.json")
    stack = stack_file.load("organization/xnat-aiaa/tests")
    assert stack.name == "tests"
    assert stack.settings.xnat is not None
    assert stack.settings.xnat.read_password() == "tangerine-4711"
    assert stack.container("main", "aiaa") == "xnat-aiaa-tests-main-aiaa"


def test_a_wrong_stack_file_is_told_line_by_line_by_every_command(
    monkeypatch: pytest.MonkeyPatch, run: Run, tmp_path: Path
) -> None:
    told = {"xnat-aiaa:servers": {"value": '{"main":{"prot":1,"gpus":3}}', "secret": False}}
    (tmp_path / "told.json").write_text(json.dumps(told))
    cli_says(monkeypatch, tmp_path, f"cat {tmp_path}/told.json")
    code, _, complaint = run("logs", "--stack", "tests")
    assert code == 1
    assert complaint.startswith("bin/aiaa logs: Pulumi.tests.yaml\n")
    assert "servers.main.prot" in complaint
    assert "servers.main.gpus" in complaint


def test_an_unknown_server_ends_with_2_before_anything_is_shown(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.setattr(stack_file, "load", lambda _stack: SERVERS)
    assert run("logs", "mian") == (
        2,
        "",
        "bin/aiaa logs: there is no server mian in Pulumi.tests.yaml; its servers: main\n",
    )


def test_logs_of_a_dead_engine_and_a_dead_server_say_why_and_end_with_1(
    monkeypatch: pytest.MonkeyPatch, run: Run, tmp_path: Path
) -> None:
    server = {"docker": f"unix://{tmp_path}/none.sock", "url": "http://127.0.0.1:1"}
    monkeypatch.setattr(
        stack_file, "load", lambda _stack: Stack("tests", Settings.parse({"servers": {"main": server}}))
    )
    code, said, _ = run("logs")
    assert code == 1
    assert [line.partition(": its log cannot be read: ")[0] for line in said.splitlines()] == [
        "== server main: aiaa",
        "== server main: tritonserver",
    ]
    assert "connection failed" in said


def test_forget_does_nothing_that_nobody_agreed_to(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    urn = "urn:pulumi:tests::xnat-aiaa::xnat-aiaa:index:XnatRegistrations::xnat"
    state = {"deployment": {"resources": [{"urn": urn, "type": "xnat-aiaa:index:XnatRegistrations", "custom": False}]}}
    written: list[object] = []
    monkeypatch.setattr(forget, "read_state", lambda _cli: state)
    monkeypatch.setattr(forget, "write_state", lambda _cli, new: written.append(new))
    monkeypatch.setattr("builtins.input", lambda _prompt: "n")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    assert run("forget", "xnat", "--stack", "tests")[0] == 1
    assert written == []
    assert run("forget", "xnat", "--stack", "tests", "--yes")[0] == 0
    assert written == [{"deployment": {"resources": []}}]


def test_a_state_that_cannot_be_written_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cli_says(monkeypatch, tmp_path, "cat >/dev/null; echo 'error: the stack is currently locked' >&2; exit 255")
    with pytest.raises(CommandFailed, match="stack import: the stack is currently locked"):
        forget.write_state(PulumiCli("tests"), {})


def test_help_names_every_command() -> None:
    program = PROJECT / "bin" / "aiaa"
    if not (PROJECT / ".toolchain" / "bin" / "pulumi").exists():
        pytest.skip("bin/aiaa needs the Pulumi CLI: run `make toolchain`")
    said = subprocess.run([program, "--help"], capture_output=True, text=True, check=True, timeout=60).stdout
    assert {"doctor", "status", "verify", "logs", "forget"} <= set(said.split())


def test_an_interruption_waits_for_no_server(tmp_path: Path) -> None:
    """A server that takes the connection and never answers, and Ctrl-C."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        server = {"url": url, "docker": f"unix://{tmp_path}/none.sock"}
        told = {"xnat-aiaa:servers": {"value": json.dumps({"main": server}), "secret": False}}
        program = tmp_path / "pulumi"
        program.write_text(f"#!/bin/sh\necho '{json.dumps(told)}'\n")
        program.chmod(0o755)
        code = (
            "import pathlib, sys; from operations import __main__, pulumi_cli; "
            f"pulumi_cli.PROGRAM = pathlib.Path({str(program)!r}); sys.argv[1:] = ['status', '--stack', 'tests']; "
            "sys.exit(__main__.main())"
        )
        process = subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, stderr=subprocess.PIPE, text=True)
        silent.settimeout(60)
        connection, _ = silent.accept()
        with connection:
            process.send_signal(signal.SIGINT)
            _, complaint = process.communicate(timeout=10)  # the server has 15 s
    assert (process.returncode, complaint) == (130, "")
