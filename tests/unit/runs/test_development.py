"""The published passphrase is for the development stack alone."""

from __future__ import annotations

import pytest

from runs.command_line import CommandLine
from runs.development import PASSPHRASE, passphrase


def given(line: str, selected: str | None, **env: str) -> str | None:
    return passphrase(CommandLine.of(line.split()), env, lambda: selected)


@pytest.mark.parametrize(
    "line",
    [
        "up",
        "update --yes",
        "--color never -v 3 up -fy",
        "preview --diff",
        "pre",
        "refresh",
        "destroy --remove",
        "config",
        "config set --path xnat-aiaa:xnat.password x --secret",
        "config set prod x",
        "config get prod",
        "stack",
        "stack export --file prod",
        "stack output --json",
        "stack rm",
        "cancel",
        "state rename a b",
    ],
)
def test_it_is_given_for_the_selected_stack_if_that_is_the_development_stack(line: str) -> None:
    assert given(line, "dev") == PASSPHRASE
    assert given(line, "organization/xnat-aiaa/dev") == PASSPHRASE
    assert given(line, "prod") is None
    assert given(line, None) is None


@pytest.mark.parametrize(
    "line",
    [
        "up --stack dev",
        "-s dev up",
        "up -ys dev",
        "up -ysdev",
        "stack init dev",
        "stack new organization/xnat-aiaa/dev",
        "stack create -s dev",
        "stack select dev --create",
        "stack rm dev",
        "cancel dev",
        "config -s dev set x y",
    ],
)
def test_it_is_given_for_the_development_stack_by_name_whichever_is_selected(line: str) -> None:
    assert given(line, "prod") == PASSPHRASE


@pytest.mark.parametrize(
    "line",
    [
        "up -s prod",
        "up -ysprod",
        "-s dev up -s prod",
        "stack init prod",
        "stack init dev --stack prod",
        "stack new prod",
        "stack create prod",
        "stack setup prod",
        "stack init",
        "stack select",
        "stack select prod --create",
        "stack rename prod",
        "stack rm prod",
        "stack migrate prod",
        "stack change-secrets-provider passphrase",
        "stack --output json new prod",
        "config copy --dest prod",
        "config cp -d prod",
        "state move --dest prod urn",
        "state mv --dest prod urn",
        "state upgrade",
        "cancel prod",
        "new python",
        "up https://example.org/template",
        "--cwd elsewhere up",
        "up -Celsewhere",
        "up -yC elsewhere",
        "config set x y --config-file Pulumi.prod.yaml",
        "stack init dev --copy-config-from prod",
        "login",
        "",
    ],
)
def test_it_is_not_given_where_another_stack_or_project_may_be_meant(line: str) -> None:
    assert given(line, "dev") is None


@pytest.mark.parametrize("name", ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"])
def test_it_takes_the_place_of_no_other(name: str) -> None:
    assert given("up", "dev", **{name: ""}) is None


def test_the_cli_is_not_asked_for_a_stack_that_is_named() -> None:
    def selected() -> str:
        raise AssertionError

    assert passphrase(CommandLine.of(["up", "-s", "dev"]), {}, selected) == PASSPHRASE
