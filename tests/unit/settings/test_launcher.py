"""A start command of one's own: what this project gives is refused in it, in every form, and must reach AIAA."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from components.clara_v4 import aiaa_command
from settings import Server, Settings, SettingsError
from settings.launcher import wrong


@pytest.mark.parametrize(
    "command",
    [
        "AIAA start",
        "start_aiaa.sh",
        "/opt/nvidia/medical/AIAA start --debug 1",
        "AIAA start --ssl true --ssl_cert_file /workspace/certs/clara.crt",
        "AIAA start --triton_http_port 9000 --triton_model_path=/workspace/triton_models",
        "env TMPDIR=/workspace/tmp AIAA start",
        "nice -n 5 AIAA start",
        "timeout -b 5 AIAA start",
        "/workspace/lib/run.sh -w fast -b",
        "sh /workspace/lib/run.sh",
        """sh -c 'exec AIAA start "$@"' aiaa""",
        """bash -euc 'umask 0; exec AIAA start --debug 1 "$@"' aiaa""",
        "/bin/sh -c 'AIAA start ${@}' x",
        "AIAA start -- ",
    ],
)
def test_a_command_without_our_options_that_passes_on_the_rest_is_accepted(command: str) -> None:
    assert wrong(command) == ""


@pytest.mark.parametrize(
    ("option", "key"),
    [
        ("--workspace", "set the key workspace"),
        ("--engine", "set the key engine"),
        ("--triton_ip", "remove it"),
        ("--triton_proto", "set the key triton.proto"),
        ("--triton_start_timeout", "set the key triton.start_timeout"),
        ("--triton_model_timeout", "set the key triton.model_timeout"),
        ("--triton_verbose", "set the key triton.verbose"),
        ("--admin_hosts", "set the key admin_hosts"),
    ],
)
@pytest.mark.parametrize(
    "form",
    [
        "AIAA start {} x",
        "AIAA start {}=x",
        "AIAA start '{}' x",
        "AIAA {} x start",
        "env A=1 start_aiaa.sh {}=x --debug 1",
        "/workspace/lib/run.sh {} x",
        "sh -c 'AIAA start {} x'",
        """sh -c 'cd /; exec AIAA start {}=x "$@"' aiaa""",
        """bash -lc "AIAA start \\"{}\\" x" """,
    ],
)
def test_each_option_of_ours_is_refused_with_what_to_set_instead(option: str, key: str, form: str) -> None:
    message = wrong(form.format(option))
    assert message.startswith(f"must not give {option}, which this project sets")
    assert message.endswith(key)


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("AIAA start --engine AIAA --workspace /w", ["--engine", "--workspace"]),
        ("AIAA start --eng AIAA", ["--eng"]),
        ("AIAA start --triton_v=1", ["--triton_v"]),
        ("AIAA start -w /workspace2", ["-w"]),
        ("AIAA start -w/workspace2", ["-w"]),
        ("AIAA start -w=/workspace2", ["-w"]),
        ("AIAA start -b", ["-b"]),
        ("AIAA start -bw /workspace2", ["-w", "-b"]),
        ("sh -c 'AIAA start -b -w /workspace2'", ["-b", "-w"]),
    ],
)
def test_short_and_shortened_options_are_refused_too_and_all_at_once(command: str, options: list[str]) -> None:
    assert [part.split()[3].rstrip(",") for part in wrong(command).split("; ")] == options


@pytest.mark.parametrize(
    "command",
    [
        "sh -c 'AIAA start'",
        """sh -c 'AIAA start "$@"'""",
        "bash -c 'exec AIAA start --debug 1' aiaa",
        "/usr/bin/env bash -ec start_aiaa.sh",
    ],
)
def test_a_script_that_does_not_pass_on_the_added_options_is_refused(command: str) -> None:
    assert wrong(command) == (
        """must pass on the options that this project adds: write it as sh -c 'exec AIAA start "$@"' aiaa"""
    )


@pytest.mark.parametrize(
    "command", ["cd /workspace && AIAA start", "umask 0; AIAA start", "AIAA start > log", "AIAA start 2>&1 | tee log"]
)
def test_a_shells_operators_would_be_words_of_the_command_and_are_refused(command: str) -> None:
    assert wrong(command).startswith(
        "must be one command, without the shell characters ; & | < >: write a script as sh -c "
    )


def test_every_option_that_is_added_is_known_here() -> None:
    command = aiaa_command(Server(admin_hosts="10.0.0.5")).rpartition("&&")[2]
    added = [word for word in shlex.split(command) if word.startswith("--")]
    assert len(added) == 8
    for option in added:
        assert wrong(f"AIAA start {option} x") != ""


def test_the_key_in_the_stack_file_is_reported() -> None:
    server: dict[str, Any] = {"launcher": "AIAA start --engine AIAA"}
    with pytest.raises(SettingsError) as failed:
        Settings.parse({"servers": {"main": server}})
    assert str(failed.value) == (
        "servers.main.launcher: must not give --engine, which this project sets: remove it, and set the key engine"
    )
