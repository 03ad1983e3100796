"""No answer of a server, however odd, ends a provider's operation in anything but a result or one line of ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.dynamic import Config, ConfigureRequest, ResourceProvider

from dynamic_providers.aiaa.endpoint import EndpointProvider
from dynamic_providers.aiaa.model import ModelProvider
from dynamic_providers.aiaa.packages import Files
from dynamic_providers.aiaa.smoke_test import SmokeTestProvider
from dynamic_providers.boundary import ProviderError
from dynamic_providers.xnat import login
from dynamic_providers.xnat.access import AccessProvider
from dynamic_providers.xnat.aiaa_servers import AiaaServersProvider
from tests.support import model_props
from tests.support.model_props import OWNER
from tests.support.odd_answers import LIST, PROJECT, Odd, OddServer, json_answer, odd, odd_server, sound_xnat
from tests.support.provider_host import PROJECT as FOLDER

SOURCE = Files.of(FOLDER / "models/liver_demo/config_aiaa.json", FOLDER / "models/liver_demo/model.ts")
MODEL = {
    "name": "liver_demo",
    "type": "segmentation",
    "labels": ["liver"],
    "description": "d",
    "version": "1",
    "digest": str(SOURCE.planned),
    "managed_by": OWNER,
}
CONFIG = Config({"xnat-aiaa:xnat": json.dumps({"username": "u", "password": "tangerine", "timeout": 1})}, "xnat-aiaa")

Run = Callable[[ResourceProvider, dict[str, Any]], object]
RUNS: dict[str, Run] = {
    "create": lambda provider, props: provider.create(props),
    "read": lambda provider, props: provider.read("id", props),
    "update": lambda provider, props: provider.update("id", props, {**props, "generation": "2", "urls": ["https://b"]}),
    "delete": lambda provider, props: provider.delete("id", props),
}


def sound_aiaa(head: str) -> bytes:
    return json_answer([MODEL] if head.startswith("GET /v1/models") else {"success": True})


@pytest.fixture(scope="module")
def aiaa() -> Iterator[OddServer]:
    with pytest.MonkeyPatch.context() as patch, odd_server(sound_aiaa) as server:
        patch.setattr("clients.aiaa._LISTED_WITHIN", 0.05)
        yield server


@pytest.fixture(scope="module")
def xnat() -> Iterator[OddServer]:
    with odd_server(sound_xnat) as server:
        yield server


def models(url: str) -> dict[str, Any]:
    loaded = {"type": "segmentation", "labels": ["liver"]}
    return model_props.local(url, FOLDER / "models/liver_demo", timeout=0.4, loaded=loaded)


def endpoints(url: str) -> dict[str, Any]:
    return {"server": "main", "url": url, "containers": {}, "logs_of": {}, "docker_host": None, "timeout": 0.1}


def smoke_tests(url: str) -> dict[str, Any]:
    return {"server": "main", "model": "liver_demo", "url": url, "tested": {}, "timeout": 0.4}


def lists(url: str) -> dict[str, Any]:
    made = {"scope": "projects/LIVER", "xnat_url": url, "urls": LIST, "written": LIST}
    return {**made, "adopt": None, "on_delete": "clear"}


def access(url: str) -> dict[str, Any]:
    return {"url": url, "username": "u", "projects": ["LIVER"]}


OF_AIAA: list[tuple[type[ResourceProvider], Callable[[str], dict[str, Any]], str]] = [
    *((ModelProvider, models, name) for name in RUNS),
    *((EndpointProvider, endpoints, name) for name in ("create", "read")),
    (SmokeTestProvider, smoke_tests, "create"),
]
OF_XNAT: list[tuple[type[ResourceProvider], Callable[[str], dict[str, Any]], str]] = [
    *((AiaaServersProvider, lists, name) for name in RUNS),
    (AccessProvider, access, "create"),
]


def answered(run: Run, provider: ResourceProvider, props: dict[str, Any]) -> None:
    try:
        run(provider, props)
    except ProviderError as error:
        require_one_line(str(error))


def require_one_line(line: str) -> None:
    assert line.isprintable(), line
    assert "tangerine" not in line


@pytest.mark.soak
@given(which=st.sampled_from(OF_AIAA), case=odd([MODEL], MODEL, {"success": True}))
def test_any_answer_of_aiaa(
    aiaa: OddServer, which: tuple[type[ResourceProvider], Callable[[str], dict[str, Any]], str], case: Odd
) -> None:
    kind, props, name = which
    aiaa.begin(case)
    provider = kind()
    provider.configure(ConfigureRequest(CONFIG))
    answered(RUNS[name], provider, props(aiaa.url))


@pytest.mark.soak
@given(which=st.sampled_from(OF_XNAT), case=odd(PROJECT, LIST, {"version": "1.9.3"}, [LIST], "session"))
def test_any_answer_of_xnat(
    xnat: OddServer, which: tuple[type[ResourceProvider], Callable[[str], dict[str, Any]], str], case: Odd
) -> None:
    kind, props, name = which
    xnat.begin(case)
    login._sessions.clear()  # as in another process: a failed log-in is the last of its own
    provider = kind()
    provider.configure(ConfigureRequest(CONFIG))
    answered(RUNS[name], provider, props(xnat.url))
