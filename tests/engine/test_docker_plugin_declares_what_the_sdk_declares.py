"""State moves between the official docker plugin and the one built from Go modules: each property has the SDK's name.

The SDK's own classes are walked, nested ones too. Each input goes through the plugin's Check and the preview of its
Create, which takes and returns by the names that the plugin knows: a name that it does not know fails the one, or is
not there after the other.
"""

from __future__ import annotations

import os
import subprocess
import typing
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import grpc
import pulumi_docker
import pytest
from google.protobuf import json_format, struct_pb2
from pulumi import _types as sdk
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from .conftest import BASE_IMAGE

PROJECT = Path(__file__).parents[2]
PLUGIN = PROJECT / ".toolchain/pulumi/plugins/resource-docker-v5.1.1/pulumi-resource-docker"
UNKNOWN_NAME = "Invalid or unknown key"

RESOURCES = {
    pulumi_docker.Container: pulumi_docker.ContainerArgs,
    pulumi_docker.Network: pulumi_docker.NetworkArgs,
    pulumi_docker.Volume: pulumi_docker.VolumeArgs,
    pulumi_docker.RemoteImage: pulumi_docker.RemoteImageArgs,
    pulumi_docker.Service: pulumi_docker.ServiceArgs,
}
REQUIRED: dict[type, dict[str, Any]] = {
    pulumi_docker.Container: {"image": "image"},
    pulumi_docker.RemoteImage: {"name": "image"},
    pulumi_docker.Service: {"taskSpec": {"containerSpec": {"image": "image"}}},
}


class Plugin:
    """The plugin's process, through Pulumi's own protocol."""

    def __init__(self, stub: provider_pb2_grpc.ResourceProviderStub) -> None:
        self._stub = stub

    def unknown(self, resource: type, inputs: dict[str, Any]) -> list[str]:
        """Complaints about names that it does not know; the values here are samples, and need not please it."""
        request = provider_pb2.CheckRequest(urn=urn(resource), news=struct(inputs))
        reasons = [failure.reason for failure in self._stub.Check(request).failures]
        return [reason for reason in reasons if UNKNOWN_NAME in reason]

    def preview(self, resource: type, inputs: dict[str, Any]) -> dict[str, Any]:
        """The state that would be, with values that are not known yet."""
        request = provider_pb2.CreateRequest(urn=urn(resource), properties=struct(inputs), preview=True)
        return dict(json_format.MessageToDict(self._stub.Create(request).properties))

    @contextmanager
    def made(self, resource: type, inputs: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The state of something real."""
        done = self._stub.Create(provider_pb2.CreateRequest(urn=urn(resource), properties=struct(inputs)))
        try:
            yield dict(json_format.MessageToDict(done.properties))
        finally:
            self._stub.Delete(provider_pb2.DeleteRequest(id=done.id, urn=urn(resource), properties=done.properties))


def urn(resource: type) -> str:
    return f"urn:pulumi:s::p::{resource.pulumi_type}::name"  # type: ignore[attr-defined]


def struct(content: dict[str, Any]) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(content)
    return message


@pytest.fixture(scope="module")
def plugin() -> Iterator[Plugin]:
    if not PLUGIN.exists():
        pytest.skip("needs the docker plugin: run `make toolchain`")
    with subprocess.Popen([PLUGIN], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
                stub.Configure(provider_pb2.ConfigureRequest(args=struct({"host": host})))
                yield Plugin(stub)
        finally:
            process.kill()


def sample(declared: Any) -> Any:
    """A value of a type that the SDK declares, with every property of every object in it."""
    declared = sdk.unwrap_type(declared)
    origin, arguments = typing.get_origin(declared), typing.get_args(declared)
    if origin is not None and issubclass(origin, typing.Mapping):
        return {"key": sample(arguments[1])}
    if origin is not None:
        return [sample(arguments[0])]
    if declared in (str, int, float, bool):
        return {str: "1", int: 1, float: 1.0, bool: True}[declared]
    return {name: sample(nested) for name, nested in sdk.input_type_types(declared).items()}


def missing(given: Any, returned: Any, at: str) -> list[str]:
    """The names in `given` that `returned` has not, at the same places. More names are no harm."""
    if isinstance(given, list):
        return missing(given[0], returned[0], f"{at}[0]")
    if not isinstance(given, dict):
        return []
    return [
        place
        for name, value in given.items()
        for place in (missing(value, returned[name], f"{at}.{name}") if name in (returned or {}) else [f"{at}.{name}"])
    ]


INPUTS = [
    pytest.param(resource, name, declared, id=f"{resource.__name__}-{name}")
    for resource, arguments in RESOURCES.items()
    for name, declared in sdk.input_type_types(arguments).items()
]


@pytest.mark.parametrize(("resource", "name", "declared"), INPUTS)
def test_every_input_is_taken_and_returned(plugin: Plugin, resource: type, name: str, declared: Any) -> None:
    value = sample(declared)
    inputs = {**REQUIRED.get(resource, {}), name: value}
    assert plugin.unknown(resource, inputs) == []
    assert missing({name: value}, plugin.preview(resource, inputs), "") == []


@pytest.mark.parametrize("resource", RESOURCES)
def test_every_output_is_returned(plugin: Plugin, resource: type) -> None:
    state = plugin.preview(resource, REQUIRED.get(resource, {}))
    inputs = sdk.input_type_types(RESOURCES[resource])
    assert [name for name in sdk.resource_types(resource) if name not in inputs and name not in state] == []


def test_every_nested_output_is_returned_of_a_running_container(
    plugin: Plugin, engine_with_image: docker.DockerClient
) -> None:
    del engine_with_image
    declared = sdk.output_type_types(pulumi_docker.outputs.ContainerNetworkData)
    name = f"xnat-aiaa-tests-{uuid.uuid4().hex[:8]}"
    inputs = {"name": name, "image": BASE_IMAGE, "command": ["sleep", "60"], "networkMode": "bridge"}
    with plugin.made(pulumi_docker.Container, inputs) as state:
        assert missing({"networkDatas": [dict.fromkeys(declared)]}, state, "") == []


def test_a_name_that_the_plugin_does_not_know_is_told(plugin: Plugin) -> None:
    inputs = {"image": "image", "ports": [{"internal": 1, "invented": 1}]}
    assert len(plugin.unknown(pulumi_docker.Container, inputs)) == 1
    returned = plugin.preview(pulumi_docker.Container, inputs)
    assert missing({"ports": inputs["ports"]}, returned, "") == [".ports[0].invented"]
