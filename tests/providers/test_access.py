"""`xnat:Access`: what registrations need, checked before anything is written."""

from __future__ import annotations

from typing import Any

import pytest

from dynamic_providers.xnat.access import AccessProvider
from sandbox.serve import serve
from sandbox.xnat.app import create_app
from sandbox.xnat.options import Options
from sandbox.xnat.site import Site
from tests.support.provider_host import Provider, ProviderHost

from .conftest import PASSWORD, USER


@pytest.fixture
def access(host: ProviderHost) -> Provider:
    return host.provider(AccessProvider)


def inputs(xnat: str, **changed: Any) -> dict[str, Any]:
    return {"url": xnat, "username": USER, "projects": ["LIVER", "SPLEEN"], **changed}


def test_an_account_with_all_rights_passes_and_xnats_version_is_told(access: Provider, xnat: str) -> None:
    id_, state = access.create(inputs(xnat))
    assert (id_, state["version"]) == ("xnat", "1.9.3")
    assert not access.diff(id_, state, inputs(xnat))
    assert access.diff(id_, state, inputs(xnat, projects=["LIVER"]))
    assert access.update(id_, state, inputs(xnat, projects=["LIVER"]))["projects"] == ["LIVER"]


def test_an_xnat_that_starts_is_waited_for(access: Provider) -> None:
    options = Options(core_after=2, plugins_after=1)
    site = Site(options)
    site.accounts.add(USER, PASSWORD, roles={"Administrator"}, groups={"ALL_DATA_ADMIN"})
    with serve(create_app(options, site)) as xnat:
        assert access.create(inputs(xnat, projects=[]))[0] == "xnat"


def test_nothing_is_written(access: Provider, xnat: str, site: Site) -> None:
    access.create(inputs(xnat))
    assert site.config.tools("LIVER") == []
    access.delete("xnat", inputs(xnat))
