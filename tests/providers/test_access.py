"""`xnat:Access`: what registrations need, checked before anything is written."""

from __future__ import annotations

from typing import Any

import pytest

from dynamic_providers.xnat.access import AccessProvider
from sandbox.serve import serve
from sandbox.xnat.app import create_app
from sandbox.xnat.options import Options
from sandbox.xnat.site import Site
from tests.support.provider_host import Provider, ProviderFailed, ProviderHost

from .conftest import PASSWORD, USER


@pytest.fixture
def access(host: ProviderHost) -> Provider:
    return host.provider(AccessProvider)


def inputs(xnat: str, **changed: Any) -> dict[str, Any]:
    return {"url": xnat, "username": USER, "projects": ["LIVER", "SPLEEN"], **changed}


def refusal(access: Provider, wanted: dict[str, Any]) -> str:
    with pytest.raises(ProviderFailed) as failed:
        access.create(wanted)
    assert "\n" not in str(failed.value)
    return str(failed.value)


def test_an_account_with_all_rights_passes_and_xnats_version_is_told(access: Provider, xnat: str) -> None:
    id_, state = access.create(inputs(xnat))
    assert (id_, state["version"]) == ("xnat", "1.9.3")
    assert not access.diff(id_, state, inputs(xnat))
    assert access.diff(id_, state, inputs(xnat, projects=["LIVER"]))
    assert access.update(id_, state, inputs(xnat, projects=["LIVER"]))["projects"] == ["LIVER"]


def test_an_account_that_is_no_administrator_is_told_what_it_needs(access: Provider, xnat: str, site: Site) -> None:
    site.accounts.users[USER].roles.clear()
    told = refusal(access, inputs(xnat))
    assert "Administrator" in told
    assert "ALL_DATA_ADMIN" in told


def test_an_account_that_does_not_see_the_projects_is_told_which(access: Provider, xnat: str, site: Site) -> None:
    site.accounts.users[USER].groups.clear()
    told = refusal(access, inputs(xnat))
    assert "project LIVER" in told
    assert "project SPLEEN" in told
    assert "ALL_DATA_ADMIN" in told


def test_an_alias_is_told_with_the_projects_id(access: Provider, xnat: str, site: Site) -> None:
    site.archive.add("KIDNEY", aliases=("RENAL",))
    assert "write registrations.projects.KIDNEY" in refusal(access, inputs(xnat, projects=["RENAL"]))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (Options(plugins_after=3600), "OHIF viewer plugin"),
        (Options(initialized=False), "not initialised"),
    ],
)
def test_an_xnat_that_cannot_take_registrations_is_told_why(access: Provider, options: Options, words: str) -> None:
    site = Site(options)
    site.accounts.add(USER, PASSWORD, roles={"Administrator"}, groups={"ALL_DATA_ADMIN"})
    with serve(create_app(options, site)) as xnat:
        assert words in refusal(access, inputs(xnat, projects=[]))


def test_an_xnat_that_starts_is_waited_for(access: Provider) -> None:
    options = Options(core_after=2)
    site = Site(options)
    site.accounts.add(USER, PASSWORD, roles={"Administrator"}, groups={"ALL_DATA_ADMIN"})
    with serve(create_app(options, site)) as xnat:
        assert access.create(inputs(xnat, projects=[]))[0] == "xnat"


def test_nothing_is_written(access: Provider, xnat: str, site: Site) -> None:
    access.create(inputs(xnat))
    assert site.config.tools("LIVER") == []
    access.delete("xnat", inputs(xnat))
