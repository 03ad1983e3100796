"""What `bin/aiaa forget` takes out of a state, and what it says stays behind."""

from __future__ import annotations

from typing import Any

import pytest

from operations import forget
from operations.errors import UsageError


def urn(types: str, name: str) -> str:
    return f"urn:pulumi:tests::xnat-aiaa::{types}::{name}"


def resource(kind: str, name: str, parent: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    made = {"urn": urn(kind, name), "type": kind, "custom": not kind.startswith("xnat-aiaa"), "dependencies": []}
    return {**made, **({"parent": parent["urn"]} if parent else {}), **more}


CONTAINER = "docker:index/container:Container"
STACK = resource("pulumi:pulumi:Stack", "xnat-aiaa-tests", custom=False)
SERVER = resource("xnat-aiaa:index:AnnotationServer", "main", STACK)
CLARA = resource("xnat-aiaa:index:ClaraV4", "main", SERVER)
AIAA = resource(CONTAINER, "main-aiaa", CLARA, outputs={"name": "xnat-aiaa-tests-main-aiaa"})
ENDPOINT = resource("pulumi-python:dynamic/aiaa:Endpoint", "main", SERVER, dependencies=[AIAA["urn"]])
CATALOG = resource("xnat-aiaa:index:ModelCatalog", "main", STACK)
MODEL = resource("pulumi-python:dynamic/aiaa:Model", "main/liver", CATALOG, dependencies=[ENDPOINT["urn"]])
OTHER = resource("xnat-aiaa:index:AnnotationServer", "main2", STACK)
OTHERS = resource(CONTAINER, "main2-aiaa", OTHER, outputs={"name": "xnat-aiaa-tests-main2-aiaa"})
XNAT = resource("xnat-aiaa:index:XnatRegistrations", "xnat", STACK)
CHECK = resource("pulumi-python:dynamic/xnat:BrowserCheck", "main", XNAT)
LIST = resource(
    "pulumi-python:dynamic/xnat:AiaaServers",
    "projects/LIVER",
    XNAT,
    dependencies=[ENDPOINT["urn"], OTHERS["urn"]],
    propertyDependencies={"urls": [ENDPOINT["urn"]], "scope": None},
    deletedWith=MODEL["urn"],
    outputs={"xnat_url": "https://xnat.example.org", "urls": ["https://aiaa.example.org"]},
)
ALL = [STACK, SERVER, CLARA, AIAA, ENDPOINT, CATALOG, MODEL, OTHER, OTHERS, XNAT, CHECK, LIST]
STATE = {"version": 3, "deployment": {"manifest": {}, "resources": ALL, "pending_operations": [{"resource": MODEL}]}}


def urns(state: Any) -> list[str]:
    return [each["urn"] for each in state["deployment"]["resources"]]


def test_a_server_goes_with_all_that_it_holds_and_with_its_models() -> None:
    found = forget.find(STATE, "main")
    assert found.names == ("Container main-aiaa", "Endpoint main", "Model main/liver", "BrowserCheck main")
    assert urns(forget.without(STATE, found.urns)) == [each["urn"] for each in (STACK, OTHER, OTHERS, XNAT, LIST)]


def test_what_stays_behind_is_named_with_its_place() -> None:
    assert forget.find(STATE, "main").stays == (
        "on its Docker engine: container xnat-aiaa-tests-main-aiaa",
        "in its workspace: the models liver",
    )
    assert forget.find(STATE, "xnat").stays == (
        "in XNAT https://xnat.example.org: the list of projects/LIVER, https://aiaa.example.org",
    )


def test_nothing_that_is_left_refers_to_what_went() -> None:
    state = forget.without(STATE, forget.find(STATE, "main").urns)
    left = state["deployment"]["resources"][-1]
    assert left["dependencies"] == [OTHERS["urn"]]
    assert left["propertyDependencies"] == {"urls": [], "scope": []}
    assert "deletedWith" not in left
    assert state["deployment"]["pending_operations"] == []
    assert LIST["deletedWith"] == MODEL["urn"], "the state that was read is left as it was"


def test_xnat_goes_without_the_servers() -> None:
    state = forget.without(STATE, forget.find(STATE, "xnat").urns)
    assert urns(state) == [each["urn"] for each in ALL if each not in (XNAT, CHECK, LIST)]


@pytest.mark.parametrize("state", [{"deployment": {}}, {"deployment": {"resources": None}}])
def test_a_stack_that_was_never_up_has_nothing_to_forget(state: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="has nothing of main; it has something of: nothing"):
        forget.find(state, "main")


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="has nothing of mian; it has something of: main, main2, xnat"):
        forget.find(STATE, "mian")
