"""`bin/aiaa forget`: take out of the stack's state what lives on a server, or in an XNAT, that is gone for good.

Pulumi deletes a resource by asking the server that has it. Where that server is gone for good, this is the way on: the
state forgets the resources, and nobody is asked.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from clients.errors import one_line
from operations.errors import CommandFailed, UsageError
from operations.pulumi_cli import PulumiCli

XNAT = "xnat"

# The components that hold all that there is of a server, and of an XNAT; what they hold is found by parentage.
_OF_A_SERVER = ("xnat-aiaa:index:AnnotationServer", "xnat-aiaa:index:ModelCatalog")
_OF_XNAT = ("xnat-aiaa:index:XnatRegistrations",)
_CHECK = "BrowserCheck"  # whether browsers can use a server

State = Mapping[str, Any]
Resource = Mapping[str, Any]


@dataclass(frozen=True)
class Forgotten:
    """
    Attributes:
        urns: of all that goes, components included.
        names: of what is of a provider, for people: `Model main/liver_demo`.
        stays: what is left behind, and where; one line each.
    """

    urns: frozenset[str]
    names: tuple[str, ...]
    stays: tuple[str, ...]


def read_state(cli: PulumiCli) -> State:
    """
    Raises:
        CommandFailed: the state cannot be read.
    """
    return _checked(cli.mapping("stack", "export"))


class _Resource(BaseModel):
    """The fields of a resource that we read, as Pulumi writes them (sdk/go/common/apitype/core.go, ResourceV3)."""

    model_config = ConfigDict(strict=True)

    urn: str
    type: str
    parent: str | None = None
    dependencies: list[str] | None = None
    replaceWith: list[str] | None = None  # noqa: N815 - as Pulumi writes it
    propertyDependencies: dict[str, list[str] | None] | None = None  # noqa: N815
    deletedWith: str | None = None  # noqa: N815
    outputs: dict[str, Any] | None = None


class _Pending(BaseModel):
    resource: _Resource


class _Deployment(BaseModel):
    resources: list[_Resource] | None = None
    pending_operations: list[_Pending] | None = None


class _State(BaseModel):
    deployment: _Deployment | None = None


def _checked(state: State) -> State:
    """The state, if it has the form that is read here.

    Raises:
        CommandFailed: it has not.
    """
    try:
        _State.model_validate(state)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise CommandFailed(
            one_line(f"the stack's state is not as Pulumi writes it, at {where}")
            + ": look at `bin/pulumi stack export`, or go back to an older one (`bin/pulumi stack history`, "
            "`bin/pulumi stack export --version N`)"
        ) from None
    return {**state, "deployment": state.get("deployment") or {}}


def write_state(cli: PulumiCli, state: State) -> None:
    """Replace the state, under the stack's lock.

    Raises:
        CommandFailed: a run holds the lock, or the state cannot be written.
    """
    cli.run("stack", "import", stdin=json.dumps(state))


def find(state: State, what: str) -> Forgotten:
    """What of the state lives on the server of this name, or in XNAT.

    Raises:
        UsageError: nothing does.
    """
    resources = _resources(state)
    types = _OF_XNAT if what == XNAT else _OF_A_SERVER
    urns = {resource["urn"] for resource in resources if resource["type"] in types and _name(resource) == what}
    if not urns:
        known = dict.fromkeys(_name(each) for each in resources if each["type"] in _OF_A_SERVER + _OF_XNAT)
        raise UsageError(
            f"the stack's state has nothing of {what}; it has something of: {', '.join(known) or 'nothing'}"
        )
    if what != XNAT:  # it stands among XNAT's, and is of this server
        urns |= {resource["urn"] for resource in resources if (_kind(resource), _name(resource)) == (_CHECK, what)}
    for resource in resources:  # a parent stands before its children
        if resource.get("parent") in urns:
            urns.add(resource["urn"])
    gone = [resource for resource in resources if resource["urn"] in urns and resource.get("custom")]
    names = tuple(f"{_kind(resource)} {_name(resource)}" for resource in gone)
    return Forgotten(frozenset(urns), names, tuple(_stays(gone)))


def without(state: State, urns: Collection[str]) -> State:
    """The state that has none of these resources, and nothing that refers to them."""
    deployment = dict(state["deployment"])
    deployment["resources"] = [_freed(resource, urns) for resource in _resources(state) if resource["urn"] not in urns]
    if pending := deployment.get("pending_operations"):
        deployment["pending_operations"] = [each for each in pending if each["resource"]["urn"] not in urns]
    return {**state, "deployment": deployment}


def _freed(resource: Resource, urns: Collection[str]) -> dict[str, Any]:
    """Without the references to what goes: Pulumi takes no state that points to nothing."""
    freed = dict(resource)
    for key in ("dependencies", "replaceWith"):
        if freed.get(key):
            freed[key] = [urn for urn in freed[key] if urn not in urns]
    if freed.get("propertyDependencies"):
        freed["propertyDependencies"] = {
            property_: [urn for urn in of_property or () if urn not in urns]
            for property_, of_property in freed["propertyDependencies"].items()
        }
    if freed.get("deletedWith") in urns:
        del freed["deletedWith"]
    return freed


def _stays(gone: list[Resource]) -> Iterator[str]:
    """What only its own server, engine or XNAT could delete."""
    things = [
        one_line(f"{_kind(resource).lower()} {resource['outputs']['name']}")
        for resource in gone
        if resource["type"].startswith("docker:") and "name" in (resource.get("outputs") or {})
    ]
    if things:
        yield f"on its Docker engine: {', '.join(things)}"
    models = [_name(resource) for resource in gone if _kind(resource) == "Model"]
    if models:
        yield f"in its workspace: the models {', '.join(name.partition('/')[2] for name in models)}"
    for resource in gone:
        if _kind(resource) == "AiaaServers":
            outputs = resource.get("outputs") or {}
            listed = outputs.get("urls")
            urls = ", ".join(one_line(str(url)) for url in (listed if isinstance(listed, list) else ()))
            yield f"in XNAT {one_line(str(outputs.get('xnat_url')))}: the list of {_name(resource)}, {urls}"


def _resources(state: State) -> list[Resource]:
    return list(state["deployment"].get("resources") or ())


def _kind(resource: Resource) -> str:
    return str(resource["type"]).rpartition(":")[2]


def _name(resource: Resource) -> str:
    return str(resource["urn"]).rpartition("::")[2]
