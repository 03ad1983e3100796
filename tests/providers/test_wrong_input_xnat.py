"""What is wrong with an XNAT, its account or its projects, in the words that the person reads.

Each was read with the question: would I know what to do?
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from dynamic_providers.xnat.access import AccessProvider
from dynamic_providers.xnat.aiaa_servers import AiaaServersProvider
from sandbox.faults import Fault
from sandbox.serve import serve
from sandbox.xnat.aiaa_api import TOOL
from sandbox.xnat.app import create_app
from sandbox.xnat.options import Options
from sandbox.xnat.site import Site
from tests.support.free_port import free_port
from tests.support.provider_host import Provider, ProviderFailed, ProviderHost, provider_host

from .conftest import PASSWORD, USER

ALIAS_OF_KIDNEY = "RENAL"
TWO_PROJECTS = Options(projects=("LIVER", "SPLEEN"))


def nothing(_site: Site) -> None:
    """A site as it should be."""


def without_rights(site: Site) -> None:
    site.accounts.users[USER].roles.clear()
    site.accounts.users[USER].groups.clear()


def without_projects(site: Site) -> None:
    site.accounts.users[USER].groups.clear()


def with_a_protected_project(site: Site) -> None:
    """And the account is a member of the other one."""
    without_projects(site)
    site.archive.projects["SPLEEN"].accessibility = "protected"
    site.accounts.users[USER].project_roles["LIVER"] = "Members"


def with_an_alias(site: Site) -> None:
    site.archive.add("KIDNEY", aliases=(ALIAS_OF_KIDNEY,))


def locked(site: Site) -> None:
    site.accounts.users[USER].locked_until = float("inf")


def with_an_old_password(site: Site) -> None:
    site.accounts.users[USER].password_expired = True


@dataclass
class Wrong:
    """One thing that is wrong, and what `xnat:Access` says of it after `XNAT <url>: `; `{url}` is XNAT's address."""

    says: str
    options: Options = TWO_PROJECTS
    change: Callable[[Site], None] = nothing
    projects: list[str] = field(default_factory=lambda: ["LIVER", "SPLEEN"])
    fault: Fault | None = None
    password: str = PASSWORD


GRANT = "`curl -u ADMIN -X PUT {url}/xapi/users/svc-aiaa/"
REFUSED = (
    "the log-in of svc-aiaa was refused (401): the password is wrong, or the account is locked or has too many "
    "sessions: mend xnat.username or the password; it was tried once and is not tried again in this run, as XNAT locks "
    "accounts. If XNAT's own log-in page takes them, they are too many sessions: those end after 15 idle minutes, or "
    "by an administrator's `curl -u ADMIN -X DELETE {url}/xapi/users/active/svc-aiaa`"
)
WRONG = {
    "unknown project": Wrong(
        projects=["LIVR", "SPLEEN"],
        says="there is no project LIVR: mend registrations.projects.LIVR (is LIVER meant?)",
    ),
    "project alias": Wrong(
        projects=[ALIAS_OF_KIDNEY],
        change=with_an_alias,
        says="RENAL is another name of project KIDNEY, and the viewer goes by IDs: write registrations.projects.KIDNEY",
    ),
    "several projects at once": Wrong(
        projects=["LIVER", "NONE"],
        change=without_projects,
        says="there is no project NONE: mend registrations.projects.NONE; account svc-aiaa may not read project LIVER, "
        f"which the list needs: let an administrator of XNAT give it the group ALL_DATA_ADMIN: {GRANT}"
        "groups/ALL_DATA_ADMIN`",
    ),
    "wrong password": Wrong(password="wrong", says=REFUSED),
    "locked account": Wrong(change=locked, says=REFUSED),
    "too many sessions": Wrong(options=Options(projects=("LIVER", "SPLEEN"), max_sessions=0), says=REFUSED),
    "expired password": Wrong(
        change=with_an_old_password,
        says="the password of svc-aiaa has expired: log in once as svc-aiaa at {url} in a browser, set a new one "
        "there, and use that one as xnat.password; with the role non_expiring it does not expire again: "
        f"{GRANT}roles/non_expiring`",
    ),
    "account without rights": Wrong(
        change=without_rights,
        says="account svc-aiaa is no site administrator, and XNAT lets only those write lists of servers: let an "
        f"administrator of XNAT give it the role Administrator and the group ALL_DATA_ADMIN: {GRANT}"
        f"roles/Administrator` and {GRANT}groups/ALL_DATA_ADMIN`",
    ),
    "account that sees no projects": Wrong(
        change=without_projects,
        says="account svc-aiaa may not read projects LIVER, SPLEEN, which the list needs: let an administrator "
        f"of XNAT give it the group ALL_DATA_ADMIN: {GRANT}groups/ALL_DATA_ADMIN`",
    ),
    "protected project, which is listed all the same": Wrong(
        change=with_a_protected_project,
        says="account svc-aiaa may not read project SPLEEN, which the list needs: let an administrator of XNAT give it "
        f"the group ALL_DATA_ADMIN: {GRANT}groups/ALL_DATA_ADMIN`",
    ),
    "no plugin": Wrong(
        options=Options(projects=("LIVER", "SPLEEN"), viewer_plugin=None, other_plugins=("containers",)),
        says="XNAT has no OHIF viewer plugin, only containers: install version 3.0 or newer and restart XNAT",
    ),
    "old plugin": Wrong(
        options=Options(projects=("LIVER", "SPLEEN"), viewer_plugin="2.1.0"),
        says="XNAT's OHIF viewer plugin is version 2.1.0, which keeps no lists of servers: install version 3.0 or "
        "newer and restart XNAT",
    ),
    "no plugin at all, or still starting": Wrong(
        options=Options(projects=("LIVER", "SPLEEN"), plugins_after=3600),
        says="XNAT has no OHIF viewer plugin, or has not finished starting (waited 1 s): wait until it has started and "
        "run the command again; if it has no plugin, install version 3.0 or newer and restart XNAT",
    ),
    "Tomcat without XNAT, or still starting": Wrong(
        options=Options(core_after=3600),
        says="GET {url}/xapi/siteConfig/buildInfo: answered 404 Not Found: an HTML page titled 'HTTP Status 404 - Not "
        "Found' (waited 1 s): wait until XNAT is up, or set xnat.url to XNAT's own address, with its context path if "
        "it has one",
    ),
    "not initialised": Wrong(
        options=Options(initialized=False),
        says="XNAT is not initialised: it redirects to /setup: open {url} in a browser as an administrator and finish "
        "the set-up page, then run the command again",
    ),
    "HTML": Wrong(
        fault=Fault("*", "html"),
        says="POST {url}/data/JSESSION: expected a session id, got: an HTML page titled 'Log in': set xnat.url to "
        "XNAT's own address, with its context path if it has one, without a log-in page in front of it",
    ),
}


@contextmanager
def running(wrong: Wrong) -> Iterator[tuple[str, Site, ProviderHost]]:
    site = Site(wrong.options)
    site.accounts.add(USER, PASSWORD, roles={"Administrator"}, groups={"ALL_DATA_ADMIN"})
    wrong.change(site)
    app = create_app(wrong.options, site)
    app.state.faults.set(*([wrong.fault] if wrong.fault else []))
    config = {"xnat": {"username": USER, "password": wrong.password, "timeout": 1}}
    with serve(app) as url, provider_host(config) as host:
        yield url, site, host


def servers(url: str, **changed: Any) -> dict[str, Any]:
    wanted = {"scope": "projects/LIVER", "xnat_url": url, "urls": ["https://aiaa.example.org"], "adopt": None}
    return {**wanted, "on_delete": "clear", **changed}


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(ProviderFailed) as failed:
        call()
    return str(failed.value)


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_before_anything_is_written(name: str) -> None:
    wrong = WRONG[name]
    with running(wrong) as (url, site, host):
        inputs = {"url": url, "username": USER, "projects": wrong.projects, "site": True}
        told = refusal(lambda: host.provider(AccessProvider).create(inputs))
        assert told == f"XNAT {url}: " + wrong.says.format(url=url)
        assert all(site.config.read(TOOL, "project-json", project) is None for project in site.archive.projects)


@pytest.fixture
def list_in_xnat(host: ProviderHost, xnat: str) -> tuple[Provider, str, dict[str, Any]]:
    provider = host.provider(AiaaServersProvider)
    id_, state = provider.create(servers(xnat))
    return provider, id_, state


def test_a_list_of_somebody_else_is_told_with_what_replaces_it(host: ProviderHost, xnat: str, site: Site) -> None:
    stored = '["https://other.example.org"]'
    site.config.write(TOOL, "project-json", "LIVER", stored, user="owner", reason="", unversioned=True)
    row = site.config.read(TOOL, "project-json", "LIVER")
    since = row.create_date[:19] if row else ""
    assert refusal(lambda: host.provider(AiaaServersProvider).create(servers(xnat))) == (
        f"AIAA servers of projects/LIVER in XNAT {xnat}: the list is {stored} (written by owner, first on {since}), "
        f"which this stack did not write: to replace it, write registrations.projects.LIVER: {{servers: [NAME], adopt: "
        f"{stored}}} with your server's NAME"
    )


def test_a_list_that_changed_since_the_last_refresh_is_told_with_what_shows_it(
    list_in_xnat: tuple[Provider, str, dict[str, Any]], xnat: str, site: Site
) -> None:
    provider, id_, state = list_in_xnat
    site.config.write(TOOL, "project-json", "LIVER", "nonsense", user="owner", reason="", unversioned=True)
    news = servers(xnat, urls=["https://new.example.org"])
    assert refusal(lambda: provider.update(id_, state, news)) == (
        f"AIAA servers of projects/LIVER in XNAT {xnat}: what owner has written there is no list of servers: nonsense: "
        "to see it in a preview, run `bin/pulumi refresh`; to replace it, write registrations.projects.LIVER: "
        "{servers: [NAME], adopt: []} with your server's NAME"
    )


def test_a_dead_xnat_is_told_with_how_to_go_on_without_it() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    dead = (
        f"AIAA servers of projects/LIVER in XNAT {url}: GET {url}/xapi/siteConfig/buildInfo: connection failed: "
        "Connection refused (waited 1 s): check the address, that the server runs, and that no firewall is in between; "
        "then run the command again; "
    )
    with provider_host({"xnat": {"username": USER, "password": PASSWORD, "timeout": 1}}) as host:
        provider = host.provider(AiaaServersProvider)
        state = servers(url, written=["https://aiaa.example.org"])
        assert refusal(lambda: provider.read("projects/LIVER", state)) == (
            f"{dead}to refresh the rest without XNAT: bin/pulumi refresh --exclude '**xnat:AiaaServers::*'"
        )
        assert refusal(lambda: provider.delete("projects/LIVER", state)) == (
            f'{dead}until then its list ["https://aiaa.example.org"] stays there. If it is gone for good: bin/aiaa '
            "forget xnat"
        )


@pytest.mark.parametrize(("status", "body"), [(404, "no such page"), (200, "<title>Intranet</title>")])
def test_where_another_server_has_taken_xnats_place_it_is_told_how_to_go_on_without_it(
    httpserver: HTTPServer, status: int, body: str
) -> None:
    httpserver.expect_request(re.compile(".*")).respond_with_data(body, status=status)
    url = httpserver.url_for("")
    with provider_host({"xnat": {"username": USER, "password": PASSWORD, "timeout": 1}}) as host:
        provider = host.provider(AiaaServersProvider)
        state = servers(url, written=["https://aiaa.example.org"])
        assert refusal(lambda: provider.delete("projects/LIVER", state)).endswith("bin/aiaa forget xnat")
