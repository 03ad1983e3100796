"""XNAT as hospitals install it: below a context path, behind TLS, on several nodes, with many projects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from dynamic_providers.xnat.access import AccessProvider
from dynamic_providers.xnat.aiaa_servers import AiaaServersProvider
from sandbox.serve import serve
from sandbox.xnat import answers
from sandbox.xnat.aiaa_api import TOOL
from sandbox.xnat.app import create_app
from sandbox.xnat.options import Options
from sandbox.xnat.site import Site
from tests.support.provider_host import ProviderFailed, ProviderHost, provider_host

from .conftest import PASSWORD, USER

OURS = ["https://aiaa.example.org"]


def site_with(**options: Any) -> Site:
    site = Site(Options(**{"projects": ("LIVER", "SPLEEN"), **options}))
    site.accounts.add(USER, PASSWORD, roles={"Administrator"}, groups={"ALL_DATA_ADMIN"})
    return site


def inputs(xnat: str, project: str = "LIVER", **changed: Any) -> dict[str, Any]:
    made = {"scope": f"projects/{project}", "xnat_url": xnat, "urls": OURS, "adopt": None, "on_delete": "clear"}
    return {**made, **changed}


def lives_through(host: ProviderHost, xnat: str) -> None:
    access = {"url": xnat, "username": USER, "projects": ["LIVER"], "site": False}
    host.provider(AccessProvider).create(access)
    servers = host.provider(AiaaServersProvider)
    id_, state = servers.create(inputs(xnat))
    assert servers.read(id_, state)[0] == id_
    servers.delete(id_, state)
    assert servers.read(id_, state)[0] == ""


def test_a_context_path(host: ProviderHost) -> None:
    site = site_with(context_path="/xnat")
    with serve(create_app(site.options, site)) as url:
        lives_through(host, f"{url}/xnat")


def test_an_address_without_the_context_path_is_reported() -> None:
    site = site_with(context_path="/xnat")
    config = {"xnat": {"username": USER, "password": PASSWORD, "timeout": 1}}
    with (
        serve(create_app(site.options, site)) as url,
        provider_host(config) as host,
        pytest.raises(ProviderFailed, match="with its context path if it has one"),
    ):
        lives_through(host, url)


def test_a_plain_connection_behind_the_tls_front_needs_one_session(host: ProviderHost) -> None:
    site = site_with(site_url="https://xnat.example.org", max_sessions=1)
    with serve(create_app(site.options, site)) as url:
        lives_through(host, url)


def test_on_an_open_site_a_lost_session_is_renewed_and_no_guest_is_granted_rights(host: ProviderHost) -> None:
    site = site_with(require_login=False)
    with serve(create_app(site.options, site)) as url:
        servers = host.provider(AiaaServersProvider)
        id_, state = servers.create(inputs(url))
        site.sessions.close_all()
        assert servers.read(id_, state)[0] == id_
        site.sessions.close_all()
        servers.delete(id_, state)
    assert "left as it is" not in host.said()


def test_hundreds_of_lists_at_once_need_one_session() -> None:
    projects = tuple(f"P{number}" for number in range(200))
    site = site_with(projects=projects, max_sessions=1)
    app = create_app(site.options, site)
    with (
        serve(app) as url,
        provider_host({"xnat": {"username": USER, "password": PASSWORD}}) as host,
        ThreadPoolExecutor(8) as threads,
    ):
        servers = host.provider(AiaaServersProvider)
        made = list(threads.map(lambda project: servers.create(inputs(url, project)), projects))
        assert [id_ for id_, _ in made] == [f"projects/{project}" for project in projects]
        assert len(site.sessions.of(USER)) == 1
        site.sessions.close_all()  # all threads lose it together
        assert all(id_ for id_, _, _ in threads.map(lambda each: servers.read(*each), made))
    assert [entry.method for entry in app.state.faults.requests if entry.path == "/data/JSESSION"] == ["POST", "POST"]


class Nodes:
    """A balancer before several nodes with one database. It sends all to the first that runs, as one of a kind that
    sticks to addresses does for one client."""

    def __init__(self, number: int) -> None:
        first = site_with()
        self.sites = [first]
        for _ in range(number - 1):
            node = Site(first.options)
            node.accounts, node.archive, node.config = first.accounts, first.archive, first.config
            self.sites.append(node)
        self._apps: list[ASGIApp] = [create_app(node.options, node) for node in self.sites]
        self.down: set[int] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        up = next((app for number, app in enumerate(self._apps) if number not in self.down), None)
        await (up or answers.error_page(502))(scope, receive, send)

    @contextmanager
    def restarted(self, number: int) -> Iterator[None]:
        """It is away inside, and has forgotten its sessions afterwards."""
        self.down.add(number)
        yield
        self.sites[number].restart()
        self.down.discard(number)

    def stored(self, project: str) -> str:
        row = self.sites[0].config.read(TOOL, "project-json", project)
        return row.contents if row else ""


def test_nodes_that_are_restarted_one_after_the_other_are_worked_through(host: ProviderHost) -> None:
    nodes = Nodes(2)
    with serve(nodes) as url:
        servers = host.provider(AiaaServersProvider)
        id_, state = servers.create(inputs(url))
        for number in range(2):
            with nodes.restarted(number):
                state = servers.update(id_, state, inputs(url, urls=[f"https://aiaa{number}.example.org"]))
                assert nodes.stored("LIVER") == f'["https://aiaa{number}.example.org"]'
        servers.delete(id_, state)
    assert nodes.stored("LIVER") == "[]"


def test_while_all_nodes_are_away_the_line_says_to_wait(host: ProviderHost) -> None:
    nodes = Nodes(2)
    with serve(nodes) as url:
        servers = host.provider(AiaaServersProvider)
        id_, state = servers.create(inputs(url))
        with (
            nodes.restarted(0),
            nodes.restarted(1),
            pytest.raises(
                ProviderFailed, match=r"answered 502 Bad Gateway.*: wait until it is up, then run the command"
            ),
        ):
            servers.update(id_, state, inputs(url, urls=["https://other.example.org"]))
        servers.update(id_, state, inputs(url, urls=["https://other.example.org"]))
    assert nodes.stored("LIVER") == '["https://other.example.org"]'


def test_a_changed_address_is_an_update_that_clears_nothing_at_the_old_one(host: ProviderHost) -> None:
    old, new = site_with(), site_with()
    servers = host.provider(AiaaServersProvider)
    with serve(create_app(old.options, old)) as there, serve(create_app(new.options, new)) as here:
        id_, state = servers.create(inputs(there))
        assert servers.diff(id_, state, inputs(here))
        servers.update(id_, state, inputs(here))
    for site in (old, new):
        row = site.config.read(TOOL, "project-json", "LIVER")
        assert row is not None
        assert row.contents == '["https://aiaa.example.org"]'


def test_at_another_address_nothing_is_known_of_whose_a_list_is(host: ProviderHost) -> None:
    old, new = site_with(), site_with()
    servers = host.provider(AiaaServersProvider)
    with serve(create_app(old.options, old)) as there, serve(create_app(new.options, new)) as here:
        id_, state = servers.create(inputs(there))
        new.config.write(TOOL, "project-json", "LIVER", json.dumps(OURS), user="eve", reason="")
        with pytest.raises(ProviderFailed, match=r"written by eve, first on .*, which this stack did not write"):
            servers.update(id_, state, inputs(here, urls=["https://other.example.org"]))
        servers.update(id_, state, inputs(here))
    assert "the list stands there already (written by eve" in host.said()


def test_two_stacks_do_not_change_each_others_projects_and_a_shared_project_is_reported_to_the_second() -> None:
    site = site_with()
    config = {"xnat": {"username": USER, "password": PASSWORD}}
    with serve(create_app(site.options, site)) as url, provider_host(config) as one, provider_host(config) as other:
        first, second = one.provider(AiaaServersProvider), other.provider(AiaaServersProvider)
        _, liver = first.create(inputs(url))
        _, spleen = second.create(inputs(url, "SPLEEN", urls=["https://other.example.org"]))
        with pytest.raises(ProviderFailed, match=r"written by svc-aiaa, first on .*, which this stack did not write"):
            second.create(inputs(url, urls=["https://other.example.org"]))
        second.create(inputs(url))
        assert "the list stands there already (written by svc-aiaa" in other.said()
        assert "if another stack registers it too, take it out of one of them" in other.said()
        second.delete("projects/SPLEEN", spleen)
        assert first.read("projects/LIVER", liver)[0] == "projects/LIVER"


def test_what_takes_over_where_a_list_is_removed_is_reported_once(host: ProviderHost) -> None:
    site = site_with()
    servers = host.provider(AiaaServersProvider)
    with serve(create_app(site.options, site)) as url:
        servers.create(inputs(url, scope="site", urls=["https://site.example.org"]))
        for project in ("LIVER", "SPLEEN"):
            id_, state = servers.create(inputs(url, project))
            servers.delete(id_, state)
    assert (
        host.said().count('as long as the site\'s list ["https://site.example.org"] stands, the viewer uses that') == 1
    )
