"""Registrations on the real engine, with servers that are there already: what a person is told, and what XNAT has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from sandbox.serve import serve
from sandbox.xnat.app import create_app
from sandbox.xnat.options import Options
from sandbox.xnat.site import Site
from tests.support.deployment import list_of
from tests.support.external_stack import ExternalStack, external_stack
from tests.support.pulumi_stack import PulumiFailed

PASSWORD = {"XNAT_PASSWORD": "admin"}
FOREIGN = ["https://somebody-elses.example.org"]


@pytest.fixture
def site() -> Site:
    return Site(Options(projects=("LIVER", "SPLEEN", "KIDNEY")))


@pytest.fixture
def xnat(site: Site) -> Iterator[str]:
    with serve(create_app(site.options, site)) as url:
        yield url


def login(xnat: str) -> dict[str, str]:
    return {"url": xnat, "username": "admin", "password_env": "XNAT_PASSWORD"}


@pytest.fixture
def deployed(xnat: str) -> Iterator[ExternalStack]:
    registrations = {"site": "gpu1", "projects": {"LIVER": "gpu1", "SPLEEN": "gpu1"}}
    with external_stack("registered", env=PASSWORD, xnat=login(xnat), registrations=registrations) as made:
        yield made


def site_list(xnat: str) -> list[str]:
    return list(requests.get(f"{xnat}/xapi/ohifaiaa/servers", auth=("admin", "admin"), timeout=10).json())


def test_the_end_of_a_projects_registration_is_told_as_what_it_is(deployed: ExternalStack, xnat: str) -> None:
    ours = [deployed.servers["gpu1"].url]
    deployed.stack.up()
    deployed.stack.require_no_changes()
    assert (site_list(xnat), list_of(xnat, "LIVER")) == (ours, ours)
    deployed.change(lambda settings: settings["registrations"]["projects"].pop("LIVER"))
    told = "project LIVER will be without a list, unless somebody else wrote it since, and annotation stays on there: "
    assert told in deployed.stack.run("preview")
    said = deployed.stack.up()
    assert f'taken back; as long as the site\'s list ["{ours[0]}"] stands, the viewer uses that' in said
    assert (site_list(xnat), list_of(xnat, "LIVER"), list_of(xnat, "SPLEEN")) == (ours, [], ours)
    deployed.stack.require_no_changes()


def test_a_changed_address_of_xnat_is_an_update_and_clears_nothing(
    deployed: ExternalStack, xnat: str, site: Site
) -> None:
    deployed.stack.up()
    ours = [deployed.servers["gpu1"].url]
    other = Site(site.options)
    with serve(create_app(other.options, other)) as moved:
        deployed.change(lambda settings: settings.update(xnat=login(moved)))
        changes = deployed.stack.preview().changes
        lists = {name: change for name, change in changes.items() if name.startswith("AiaaServers")}
        assert lists.keys() == {"AiaaServers site", "AiaaServers projects/LIVER", "AiaaServers projects/SPLEEN"}
        assert set(changes.values()) == {"update"}
        deployed.stack.up()
        assert [list_of(url, "LIVER") for url in (xnat, moved)] == [ours, ours]
        deployed.stack.destroy()
        assert [list_of(url, "LIVER") for url in (xnat, moved)] == [ours, []]


def test_a_second_stack_with_the_same_project_is_told_and_with_another_goes_its_way(
    deployed: ExternalStack, xnat: str
) -> None:
    deployed.stack.up()
    registrations = {"projects": {"LIVER": "gpu1", "KIDNEY": "gpu1"}}
    with external_stack("second", env=PASSWORD, xnat=login(xnat), registrations=registrations) as second:
        with pytest.raises(PulumiFailed) as failed:
            second.stack.up()
        lines = [line for line in failed.value.errors if "projects/LIVER" in line]
        assert any("(written by admin, first on 20" in line and "adopt: [" in line for line in lines)
        second.change(lambda settings: settings["registrations"]["projects"].pop("LIVER"))
        second.stack.up()
        assert list_of(xnat, "KIDNEY") == [second.servers["gpu1"].url]
        second.stack.destroy()
    assert list_of(xnat, "LIVER") == list_of(xnat, "SPLEEN") == [deployed.servers["gpu1"].url]
    assert list_of(xnat, "KIDNEY") == []
    deployed.stack.require_no_changes()


def test_a_server_that_browsers_cannot_use_is_not_registered_unless_its_rule_is_allowed_to_be_broken(
    deployed: ExternalStack, xnat: str
) -> None:
    def without_answer_to_preflights(settings: dict[str, dict[str, object]]) -> None:
        settings["xnat"]["browser_url"] = "http://localhost:8080"

    app = deployed.servers["gpu1"].app
    app.user_middleware.pop()  # the one for CORS
    app.middleware_stack = None
    deployed.change(without_answer_to_preflights)
    with pytest.raises(PulumiFailed) as failed:
        deployed.stack.up()
    assert any(
        "if it works all the same: registrations.allow: [cors, preflight]" in each for each in failed.value.errors
    )
    assert list_of(xnat, "LIVER") == []
    deployed.change(lambda settings: settings["registrations"].update(allow=["cors", "preflight"]))
    deployed.stack.up()
    assert list_of(xnat, "LIVER") == [deployed.servers["gpu1"].url]
