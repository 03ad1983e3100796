"""Pulumi's command line is read as the CLI reads it, wherever its options stand."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from runs.cli_options import ALIASES, HIDDEN, WITH_VALUE, WITHOUT_VALUE, names
from runs.command_line import CommandLine

CLI = Path(__file__).parents[3] / ".toolchain" / "bin" / "pulumi"


@pytest.mark.parametrize(
    ("line", "changes", "stack"),
    [
        ("up", "up", None),
        ("update --yes", "up", None),
        ("up --stack dev --yes", "up", "dev"),
        ("--stack=dev up", "up", "dev"),
        ("-s dev destroy", "destroy", "dev"),
        ("down -sdev", "destroy", "dev"),
        ("dn -s=dev", "destroy", "dev"),
        ("refresh -s=organization/xnat-aiaa/dev", "refresh", "organization/xnat-aiaa/dev"),
        ("watch --path models", "up", None),
        ("up -m destroy", "up", None),
        ("-C /elsewhere up --target urn:a", "up", None),
        # Options of the CLI itself, before the command.
        ("--color never up", "up", None),
        ("--color=never up", "up", None),
        ("-v 3 up", "up", None),
        ("-v3 up", "up", None),
        ("-v=3 up", "up", None),
        ("-e up", "up", None),
        ("-e -Q -v 3 --cwd models --non-interactive destroy --yes", "destroy", None),
        ("--logtostderr --logflow -v 9 refresh", "refresh", None),
        ("--tracing file:trace up", "up", None),
        ("--tracing-header up up", "up", None),
        ("--otel-traces file://up --profiling up --memprofilerate 1 up", "up", None),
        ("--disable-integrity-checking up", "up", None),
        ("--emoji=false up", "up", None),
        # Of the command, before it: the CLI takes the next word for the value of an option that it does not know yet.
        ("--message down up", "up", None),
        ("-m destroy -s prod up", "up", "prod"),
        ("--yes=true up", "up", None),
        # One word of several letters.
        ("up -yfs prod", "up", "prod"),
        ("up -yfsprod", "up", "prod"),
        ("up -fyrs=prod", "up", "prod"),
        ("up -ym -sdev -sprod", "up", "prod"),
        # Values that look like options, and options that look like values.
        ("up --message --help", "up", None),
        ("up -m --stack=dev", "up", None),
        ("up -m -h -s prod", "up", "prod"),
        ("up --stack dev --stack prod", "up", "prod"),
        ("up --help=false", "up", None),
        ("up --refresh --stack prod", "up", "prod"),
        ("up -r -s prod", "up", "prod"),
        ("up --suppress-permalink --stack prod", "up", "prod"),
        ("up --exec-kind auto.local --stack prod", "up", "prod"),
        ("destroy -x up", "destroy", None),
        ("up --stack= ", "up", None),
        ("up --", "up", None),
    ],
)
def test_commands_that_change_a_stack_are_known_with_the_stack(line: str, changes: str, stack: str | None) -> None:
    found = CommandLine.of(line.split())
    assert (found.changes, found.stack) == (changes, stack)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "preview",
        "pre --refresh",
        "stack ls",
        "config set up x",
        "config set -s up up up",
        "up --help",
        "destroy -h",
        "destroy -yh",
        "-h up",
        "--help=true up",
        "--version",
        "help up",
        "-- up",
        "--color never -- up",
        "--color up",
        "-s up",
        "--yes up",
        "-ev 3 up",
        "up https://example.org/template",
        "up -- template",
        "- up",
        " up",  # an empty word before it: the CLI takes it for a template
        "up  -y",
        "destroy prod",
        "stack --stack up select up",
        "state rename up down",
    ],
)
def test_all_others_are_left_to_the_cli(line: str) -> None:
    assert CommandLine.of(line.split(" ") if line else []).changes is None


def test_words_and_options_of_subcommands_are_distinguished() -> None:
    args = "-C models stack -s one rm --force two --cwd examples -- three"
    line = CommandLine.of(args.split(" "))
    assert line.command == ("stack", "remove")
    assert line.words == ("two", "three")
    assert (line.stack, line.folder, line.has("force")) == ("one", "examples", True)


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("refresh", "refresh --more"),
        ("refresh -s x --", "refresh -s x --more --"),
        ("refresh -m -- -s x -- y", "refresh -m -- -s x --more -- y"),
    ],
)
def test_more_options_stand_where_the_cli_takes_them_for_options(line: str, whole: str) -> None:
    assert CommandLine.of(line.split()).with_options(["--more"]) == whole.split()


@pytest.fixture(scope="module")
def functions() -> dict[str, str]:
    """The installed CLI's own table of its commands and options: its completion script for bash, by command."""
    if not CLI.exists():
        pytest.skip("the Pulumi CLI is not installed: run `make toolchain`")
    script = subprocess.run([CLI, "gen-completion", "bash"], capture_output=True, text=True, check=True).stdout
    found = re.finditer(r"^_(pulumi[\w-]*)\(\)\n\{(.*?)^\}", script, re.MULTILINE | re.DOTALL)
    return {match[1].replace("_root_command", ""): match[2] for match in found}


@pytest.mark.parametrize("command", WITH_VALUE, ids=" ".join)
def test_the_installed_cli_has_the_same_commands_and_options(
    functions: dict[str, str], command: tuple[str, ...]
) -> None:
    message = functions["_".join(("pulumi", *command))]
    with_value = set(re.findall(r'two_word_flags\+=\("(.*)"\)', message))
    assert with_value == names(f"{WITH_VALUE[()]} {WITH_VALUE[command]}").keys()
    if command in WITHOUT_VALUE:
        without = set(re.findall(r' flags\+=\("([^"=]*)"\)', message)) - with_value
        known = names(f"{WITHOUT_VALUE[()]} {WITHOUT_VALUE[command]}").keys()
        assert without | {"--help", "-h", "--version"} == known | {"--version"}  # which are of every command
        aliases = dict(re.findall(r'aliashash\["(.*)"\]="(.*)"', message))
        ours = {name[-1]: of for name, of in ALIASES.items() if name[:-1] == command}
        assert ours == {alias: name for alias, name in aliases.items() if (*command, name) in WITH_VALUE}


def test_options_that_the_clis_help_does_not_list_take_a_value() -> None:
    if not CLI.exists():
        pytest.skip("the Pulumi CLI is not installed: run `make toolchain`")
    commands = {option: command for command, options in HIDDEN.items() for option in names(options)}
    for option, command in commands.items():
        args = [str(CLI), *(command or ("version",)), option]
        message = subprocess.run(args, capture_output=True, text=True, check=False).stderr
        assert f"flag needs an argument: {option}" in message
