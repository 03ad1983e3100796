"""What a run reads of a stack's state."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from runs.state import Cli, Container, State, StateFailed, in_words
from tests.support.odd_answers import json_values

STACK = "urn:pulumi:dev::xnat-aiaa::"
ENGINE = f"{STACK}pulumi:providers:docker::gpu1-engine"


def resource(kind: str, name: str, id_: str, /, **outputs: Any) -> dict[str, Any]:
    type_ = f"docker:index/{kind}:{kind.capitalize()}"
    urn = f"{STACK}xnat-aiaa:index:ClaraV4${type_}::{name}"
    return {"urn": urn, "type": type_, "id": id_, "outputs": outputs, "provider": f"{ENGINE}::4711"}


@pytest.fixture
def exported() -> dict[str, Any]:
    aiaa = resource("container", "gpu1-aiaa", "a1", name="xnat-aiaa-dev-gpu1-aiaa", mustRun=True)
    prepare = resource("container", "gpu1-prepare", "a2", name="xnat-aiaa-dev-gpu1-prepare", mustRun=False)
    return {
        "version": 3,
        "deployment": {
            "resources": [
                {"urn": ENGINE, "type": "pulumi:providers:docker", "inputs": {"host": "ssh://gpu1"}, "id": "4711"},
                aiaa,
                prepare,
                resource("network", "gpu1-aiaa", "n1"),
                {**resource("container", "gpu1-old", "a0"), "delete": True},
            ],
            "pending_operations": [{"resource": aiaa, "type": "updating"}],
        },
    }


def test_containers_are_known_with_their_engine_and_whether_they_should_run(exported: dict[str, Any]) -> None:
    state = State(exported)
    aiaa = f"{STACK}xnat-aiaa:index:ClaraV4$docker:index/container:Container::gpu1-aiaa"
    assert state.containers()[0] == Container(aiaa, "a1", "xnat-aiaa-dev-gpu1-aiaa", True, "ssh://gpu1")
    assert [container.must_run for container in state.containers()] == [True, False]
    assert state.engines() == {None, "ssh://gpu1"}
    assert set(state.ids("container")) == {"a1", "a2", "a0"}  # what is still to be deleted is known, too
    assert set(state.ids("network")) == {"n1"}


def test_operations_that_were_cut_off_are_told_and_dropped_and_nothing_else(exported: dict[str, Any]) -> None:
    state = State(exported)
    assert state.cut_off == ["updating Container gpu1-aiaa"]
    rest = state.without_cut_off()
    assert rest.pending == []
    assert rest.resources == state.resources
    assert rest.exported["version"] == 3
    assert state.pending  # the one that was read is as it was


def test_components_and_providers_alone_are_nothing_to_take_back(exported: dict[str, Any]) -> None:
    engine, *rest = exported["deployment"]["resources"]
    component = {"urn": f"{STACK}xnat-aiaa:index:Sandbox::sandbox", "type": "xnat-aiaa:index:Sandbox", "custom": False}
    alone = [{**engine, "custom": True}, component]
    assert State({"deployment": {"resources": alone}}).only_components
    assert State({"deployment": {}}).only_components
    assert not State({"deployment": {"resources": [*alone, {**rest[0], "custom": True}]}}).only_components


def test_a_stack_without_anything_has_a_state() -> None:
    state = State({"version": 3, "deployment": {}})
    assert (state.containers(), state.cut_off, state.engines()) == ([], [], {None})


def test_what_the_cli_says_against_it_is_told_in_one_line(tmp_path: Path) -> None:
    cli = tmp_path / "pulumi"
    cli.write_text("#!/bin/sh\necho 'warning: x' >&2\necho 'error: the stack is locked' >&2\necho more >&2\nexit 255\n")
    cli.chmod(cli.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(StateFailed) as caught:
        Cli(str(cli), "dev", {}).state()
    assert str(caught.value) == "`pulumi stack export` said: error: the stack is locked"


def test_a_refresh_concerns_what_it_names_only(tmp_path: Path) -> None:
    cli = tmp_path / "pulumi"
    cli.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/args\n')
    cli.chmod(cli.stat().st_mode | stat.S_IXUSR)
    Cli(str(cli), "dev", {}).refresh({"urn:b", "urn:a"})
    words = (tmp_path / "args").read_text().split()
    assert words[:4] == ["refresh", "--yes", "--skip-preview", "--run-program=false"]
    assert words[4:8] == ["--target", "urn:a", "--target", "urn:b"]
    assert words[-2:] == ["--stack", "dev"]


def test_urns_are_told_as_people_say_them() -> None:
    assert in_words(f"{STACK}a:index:B$docker:index/container:Container::main-aiaa") == "Container main-aiaa"
    assert json.dumps(in_words(f"{STACK}pulumi-python:dynamic/aiaa:Model::main/x")) == '"Model main/x"'


@pytest.mark.soak
@given(json_values)
def test_a_state_of_any_shape_can_be_read(value: Any) -> None:
    sound: dict[str, Any] = {"urn": ENGINE, "type": "docker:index/container:Container", "id": "a", "outputs": value}
    for exported in (
        {"deployment": value},
        {"deployment": {"resources": value, "pending_operations": value}},
        {"deployment": {"resources": [value, sound], "pending_operations": [{"resource": value, "type": value}]}},
        {
            "deployment": {
                "resources": [{**sound, "inputs": value, "provider": value, "type": "pulumi:providers:docker"}]
            }
        },
    ):
        state = State(exported)
        assert all(operation.isprintable() for operation in state.cut_off)
        assert [state.containers(), state.engines(), state.endpoints(), state.ids("volume"), state.only_components]
        assert state.engine_of("x") is None


@pytest.mark.parametrize("said", ["", "null", "[]", "{", "[" * 100_000, "\\377\\376"])
def test_an_export_that_is_not_a_state_is_reported(tmp_path: Path, said: str) -> None:
    (tmp_path / "said").write_text(said)
    program = tmp_path / "pulumi"
    program.write_text(f"#!/bin/sh\ncat {tmp_path}/said\n")
    program.chmod(0o755)
    with pytest.raises(StateFailed, match="stack export` did not print a state"):
        Cli(str(program), "dev", {}).state()
