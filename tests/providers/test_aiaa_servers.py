"""`xnat:AiaaServers`: lists of AIAA servers in XNAT."""

from __future__ import annotations

from typing import Any

import pytest

from dynamic_providers.xnat.aiaa_servers import AiaaServersProvider
from sandbox.faults import Fault
from sandbox.serve import serve
from sandbox.xnat.aiaa_api import TOOL
from sandbox.xnat.app import create_app
from sandbox.xnat.options import Options
from sandbox.xnat.site import Site
from tests.support.provider_host import UNKNOWN, Provider, ProviderFailed, ProviderHost, provider_host

from .conftest import PASSWORD, USER

OURS = ["https://aiaa.example.org"]
OTHER = ["https://other.example.org"]


@pytest.fixture
def servers(host: ProviderHost) -> Provider:
    return host.provider(AiaaServersProvider)


def inputs(xnat: str, **changed: Any) -> dict[str, Any]:
    scope = changed.pop("scope", "projects/LIVER")
    return {"scope": scope, "xnat_url": xnat, "urls": OURS, "adopt": None, "on_delete": "clear"} | changed


def stored(site: Site, project: str | None = "LIVER") -> str | None:
    row = site.config.read(TOOL, "project-json" if project else "site-json", project)
    return row.contents if row else None


def write(site: Site, contents: str, project: str | None = "LIVER") -> None:
    path = "project-json" if project else "site-json"
    site.config.write(TOOL, path, project, contents, user="somebody", reason="", unversioned=True)


OURS_TEXT, OTHER_TEXT = '["https://aiaa.example.org"]', '["https://other.example.org"]'  # as people are told
OURS_STORED, OTHER_STORED = '["https://aiaa.example.org"]', '["https://other.example.org"]'


@pytest.mark.parametrize(("scope", "project"), [("site", None), ("projects/LIVER", "LIVER")])
def test_a_list_is_written_read_and_taken_back(
    servers: Provider, xnat: str, site: Site, scope: str, project: str | None
) -> None:
    id_, state = servers.create(inputs(xnat, scope=scope))
    assert id_ == scope
    assert stored(site, project) == OURS_STORED
    read_id, read_state, read_inputs = servers.read(id_, state)
    assert (read_id, read_state) == (id_, state)
    assert not servers.diff(id_, state, read_inputs)
    servers.delete(id_, state)
    assert stored(site, project) == "[]"
    assert servers.read(id_, state)[0] == ""


def test_a_list_of_somebody_else_is_not_replaced(servers: Provider, xnat: str, site: Site) -> None:
    write(site, OTHER_STORED)
    with pytest.raises(ProviderFailed) as failed:
        servers.create(inputs(xnat))
    assert 'adopt: ["https://other.example.org"]' in str(failed.value)
    assert "\n" not in str(failed.value)
    assert stored(site) == OTHER_STORED


def test_a_list_that_is_stated_in_adopt_is_replaced(servers: Provider, xnat: str, site: Site) -> None:
    write(site, OTHER_STORED)
    servers.create(inputs(xnat, adopt=OTHER))
    assert stored(site) == OURS_STORED


def test_creating_again_after_a_kill_finds_the_own_list(servers: Provider, xnat: str, site: Site) -> None:
    write(site, OURS_STORED)
    assert servers.create(inputs(xnat))[0] == "projects/LIVER"


def test_an_update_replaces_the_own_list_and_no_other(servers: Provider, xnat: str, site: Site) -> None:
    id_, state = servers.create(inputs(xnat))
    news = inputs(xnat, urls=["https://new.example.org"])
    assert servers.diff(id_, state, news)
    servers.update(id_, state, news)
    assert stored(site) == '["https://new.example.org"]'
    write(site, OTHER_STORED)
    with pytest.raises(ProviderFailed, match="this stack did not write"):
        servers.update(id_, state, news)
    assert stored(site) == OTHER_STORED


def test_drift_that_a_refresh_has_shown_is_repaired(
    servers: Provider, host: ProviderHost, xnat: str, site: Site
) -> None:
    id_, state = servers.create(inputs(xnat))
    write(site, OTHER_STORED)
    _, drifted, live = servers.read(id_, state)
    assert live["urls"] == OTHER
    assert f"the list is now {OTHER_TEXT}, this stack's last finished run wrote {OURS_TEXT}" in host.said()
    assert servers.diff(id_, drifted, inputs(xnat))
    servers.update(id_, drifted, inputs(xnat))
    assert stored(site) == OURS_STORED


def test_a_list_that_somebody_changed_is_left_alone_at_destroy_even_after_a_refresh(
    servers: Provider, host: ProviderHost, xnat: str, site: Site
) -> None:
    id_, state = servers.create(inputs(xnat))
    write(site, OTHER_STORED)
    _, drifted, _ = servers.read(id_, state)
    servers.delete(id_, drifted)
    assert stored(site) == OTHER_STORED
    assert "left as it is" in host.said()


@pytest.mark.parametrize(
    ("more", "now"),
    [
        ({"xnat": {"url": "https://new.example.org"}}, "https://new.example.org"),
        ({"xnat": {}, "sandbox": {"xnat": {"port": 8081}}}, "http://127.0.0.1:8081"),
    ],
    ids=["another XNAT", "the sandbox's"],
)
def test_a_list_that_goes_with_a_change_of_xnats_address_stays_there_without_a_log_in(
    servers: Provider, xnat: str, site: Site, more: dict[str, dict[str, Any]], now: str
) -> None:
    _, state = servers.create(inputs(xnat))
    log_ins = site.accounts.users[USER].failed_logins
    account = {"username": USER, "password": "another"}
    with provider_host({**more, "xnat": {**more["xnat"], **account}}) as later:
        later.provider(AiaaServersProvider).delete("projects/LIVER", state)
        assert f"left as it is, as the stack's XNAT is {now} now. To empty it by hand: curl" in later.said()
        assert f" {xnat}/xapi/ohifaiaa/projects/LIVER/servers" in later.said()
    assert stored(site) == OURS_STORED
    assert site.accounts.users[USER].failed_logins == log_ins


def test_a_list_is_kept_at_destroy_if_told_so(servers: Provider, host: ProviderHost, xnat: str, site: Site) -> None:
    id_, state = servers.create(inputs(xnat, on_delete="keep"))
    servers.delete(id_, state)
    assert stored(site) == OURS_STORED
    assert f"AIAA servers of projects/LIVER in XNAT {xnat}: stays as it is (on_delete: keep)" in host.said()


def test_a_list_is_gone_with_its_project_once_xnat_says_so_to_an_account_that_sees_all(host: ProviderHost) -> None:
    site = Site(Options(projects=("LIVER",)))
    site.accounts.add(USER, PASSWORD, roles={"Administrator"}, groups={"ALL_DATA_ADMIN"})
    servers = host.provider(AiaaServersProvider)
    with serve(create_app(site.options, site)) as xnat:
        id_, state = servers.create(inputs(xnat))
        del site.archive.projects["LIVER"]
        account = site.accounts.users[USER]
        account.groups.clear()
        for blocked in (lambda: servers.read(id_, state), lambda: servers.delete(id_, state)):
            with pytest.raises(ProviderFailed, match=f"account {USER} may not read project LIVER"):
                blocked()
        account.groups.add("ALL_DATA_ADMIN")
        assert servers.read(id_, state)[0] == ""
        servers.delete(id_, state)
    assert "there is no project LIVER any more, and so no list" in host.said()
    assert "nothing to take back: there is no project LIVER any more" in host.said()


NO_LISTS = pytest.mark.parametrize("no_list", ["nonsense", "null", '["https://a", null]', r'["https://a/\ud800"]'])


@NO_LISTS
def test_what_is_no_list_is_told_by_a_refresh_and_replaced_by_the_next_update_alone(
    servers: Provider, host: ProviderHost, xnat: str, site: Site, no_list: str
) -> None:
    id_, state = servers.create(inputs(xnat))
    write(site, no_list)
    with pytest.raises(ProviderFailed, match="bin/pulumi refresh"):
        servers.update(id_, state, inputs(xnat, urls=["https://new.example.org"]))
    assert stored(site) == no_list
    read_id, drifted, live = servers.read(id_, state)
    assert read_id == id_
    assert live["drift"] == f"what somebody has written there is no list of servers: {no_list}"
    assert live["drift"] in host.said()
    assert servers.diff(id_, drifted, inputs(xnat))
    servers.delete(id_, drifted)
    assert stored(site) == no_list
    repaired = servers.update(id_, drifted, inputs(xnat))
    assert stored(site) == OURS_STORED
    assert not servers.diff(id_, repaired, inputs(xnat))


@NO_LISTS
def test_what_is_no_list_is_replaced_if_adopt_states_that_there_is_none(
    servers: Provider, xnat: str, site: Site, no_list: str
) -> None:
    write(site, no_list)
    with pytest.raises(ProviderFailed, match=r"projects\.LIVER: {servers: \[NAME\], adopt: \[\]}"):
        servers.create(inputs(xnat))
    servers.create(inputs(xnat, adopt=[]))
    assert stored(site) == OURS_STORED


def test_a_list_that_was_emptied_is_told_and_counts_as_gone(
    servers: Provider, host: ProviderHost, xnat: str, site: Site
) -> None:
    id_, state = servers.create(inputs(xnat))
    write(site, "[]")
    assert servers.read(id_, state)[0] == ""
    assert f"AIAA servers of projects/LIVER in XNAT {xnat}: there is no list any more" in host.said()


@pytest.mark.parametrize(
    "fault",
    [
        Fault("/xapi/ohifaiaa/*", "status", status=500),
        Fault("/xapi/ohifaiaa/*", "status", status=503),
        Fault("/xapi/ohifaiaa/*", "html"),
        Fault("/xapi/ohifaiaa/*", "html", status=404),
        Fault("/xapi/ohifaiaa/*", "reset"),
        Fault("/xapi/ohifaiaa/*", "truncate"),
        Fault("/xapi/ohifaiaa/*", "status", status=401),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_no_failure_of_xnat_is_taken_for_an_absent_list(host: ProviderHost, site: Site, fault: Fault) -> None:
    servers = host.provider(AiaaServersProvider)
    app = create_app(site.options, site)
    with serve(app) as xnat:
        id_, state = servers.create(inputs(xnat))
        app.state.faults.set(fault)
        with pytest.raises(ProviderFailed) as failed:
            servers.read(id_, state)
    assert str(failed.value).startswith(f"AIAA servers of projects/LIVER in XNAT {xnat}: ")
    assert "\n" not in str(failed.value)
    assert PASSWORD not in str(failed.value) + host.said()


def test_a_write_whose_answer_was_lost_is_repeated(host: ProviderHost, site: Site) -> None:
    app = create_app(site.options, site)
    app.state.faults.set(Fault("/xapi/ohifaiaa/*", "reset", method="PUT", times=1, applied=True))
    with serve(app) as xnat:
        host.provider(AiaaServersProvider).create(inputs(xnat))
    assert stored(site) == OURS_STORED


def test_all_lists_of_a_run_share_one_log_in_which_ends_with_it(site: Site) -> None:
    app = create_app(site.options, site)
    with serve(app) as xnat:
        with provider_host({"xnat": {"username": USER, "password": PASSWORD}}) as host:
            servers = host.provider(AiaaServersProvider)
            for scope in ("site", "projects/LIVER", "projects/SPLEEN"):
                id_, state = servers.create(inputs(xnat, scope=scope))
                servers.read(id_, state)
            assert len(site.sessions.of(USER)) == 1
        logins = [entry for entry in app.state.faults.requests if entry.path == "/data/JSESSION"]
    assert [entry.method for entry in logins if entry.method == "POST"] == ["POST"]


def test_a_refused_log_in_is_tried_once_for_all_resources(site: Site) -> None:
    app = create_app(site.options, site)
    with serve(app) as xnat, provider_host({"xnat": {"username": USER, "password": "wrong"}}) as host:
        servers = host.provider(AiaaServersProvider)
        for scope in ("site", "projects/LIVER"):
            with pytest.raises(ProviderFailed, match="the log-in of svc-aiaa was refused"):
                servers.create(inputs(xnat, scope=scope))
    assert site.accounts.users[USER].failed_logins == 1


def test_check_and_diff_need_no_network_and_no_known_values(servers: Provider) -> None:
    nowhere = "http://127.0.0.1:9"
    assert servers.check(inputs(nowhere)) == {}
    assert servers.check(inputs(UNKNOWN, urls=[UNKNOWN])) == {}
    assert servers.check(inputs(nowhere, urls=[])).keys() == {"urls"}
    state = inputs(nowhere, written=OURS)
    assert not servers.diff("projects/LIVER", state, inputs(nowhere))
    assert servers.diff("projects/LIVER", state, inputs(nowhere, urls=[UNKNOWN]))
    assert servers.diff("projects/LIVER", state, inputs("https://xnat.example.org"))


def test_a_password_from_the_environment_is_read_when_it_is_needed(site: Site, xnat: str) -> None:
    config = {"xnat": {"username": USER, "password_env": "XNAT_PASSWORD"}}
    with provider_host(config, env={"XNAT_PASSWORD": PASSWORD}) as host:
        host.provider(AiaaServersProvider).create(inputs(xnat))
    assert stored(site) == OURS_STORED
    with provider_host(config, env={"XNAT_PASSWORD": ""}) as host, pytest.raises(ProviderFailed, match="XNAT_PASSWORD"):
        host.provider(AiaaServersProvider).create(inputs(xnat))
