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
    return {"url": xnat, "username": USER, "projects": ["LIVER", "SPLEEN"], "site": False, **changed}


def test_an_account_with_all_rights_passes_and_xnats_version_is_told(access: Provider, xnat: str) -> None:
    id_, state = access.create(inputs(xnat))
    assert (id_, state["version"], state["plugin"]) == ("xnat", "1.9.3", "3.7.2")
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


def test_five_hundred_projects_are_looked_at_in_one_call(access: Provider, site: Site) -> None:
    projects = [f"P{number}" for number in range(500)]
    for project in projects:
        site.archive.add(project)
    app = create_app(site.options, site)
    with serve(app) as xnat:
        access.create(inputs(xnat, projects=projects))
    assert len(app.state.faults.requests) < 12


@pytest.mark.parametrize("site_too", [False, True])
def test_a_preview_tells_that_a_project_without_a_list_goes_on_with_the_sites(
    access: Provider, host: ProviderHost, site_too: bool
) -> None:
    nowhere = "http://127.0.0.1:9"
    olds = inputs(nowhere, site=site_too, version="1.9.3", plugin="3.7.2")
    assert access.diff("xnat", olds, inputs(nowhere, projects=["SPLEEN"], site=site_too))
    told = "project LIVER will be without a list"
    assert told in host.said()
    assert ("and annotation stays on there: the viewer uses the site's server" in host.said()) is site_too


def test_a_preview_tells_that_a_list_that_is_kept_stays(access: Provider, host: ProviderHost) -> None:
    nowhere = "http://127.0.0.1:9"
    olds = inputs(nowhere, kept=["LIVER"], site=True, version="1.9.3", plugin="3.7.2")
    assert access.diff("xnat", olds, inputs(nowhere, projects=[], kept=[], site=True))
    told = "the list of project LIVER stays in XNAT (on_delete: keep), and this stack looks after it no more: browsers"
    assert told in host.said()
    assert "project SPLEEN will be without a list" in host.said()
    assert "LIVER will be without" not in host.said()


def test_a_preview_tells_that_nothing_changes_at_an_address_that_is_left(access: Provider, host: ProviderHost) -> None:
    old, new = "http://127.0.0.1:9", "http://127.0.0.1:8"
    olds = inputs(old, site=True, version="1.9.3", plugin="3.7.2")
    assert access.diff("xnat", olds, inputs(new, projects=["SPLEEN"], site=True))
    assert f"the list of project LIVER stays at {old}, as the stack's XNAT has another address now" in host.said()
    assert "will be without" not in host.said()


@pytest.mark.parametrize(
    ("version", "told"),
    [("develop", "the viewer plugin's version is 'develop': as the plugin keeps lists, it is taken for"), ("v3.8", "")],
)
def test_a_version_that_tells_nothing_is_told(host: ProviderHost, version: str, told: str) -> None:
    site = Site(Options(projects=("LIVER", "SPLEEN"), viewer_plugin=version))
    site.accounts.add(USER, PASSWORD, roles={"Administrator"}, groups={"ALL_DATA_ADMIN"})
    with serve(create_app(site.options, site)) as xnat:
        assert host.provider(AccessProvider).create(inputs(xnat))[1]["plugin"] == version
    assert told in host.said()
    assert ("taken for 3.0 or newer" in host.said()) is bool(told)


def test_what_is_kept_is_remembered_as_soon_as_the_stack_file_says_it(access: Provider, xnat: str) -> None:
    id_, state = access.create(inputs(xnat))
    assert not access.diff(id_, state, inputs(xnat, kept=[]))
    assert access.diff(id_, state, inputs(xnat, kept=["LIVER"]))
    assert access.update(id_, state, inputs(xnat, kept=["LIVER"]))["kept"] == ["LIVER"]


def test_state_of_a_time_before_it_knew_of_the_site_has_no_difference(access: Provider) -> None:
    nowhere = "http://127.0.0.1:9"
    olds = {key: value for key, value in inputs(nowhere).items() if key != "site"}
    assert not access.diff("xnat", olds, inputs(nowhere, site=True))
