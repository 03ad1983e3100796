"""`xnat:BrowserCheck`: what browsers need of a server, asked before XNAT is told of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dynamic_providers.xnat.browser_check import BrowserCheckProvider
from sandbox.serve import serve
from settings.xnat import BROWSER_RULES
from tests.support.aiaa_stand_in import AiaaStandIn
from tests.support.free_port import free_port
from tests.support.provider_host import UNKNOWN, Provider, ProviderFailed, ProviderHost

XNAT = "https://xnat.example.org"


@pytest.fixture
def check(host: ProviderHost) -> Provider:
    return host.provider(BrowserCheckProvider)


def inputs(url: str, **changed: Any) -> dict[str, Any]:
    return {"server": "main", "url": url, "xnat": XNAT, "rules": list(BROWSER_RULES), **changed}


async def _models(_: Request) -> Response:
    return JSONResponse([])


@pytest.fixture
def without_cors() -> Iterator[str]:
    with serve(Starlette(routes=[Route("/v1/models", _models)])) as url:
        yield url


def test_aiaa_as_it_is_can_be_used(check: Provider, aiaa: AiaaStandIn) -> None:
    id_, state = check.create(inputs(aiaa.url))
    assert id_ == "main"
    assert not check.diff(id_, state, inputs(aiaa.url))
    assert check.diff(id_, state, inputs(aiaa.url, xnat="https://other.example.org"))
    check.update(id_, state, inputs(aiaa.url, xnat="https://other.example.org"))
    check.delete(id_, state)


def test_a_broken_rule_is_an_error_with_what_to_do_and_its_name(check: Provider, without_cors: str) -> None:
    with pytest.raises(ProviderFailed) as failed:
        check.create(inputs(without_cors))
    told = str(failed.value)
    assert told.startswith(f"servers.main.browser_url {without_cors}: browsers keep its answers from pages of {XNAT}")
    assert "; browsers send it no image" in told
    assert told.endswith("; if it works all the same: registrations.allow: [cors, preflight]")
    assert "\n" not in told


def test_a_rule_that_is_allowed_to_be_broken_stops_nothing(check: Provider, without_cors: str) -> None:
    with pytest.raises(ProviderFailed, match=r"registrations.allow: \[preflight\]"):
        check.create(inputs(without_cors, rules=["preflight"]))
    assert check.create(inputs(without_cors, rules=["path", "mixed_content", "loopback"]))[0] == "main"


def test_reading_without_sending_is_not_enough(check: Provider) -> None:
    cors = Middleware(CORSMiddleware, allow_origins=[XNAT], allow_methods=["GET"])
    with (
        serve(Starlette(routes=[Route("/v1/models", _models)], middleware=[cors])) as url,
        pytest.raises(ProviderFailed, match="browsers send it no image") as failed,
    ):
        check.create(inputs(url))
    assert "browsers keep its answers" not in str(failed.value)


def test_what_cannot_be_seen_from_here_is_told_and_stops_nothing(check: Provider, host: ProviderHost) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert check.create(inputs(url))[0] == "main"
    assert f"servers.main.browser_url {url}: what browsers meet there is not known: from this machine" in host.said()


async def _dead(_: Request) -> Response:
    return Response("<title>Bad Gateway</title>", status_code=502)


def test_a_dead_server_behind_a_gateway_is_told_as_a_dead_one_whatever_browsers_may(
    check: Provider, host: ProviderHost
) -> None:
    cors = Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["PUT"])
    with serve(Starlette(routes=[Route("/v1/models", _dead)], middleware=[cors])) as url:
        for pages in (XNAT, url):
            assert check.create(inputs(url, xnat=pages))[0] == "main"
    told = f"{url}: what browsers meet there is not known: from this machine, GET {url}/v1/models: answered 502"
    assert host.said().count(told) == 2


def test_check_and_diff_need_no_network_and_no_known_values(check: Provider) -> None:
    nowhere = "http://127.0.0.1:9"
    assert check.check(inputs(nowhere, xnat=UNKNOWN)) == {}
    assert not check.diff("main", inputs(nowhere), inputs(nowhere))
    assert check.diff("main", inputs(nowhere), inputs(nowhere, rules=["cors"]))
