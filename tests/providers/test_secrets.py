"""The password is in no state, error or output of a provider, even where XNAT's error pages repeat the request."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from dynamic_providers.xnat.access import AccessProvider
from dynamic_providers.xnat.aiaa_servers import AiaaServersProvider
from sandbox.faults import Fault
from sandbox.serve import serve
from sandbox.xnat.app import create_app
from sandbox.xnat.site import Site
from tests.support.provider_host import ProviderFailed, ProviderHost, provider_host

from .conftest import USER

PASSWORD = 'man"go & <täng> q7zk-x'  # what URLs, JSON and HTML write in other ways
FORMS = [
    PASSWORD,
    quote(PASSWORD, safe=""),
    json.dumps(PASSWORD)[1:-1],
    "man&quot;go",
    "q7zk-x",
    base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode(),
]
LISTS = "/xapi/ohifaiaa/*"


def servers(xnat: str, **changed: Any) -> dict[str, Any]:
    wanted = {"scope": "projects/LIVER", "xnat_url": xnat, "urls": ["https://aiaa.example.org"], "adopt": None}
    return {**wanted, "on_delete": "clear", **changed}


def create(host: ProviderHost, xnat: str) -> object:
    return host.provider(AiaaServersProvider).create(servers(xnat, scope="projects/SPLEEN"))


def read(host: ProviderHost, xnat: str) -> object:
    return host.provider(AiaaServersProvider).read("projects/LIVER", servers(xnat, written=[]))


def update(host: ProviderHost, xnat: str) -> object:
    state = servers(xnat, written=["https://aiaa.example.org"])
    return host.provider(AiaaServersProvider).update("projects/LIVER", state, servers(xnat, urls=["https://new"]))


def delete(host: ProviderHost, xnat: str) -> object:
    state = servers(xnat, written=["https://aiaa.example.org"])
    host.provider(AiaaServersProvider).delete("projects/LIVER", state)
    return None


def access(host: ProviderHost, xnat: str) -> object:
    return host.provider(AccessProvider).create({"url": xnat, "username": USER, "projects": ["LIVER"]})


EVERYTHING = Fault("*", "echo")
PARTS = [
    *(Fault("/data/JSESSION", "echo", status=status) for status in (200, 401, 403, 404, 500, 503)),
    *(Fault(LISTS, "echo", status=status) for status in (200, 400, 401, 403, 404, 422, 500)),
    Fault(LISTS, "echo", method="PUT", status=422),
    Fault("/xapi/users/*", "echo", status=403),
    Fault("/data/projects/*", "echo", status=500),
]


@pytest.fixture
def account(site: Site) -> None:
    site.accounts.users[USER].password = PASSWORD


@pytest.mark.usefixtures("account")
def test_an_xnat_that_repeats_credentials_in_its_error_pages_makes_nobody_tell_them(site: Site) -> None:
    app = create_app(site.options, site)
    operations: list[Callable[[ProviderHost, str], object]] = [create, read, update, delete, access]
    told, failed = "", 0
    with serve(app) as xnat:
        for fault in [None, EVERYTHING, *PARTS]:
            with provider_host({"xnat": {"username": USER, "password": PASSWORD, "timeout": 1}}) as host:
                for operation in operations:
                    app.state.faults.set(*([fault] if fault else []))
                    try:
                        told += repr(operation(host, xnat))
                    except ProviderFailed as error:
                        failed += 1
                        told += str(error)
                told += host.said()
    assert failed > len(PARTS)
    assert "***" in told, "nothing was repeated: the stand-in's pages never came this far"
    assert [form for form in FORMS if form in told] == []
