"""What state files remember of our providers: type tokens and pickled class names. A change here breaks stacks."""

from __future__ import annotations

import base64
import pickle
from typing import NamedTuple

import pytest
from pulumi.dynamic import Resource
from pulumi.dynamic.dynamic import serialize_provider

from dynamic_providers.aiaa.endpoint import Endpoint, EndpointProvider
from dynamic_providers.aiaa.host_check import HostCheck, HostCheckProvider
from dynamic_providers.aiaa.image import Image, ImageProvider
from dynamic_providers.aiaa.model import Model, ModelProvider
from dynamic_providers.aiaa.smoke_test import SmokeTest, SmokeTestProvider
from dynamic_providers.aiaa.workspace import Workspace, WorkspaceProvider
from dynamic_providers.boundary import Provider
from dynamic_providers.xnat.access import Access, AccessProvider
from dynamic_providers.xnat.aiaa_servers import AiaaServers, AiaaServersProvider
from dynamic_providers.xnat.browser_check import BrowserCheck, BrowserCheckProvider
from dynamic_providers.xnat.viewer_plugin import ViewerPlugin, ViewerPluginProvider


class Remembered(NamedTuple):
    """What the state of existing stacks holds."""

    provider: type[Provider]
    resource: type[Resource]
    token: str
    serialised: str


CONTRACT = [
    Remembered(
        EndpointProvider,
        Endpoint,
        "dynamic/aiaa:Endpoint",
        "gASVOwAAAAAAAACMH2R5bmFtaWNfcHJvdmlkZXJzLmFpYWEuZW5kcG9pbnSUjBBFbmRwb2ludFByb3ZpZGVylJOUKYGULg==",
    ),
    Remembered(
        HostCheckProvider,
        HostCheck,
        "dynamic/aiaa:HostCheck",
        "gASVPgAAAAAAAACMIWR5bmFtaWNfcHJvdmlkZXJzLmFpYWEuaG9zdF9jaGVja5SMEUhvc3RDaGVja1Byb3ZpZGVylJOUKYGULg==",
    ),
    Remembered(
        ImageProvider,
        Image,
        "dynamic/aiaa:Image",
        "gASVNQAAAAAAAACMHGR5bmFtaWNfcHJvdmlkZXJzLmFpYWEuaW1hZ2WUjA1JbWFnZVByb3ZpZGVylJOUKYGULg==",
    ),
    Remembered(
        ModelProvider,
        Model,
        "dynamic/aiaa:Model",
        "gASVNQAAAAAAAACMHGR5bmFtaWNfcHJvdmlkZXJzLmFpYWEubW9kZWyUjA1Nb2RlbFByb3ZpZGVylJOUKYGULg==",
    ),
    Remembered(
        SmokeTestProvider,
        SmokeTest,
        "dynamic/aiaa:SmokeTest",
        "gASVPgAAAAAAAACMIWR5bmFtaWNfcHJvdmlkZXJzLmFpYWEuc21va2VfdGVzdJSMEVNtb2tlVGVzdFByb3ZpZGVylJOUKYGULg==",
    ),
    Remembered(
        WorkspaceProvider,
        Workspace,
        "dynamic/aiaa:Workspace",
        "gASVPQAAAAAAAACMIGR5bmFtaWNfcHJvdmlkZXJzLmFpYWEud29ya3NwYWNllIwRV29ya3NwYWNlUHJvdmlkZXKUk5QpgZQu",
    ),
    Remembered(
        AccessProvider,
        Access,
        "dynamic/xnat:Access",
        "gASVNwAAAAAAAACMHWR5bmFtaWNfcHJvdmlkZXJzLnhuYXQuYWNjZXNzlIwOQWNjZXNzUHJvdmlkZXKUk5QpgZQu",
    ),
    Remembered(
        BrowserCheckProvider,
        BrowserCheck,
        "dynamic/xnat:BrowserCheck",
        "gASVRAAAAAAAAACMJGR5bmFtaWNfcHJvdmlkZXJzLnhuYXQuYnJvd3Nlcl9jaGVja5SMFEJyb3dzZXJDaGVja1Byb3ZpZGVylJOUKYGULg==",
    ),
    Remembered(
        AiaaServersProvider,
        AiaaServers,
        "dynamic/xnat:AiaaServers",
        "gASVQgAAAAAAAACMI2R5bmFtaWNfcHJvdmlkZXJzLnhuYXQuYWlhYV9zZXJ2ZXJzlIwTQWlhYVNlcnZlcnNQcm92aWRlcpSTlCmBlC4=",
    ),
    Remembered(
        ViewerPluginProvider,
        ViewerPlugin,
        "dynamic/xnat:ViewerPlugin",
        "gASVRAAAAAAAAACMJGR5bmFtaWNfcHJvdmlkZXJzLnhuYXQudmlld2VyX3BsdWdpbpSMFFZpZXdlclBsdWdpblByb3ZpZGVylJOUKYGULg==",
    ),
]
each = pytest.mark.parametrize("remembered", CONTRACT, ids=lambda remembered: remembered.resource.__name__)


@each
def test_a_provider_is_serialised_as_it_always_was(remembered: Remembered) -> None:
    assert serialize_provider(remembered.provider()) == remembered.serialised


@each
def test_what_old_state_holds_still_gives_the_provider(remembered: Remembered) -> None:
    provider = pickle.loads(base64.b64decode(remembered.serialised))  # noqa: S301  (our own, above)
    assert type(provider) is remembered.provider


@each
def test_nothing_is_captured_so_nothing_has_to_be_secret(remembered: Remembered) -> None:
    provider = remembered.provider()
    assert vars(provider) == {}
    assert provider.serialize_as_secret_always is False


@each
def test_a_resource_keeps_its_type(remembered: Remembered) -> None:
    assert remembered.resource._resource_type_name == remembered.token


def test_every_provider_class_is_in_the_contract() -> None:
    assert {remembered.provider for remembered in CONTRACT} == set(Provider.__subclasses__())
