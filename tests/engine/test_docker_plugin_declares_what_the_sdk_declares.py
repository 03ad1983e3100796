"""State moves between the official docker plugin and the one built from Go modules: each property has the SDK's name.

The SDK's own classes are walked, nested ones too. Each input goes through the plugin's Check and the preview of its
Create, which takes and returns by the names and types that the plugin knows: a name that it does not know fails the
one, or is not there after the other; and a value of another type comes back as another value.
"""

from __future__ import annotations

import json
import os
import subprocess
import typing
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import docker
import grpc
import pulumi_docker
import pytest
from google.protobuf import json_format, struct_pb2
from pulumi import _types as sdk
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from toolchain import layout
from toolchain.versions import DOCKER_PLUGIN

from .conftest import BASE_IMAGE

PLUGIN = layout.PULUMI_HOME / "plugins" / f"resource-docker-v{DOCKER_PLUGIN}" / "pulumi-resource-docker"
UNKNOWN_NAME = "Invalid or unknown key"
TIMEOUT = 60  # seconds for a call: no test should hang

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
        return _unknown(self._stub.Check(request, timeout=TIMEOUT))

    def unknown_to_provider(self, inputs: dict[str, Any]) -> list[str]:
        """As `unknown`, of the provider's own inputs, which come as JSON unless they are strings."""
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in inputs.items()}
        request = provider_pb2.CheckRequest(urn=urn(pulumi_docker.Provider), news=struct(texts))
        return _unknown(self._stub.CheckConfig(request, timeout=TIMEOUT))

    def preview(self, resource: type, inputs: dict[str, Any]) -> dict[str, Any]:
        """The state that would be, with values that are not known yet."""
        request = provider_pb2.CreateRequest(urn=urn(resource), properties=struct(inputs), preview=True)
        return dict(json_format.MessageToDict(self._stub.Create(request, timeout=TIMEOUT).properties))

    @contextmanager
    def made(self, resource: type, inputs: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The state of something real."""
        request = provider_pb2.CreateRequest(urn=urn(resource), properties=struct(inputs))
        done = self._stub.Create(request, timeout=TIMEOUT)
        try:
            yield dict(json_format.MessageToDict(done.properties))
        finally:
            gone = provider_pb2.DeleteRequest(id=done.id, urn=urn(resource), properties=done.properties)
            self._stub.Delete(gone, timeout=TIMEOUT)


def _unknown(answer: provider_pb2.CheckResponse) -> list[str]:
    return [failure.reason for failure in answer.failures if UNKNOWN_NAME in failure.reason]


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
                stub.Configure(provider_pb2.ConfigureRequest(args=struct({"host": host})), timeout=TIMEOUT)
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


def lost(given: Any, returned: Any, at: str) -> list[str]:
    """The places in `given` whose name or value `returned` has not; None is any value. More names are no harm."""
    if given is None:
        return []
    if isinstance(given, list) and isinstance(returned, list) and len(given) == len(returned):
        return [
            place
            for index, pair in enumerate(zip(given, returned, strict=True))
            for place in lost(*pair, f"{at}[{index}]")
        ]
    if isinstance(given, dict) and isinstance(returned, dict):
        return [
            place
            for name, value in given.items()
            for place in (lost(value, returned[name], f"{at}.{name}") if name in returned else [f"{at}.{name}"])
        ]
    return [] if given == returned else [at]


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
    assert lost({name: value}, plugin.preview(resource, inputs), "") == []


@pytest.mark.parametrize("resource", RESOURCES)
def test_every_output_is_returned(plugin: Plugin, resource: type) -> None:
    state = plugin.preview(resource, REQUIRED.get(resource, {}))
    inputs = sdk.input_type_types(RESOURCES[resource])
    assert [name for name in sdk.resource_types(resource) if name not in inputs and name not in state] == []


@pytest.mark.parametrize(("name", "declared"), sdk.input_type_types(pulumi_docker.ProviderArgs).items())
def test_every_input_of_the_provider_is_taken(plugin: Plugin, name: str, declared: Any) -> None:
    assert plugin.unknown_to_provider({name: sample(declared)}) == []


def test_every_nested_output_is_returned_of_a_running_container(
    plugin: Plugin, engine_with_image: docker.DockerClient
) -> None:
    del engine_with_image
    declared = sdk.output_type_types(pulumi_docker.outputs.ContainerNetworkData)
    name = f"xnat-aiaa-tests-{uuid.uuid4().hex[:8]}"
    inputs = {"name": name, "image": BASE_IMAGE, "command": ["sleep", "60"], "networkMode": "bridge"}
    with plugin.made(pulumi_docker.Container, inputs) as state:
        assert lost({"networkDatas": [dict.fromkeys(declared)]}, state, "") == []


def test_a_name_that_the_plugin_does_not_know_is_told(plugin: Plugin) -> None:
    inputs = {"image": "image", "ports": [{"internal": 1, "invented": 1}]}
    assert len(plugin.unknown(pulumi_docker.Container, inputs)) == 1
    assert lost(inputs, plugin.preview(pulumi_docker.Container, inputs), "") == [".ports[0].invented"]
    assert len(plugin.unknown_to_provider({"invented": "1"})) == 1


def test_a_value_of_another_type_is_told(plugin: Plugin) -> None:
    inputs = {"image": "image", "shmSize": "1"}
    assert lost(inputs, plugin.preview(pulumi_docker.Container, inputs), "") == [".shmSize"]
