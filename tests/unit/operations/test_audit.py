"""`bin/aiaa audit`: every list of any XNAT, who wrote it, and why browsers would fail with it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clients.xnat import XnatClient
from operations import __main__ as command_line
from operations import audit
from operations.audit import Finding
from sandbox.faults import Fault, FaultPlan
from sandbox.serve import serve
from sandbox.xnat.aiaa_api import TOOL
from sandbox.xnat.app import create_app
from sandbox.xnat.options import Options
from sandbox.xnat.site import Site
from tests.support.aiaa_stand_in import AiaaStandIn
from tests.support.certificate import certificate
from tests.support.free_port import free_port

from .conftest import register

HTTPS = "https://xnat.example.org"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def site() -> Site:
    return Site(Options(projects=("KIDNEY", "LIVER", "LUNG", "SPLEEN")))


def findings(xnat: str, page: str = HTTPS, user: str = "admin") -> dict[str, Finding]:
    with XnatClient(xnat, user, user) as client:
        return {finding.scope: finding for finding in audit.run(client, page)}


def test_every_project_and_the_site_is_told_with_who_wrote_its_list_and_when(
    xnat: str, site: Site, aiaa: AiaaStandIn
) -> None:
    site.config.write(TOOL, "project-json", "LIVER", json.dumps([aiaa.url]), user="owner", reason="", unversioned=True)
    found = findings(xnat, page="http://127.0.0.1:8080")
    assert list(found) == ["site", "projects/KIDNEY", "projects/LIVER", "projects/LUNG", "projects/SPLEEN"]
    liver = found["projects/LIVER"]
    assert liver.author.startswith("written by owner, first on 20")
    assert (liver.servers, liver.comes_from, liver.url) == ((aiaa.url,), "project", aiaa.url)
    assert all(finding.problems == () for finding in found.values())
    assert found["projects/LUNG"] == Finding("projects/LUNG", (), "", "", "", ())


def test_what_does_not_work_is_told_where_its_list_is(xnat: str, aiaa: AiaaStandIn) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    register(xnat, "site", [dead])
    register(xnat, "projects/KIDNEY", ["https://gate.example.org/aiaa"])
    register(xnat, "projects/LIVER", ["http://aiaa.example.org"])
    register(xnat, "projects/SPLEEN", [aiaa.url, dead])
    found = findings(xnat)
    problems = {scope: "; ".join(finding.problems) for scope, finding in found.items()}
    assert f"from this machine, GET {dead}/v1/models: connection failed" in problems["site"]
    assert "the viewer drops the path and asks https://gate.example.org/v1/models" in problems["projects/KIDNEY"]
    assert "mixed content" in problems["projects/LIVER"]
    assert "the viewer uses the first entry only" in problems["projects/SPLEEN"]
    assert (found["projects/LUNG"].comes_from, found["projects/LUNG"].url) == ("site", dead)
    assert problems["projects/LUNG"] == ""  # it is the site's, and told there


def test_a_list_of_any_length_is_cut_in_the_table_and_whole_in_the_document(
    run: Run, xnat: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIGHT", "admin")
    huge = [f"http://127.0.0.1:{number}" for number in range(1, 2_000)]
    site.config.write(TOOL, "project-json", "LIVER", json.dumps(huge), user="owner", reason="", unversioned=True)
    _, table, _ = run(xnat, "--password-env", "RIGHT")
    assert max(map(len, table.splitlines())) < 10_000
    _, document, _ = run(xnat, "--password-env", "RIGHT", "--json")
    assert huge in [scope["servers"] for scope in json.loads(document)["scopes"]]


@pytest.mark.parametrize("stored", ["nonsense", "null", "[null]"])
def test_a_stored_text_that_is_not_a_list_does_not_hide_other_lists(xnat: str, site: Site, stored: str) -> None:
    register(xnat, "site", ["http://127.0.0.1:9"])
    site.config.write(TOOL, "project-json", "LIVER", stored, user="owner", reason="", unversioned=True)
    found = findings(xnat)
    liver = found["projects/LIVER"]
    assert f"what owner has written there is no list of servers: {stored}" in liver.problems[0]
    assert (liver.comes_from, liver.url, liver.known) == ("site", "http://127.0.0.1:9", True)  # as the viewer does
    assert len(found) == 5


def test_a_list_of_the_site_that_is_none_hides_no_project(xnat: str, site: Site, aiaa: AiaaStandIn) -> None:
    site.config.write(TOOL, "site-json", None, '{"x":1}', user="owner", reason="", unversioned=True)
    site.config.write(TOOL, "project-json", "LUNG", "nonsense", user="owner", reason="", unversioned=True)
    register(xnat, "projects/LIVER", [aiaa.url])
    found = findings(xnat, page="http://127.0.0.1:8080")
    assert len(found) == 5
    assert (found["projects/LIVER"].url, found["projects/LIVER"].problems) == (aiaa.url, ())
    for scope, path, there in (("site", "", '{"x":1}'), ("projects/LUNG", "projects/LUNG/", "nonsense")):
        (problem,) = found[scope].problems
        assert problem.startswith(f"what owner has written there is no list of servers: {there}: ")
        assert f"-X PUT -H 'Content-Type: application/json' -d '[]' {xnat}/xapi/ohifaiaa/{path}servers`" in problem
        assert "bin/pulumi" not in problem


def test_no_key_of_a_stack_file_is_named_where_there_is_none(xnat: str) -> None:
    register(xnat, "site", ["http://localhost:5000/path"])
    register(xnat, "projects/LIVER", ["http://aiaa.example.org"])
    told = " ".join(problem for finding in findings(xnat).values() for problem in finding.problems)
    assert "register an address that they reach" in told
    assert "mixed content" in told
    assert "browser_url" not in told


@pytest.mark.parametrize(
    ("told", "in_options"),
    [
        ("mend xnat.username or the password", "mend --username or the password"),
        ("set xnat.url to XNAT's own address", "set URL to XNAT's own address"),
        ("xnat.password_file: 'f' is empty", "--password-file: 'f' is empty"),
        ("audit.password: is empty", "the password: is empty"),
        ("GET https://xnat.url/data: answered 500", "GET https://xnat.url/data: answered 500"),
    ],
)
def test_errors_name_the_commands_options(told: str, in_options: str) -> None:
    assert audit.in_options(told) == in_options


def test_an_account_without_rights_sees_what_it_may(xnat: str, site: Site) -> None:
    site.accounts.add("member", "member").project_roles["LIVER"] = "Members"
    assert list(findings(xnat, user="member")) == ["site", "projects/LIVER"]


@pytest.mark.parametrize("roles", [{"Administrator"}, set[str]()])
def test_who_is_no_administrator_is_told_that_others_may_have_lists(
    xnat: str, site: Site, run: Run, roles: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site.accounts.add("bob", "bob", roles=roles).project_roles["LIVER"] = "Members"
    monkeypatch.setenv("BOBS", "bob")
    code, told, _ = run(xnat, "--password-env", "BOBS", user="bob")
    assert ("1 projects that bob sees; others may have lists: a site admin" in told) == (not roles)
    _, document, _ = run(xnat, "--password-env", "BOBS", "--json", user="bob")
    assert json.loads(document)["sees_all"] == bool(roles)
    assert code == (1 if roles else 0)  # an administrator without ALL_DATA_ADMIN is told of the other projects


def test_where_xnat_does_not_tell_the_roles_nobody_is_taken_for_an_administrator(
    plan: tuple[str, FaultPlan], run: Run
) -> None:
    url, faults = plan
    faults.set(Fault("/xapi/users/admin/roles", "status", status=403))
    code, told, _ = run(url)
    assert code == 0
    assert "4 projects that admin sees; others may have lists" in told


@pytest.fixture
def unread(xnat: str, site: Site) -> str:
    """LIVER has a list that `svc`, an administrator without ALL_DATA_ADMIN, may not read; the site has another."""
    site.accounts.add("svc", "svc", roles={"Administrator"}).project_roles["SPLEEN"] = "Members"
    register(xnat, "site", ["http://site.example.org:5000"])
    register(xnat, "projects/LIVER", ["http://liver.example.org:5000"])
    return xnat


def test_nothing_is_said_of_a_list_that_could_not_be_read(
    unread: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = findings(unread, user="svc")
    liver = found["projects/LIVER"]
    (problem,) = liver.problems
    assert liver == Finding("projects/LIVER", (), "", "", "", (problem,), known=False)
    assert problem.startswith("account svc may not read project LIVER, which the list needs: let an administrator")
    assert "writ" not in problem
    assert (found["projects/SPLEEN"].comes_from, found["projects/SPLEEN"].known) == ("site", True)
    monkeypatch.setenv("SVC", "svc")
    code, table, _ = run(unread, "--password-env", "SVC", user="svc")
    (row,) = [line for line in table.splitlines() if line.startswith("projects/LIVER")]
    assert row.split()[1:4] == ["unknown", "-", "unknown"]
    assert code == 1


def test_what_a_site_has_that_could_not_be_read_is_not_taken_for_none(
    plan: tuple[str, FaultPlan], aiaa: AiaaStandIn, run: Run
) -> None:
    url, faults = plan
    register(url, "projects/LIVER", [aiaa.url])
    register(url, "site", ["http://site.example.org:5000"])
    faults.set(Fault("/xapi/ohifaiaa/servers", "status", status=500))
    found = findings(url, page="http://127.0.0.1:8080")
    assert "answered 500 although a list is stored" in found["site"].problems[0]
    assert [(each.scope, each.url) for each in found.values() if each.known] == [("projects/LIVER", aiaa.url)]
    assert "3 other projects have no list of their own: a browser will use what the site's list says" in run(url)[1]


def test_the_authority_of_xnat_is_trusted_for_servers_too(
    xnat: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    cert, key = certificate(tmp_path)
    monkeypatch.setenv("ADMINS", "admin")
    with serve(create_app(site.options, site), ssl_certfile=cert, ssl_keyfile=key) as url:
        register(xnat, "site", [url])
        _, told, _ = run(url, "--password-env", "ADMINS", "--ca-file", cert)
    assert f"from this machine, GET {url}/v1/models: answered 404" in told


def test_nothing_that_anybody_wrote_into_a_list_commands_the_terminal(
    xnat: str, site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = json.dumps(["\x1b]0;owned\x07\x1b[2Jhttp://x"])
    for of, project in (("site-json", None), ("project-json", "LIVER")):
        site.config.write(TOOL, of, project, commands, user="owner", reason="", unversioned=True)
    found = list(findings(xnat).values())
    for terminal in (False, True):
        monkeypatch.setattr("sys.stdout.isatty", lambda terminal=terminal: terminal)
        audit.show(found)
        told = capsys.readouterr().out
        assert "owned" in told
        assert "other projects have no list" in told
        assert "\x07" not in told
        assert "\x1b]" not in told
        assert "\x1b[2J" not in told


@pytest.fixture
def plan(site: Site) -> Iterator[tuple[str, FaultPlan]]:
    app = create_app(site.options, site)
    with serve(app) as url:
        yield url, app.state.faults


def test_it_reads_only_with_one_log_in(plan: tuple[str, FaultPlan]) -> None:
    url, seen = plan
    register(url, "projects/LIVER", ["http://127.0.0.1:9"])
    seen.requests.clear()
    findings(url)
    asked = [(entry.method, entry.path) for entry in seen.requests]
    assert [each for each in asked if each[0] != "GET"] == [("POST", "/data/JSESSION"), ("DELETE", "/data/JSESSION")]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    (tmp_path / "password").write_text("admin\n")

    def run(url: str, *args: str, user: str = "admin") -> tuple[int, str, str]:
        words = ["audit", url, "--username", user, *(args or ["--password-file", str(tmp_path / "password")])]
        monkeypatch.setattr(sys, "argv", ["bin/aiaa", *words])
        return (command_line.main(), *capsys.readouterr())

    return run


def test_the_command_needs_no_stack_and_ends_with_1_if_something_is_wrong(
    run: Run, xnat: str, site: Site, aiaa: AiaaStandIn, tmp_path: Path
) -> None:
    register(xnat, "projects/LIVER", [aiaa.url])
    code, table, _ = run(xnat)
    assert code == 0
    assert "projects/LIVER" in table
    assert "3 other projects have no list of their own: a browser will use no server there." in table
    register(xnat, "site", ["http://h:1/path"])
    site.config.write(TOOL, "project-json", "KIDNEY", '{"x":1}', user="owner", reason="", unversioned=True)
    code, document, _ = run(xnat, "--password-file", str(tmp_path / "password"), "--json")
    assert code == 1
    told = json.loads(document)
    assert (told["url"], told["well"]) == (xnat, False)
    assert [entry["scope"] for entry in told["scopes"]][:2] == ["site", "projects/KIDNEY"]
    assert set(told["scopes"][0]) == {"scope", "servers", "author", "comes_from", "url", "problems", "known"}


def test_an_expired_password_is_reported_with_the_commands_options(
    run: Run, xnat: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIGHT", "admin")
    site.accounts.users["admin"].password_expired = True
    code, _, message = run(xnat, "--password-env", "RIGHT")
    assert (code, message.count("\n")) == (1, 1)
    assert "the password of admin has expired: log in once as admin" in message
    assert "and use that one as the password" in message


def test_what_is_wrong_with_the_command_or_xnat_is_one_line(
    run: Run, xnat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRONG", "wrong")
    code, _, told = run(xnat, "--password-env", "WRONG")
    assert (code, told.count("\n")) == (1, 1)
    assert "the log-in of admin was refused" in told
    assert "mend --username or the password" in told
    code, _, told = run("xnat.example.org", "--password-env", "WRONG")
    assert (code, told.count("\n")) == (2, 1)
    assert told.startswith("bin/aiaa audit: URL: must begin with http:// or https://")
    code, _, told = run(xnat, "--password-env", "NO_SUCH_VARIABLE")
    assert code == 2
    assert "--password-env: the environment variable NO_SUCH_VARIABLE is not set or empty" in told
    code, _, told = run(xnat, "--json")
    assert (code, told.count("\n")) == (2, 1)
    assert "give --password-env or --password-file" in told
