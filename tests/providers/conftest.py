"""Providers in Pulumi's real host, on stand-ins over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.serve import serve
from sandbox.xnat.app import create_app
from sandbox.xnat.options import Options
from sandbox.xnat.site import Site
from tests.support.aiaa_stand_in import AiaaStandIn, aiaa_stand_in
from tests.support.provider_host import ProviderHost, provider_host

PASSWORD = "tangerine-4711"
USER = "svc-aiaa"


@pytest.fixture
def aiaa(tmp_path: Path) -> Iterator[AiaaStandIn]:
    with aiaa_stand_in(tmp_path / "workspace") as server:
        yield server


@pytest.fixture
def site() -> Site:
    site = Site(Options(projects=("LIVER", "SPLEEN")))
    site.accounts.add(USER, PASSWORD, roles={"Administrator"}, groups={"ALL_DATA_ADMIN"})
    return site


@pytest.fixture
def xnat(site: Site) -> Iterator[str]:
    with serve(create_app(site.options, site)) as url:
        yield url


@pytest.fixture
def host() -> Iterator[ProviderHost]:
    with provider_host({"xnat": {"username": USER, "password": PASSWORD}}) as host:
        yield host
