"""The start in steps, a restart, the set-up that an administrator has to finish, the command line and the process."""

import math
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from sandbox.xnat.options import Options, parse

from .conftest import LIVER, ROOT, SERVERS, SITE, Start, Xnat

OPEN = ["/", "/app/template/Login.vm", "/xapi/siteConfig/buildInfo"]
PLUGIN = "/xapi/plugins/ohifViewerPlugin"


@pytest.mark.parametrize("path", OPEN)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_tells_whether_it_is_up_needs_no_login(xnat: Xnat, method: str, path: str) -> None:
    assert xnat.ask(method, path, None).status_code == 200
    assert xnat.sessions() == 0


def test_the_build_info_has_xnats_version(xnat: Xnat) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", xnat.get("/xapi/siteConfig/buildInfo", None).json()["version"])


def test_plugins_are_listed_by_their_id(xnat: Xnat) -> None:
    plugin = xnat.get(PLUGIN).json()
    assert xnat.get("/xapi/plugins").json() == {"ohifViewerPlugin": plugin}
    assert (plugin["id"], plugin["name"]) == ("ohifViewerPlugin", "XNAT OHIF Viewer Plugin")
    assert xnat.get("/xapi/plugins/containers").status_code == 404
    assert xnat.get(PLUGIN, None).status_code == 401


def test_below_a_context_path_is_all_and_elsewhere_nothing(start: Start) -> None:
    with start(context_path="/xnat", initialized=False) as xnat:
        assert xnat.get("/xapi/siteConfig/buildInfo", None).status_code == 404
        assert xnat.get("/xnat/xapi/siteConfig/buildInfo", None).status_code == 200
        answer = xnat.get(f"/xnat{SITE}")
        assert (answer.status_code, answer.headers["Location"]) == (302, "/xnat/setup")
        assert "Path=/xnat/" in answer.headers["Set-Cookie"]


def test_it_starts_in_steps_tomcat_then_the_core_then_the_plugins_routes(start: Start) -> None:
    with start(core_after=10, plugins_after=5) as xnat:
        assert {xnat.get(path).status_code for path in (*OPEN, SITE, "/data/projects")} == {404}
        xnat.clock.now = 10
        assert {xnat.get(path).status_code for path in (*OPEN, "/data/projects")} == {200}
        missing = xnat.get(SITE)
        assert (missing.status_code, missing.text[:1]) == (404, "<")
        assert xnat.put(LIVER, json=SERVERS).status_code == xnat.get(PLUGIN).status_code == 404
        assert xnat.get(SITE, None).status_code == 401
        xnat.clock.now = 15
        assert xnat.get(SITE).json() == ["No AIAA server list found"]
        assert xnat.get(PLUGIN).status_code == 200


def test_a_plugin_that_never_comes_is_one_that_is_not_installed(start: Start) -> None:
    with start(plugins_after=math.inf) as xnat:
        xnat.clock.now = 1e9
        assert xnat.get("/xapi/plugins").json() == {}
        assert not xnat.get(SITE).text.startswith("[")


@pytest.mark.parametrize(
    ("installed", "listed"),
    [
        ({"viewer_plugin": None}, {}),
        ({"viewer_plugin": None, "other_plugins": ("containers",)}, {"containers": "1.0.0"}),
        ({"viewer_plugin": "2.1.0"}, {"ohifViewerPlugin": "2.1.0"}),
    ],
)
def test_without_a_viewer_plugin_that_has_lists_their_routes_are_not_there(
    start: Start, installed: dict[str, object], listed: dict[str, str]
) -> None:
    """OhifAiaaApi came with the plugin's version 3.0."""
    with start(**installed) as xnat:
        found = xnat.get("/xapi/plugins").json()
        assert {name: plugin["version"] for name, plugin in found.items()} == listed
        assert {xnat.get(path).status_code for path in (SITE, LIVER)} == {404}
        assert not xnat.get(SITE).text.startswith("[")


def test_a_restart_ends_sessions_and_keeps_what_is_stored(start: Start) -> None:
    with start(core_after=10) as xnat:
        xnat.clock.now = 10
        xnat.put(SITE, json=SERVERS)
        cookie = {"JSESSIONID": xnat.ask("POST", "/data/JSESSION").text}
        assert xnat.ask("POST", "/sandbox/restart", None).status_code == 204
        assert xnat.get(SITE).status_code == 404
        xnat.clock.now = 20
        assert xnat.get(SITE, None, cookies=cookie).status_code == 401
        assert xnat.get(SITE).json() == SERVERS


@pytest.mark.parametrize(
    ("user", "page"), [("admin", "/setup"), ("site_admin", "/setup"), ("member", "/app/template/Unconfigured.vm")]
)
@pytest.mark.parametrize("path", [SITE, LIVER, "/data/JSESSION", "/data/projects", PLUGIN])
def test_before_its_set_up_it_redirects_all_who_are_logged_in(start: Start, user: str, page: str, path: str) -> None:
    with start(initialized=False) as xnat:
        answer = xnat.get(path, user)
        assert (answer.status_code, answer.headers["Location"]) == (302, page)
        assert xnat.get(path, None).status_code == 401
        assert {xnat.get(path, None).status_code for path in OPEN} == {200}


def test_an_administrator_sets_it_up(start: Start) -> None:
    with start(initialized=False) as xnat:
        document = {"initialized": True, "siteUrl": "https://xnat.example.org"}
        assert xnat.get("/xapi/siteConfig/initialized").json() is False
        assert xnat.ask("POST", "/xapi/siteConfig", "member", json=document).status_code == 403
        assert xnat.ask("POST", "/xapi/siteConfig", json=document).status_code == 200
        assert xnat.get("/xapi/siteConfig/initialized").json() is True
        assert xnat.put(SITE, json=SERVERS).status_code == 200


def test_a_new_site_url_counts_for_the_cookie_after_a_restart(xnat: Xnat) -> None:
    xnat.ask("POST", "/xapi/siteConfig", json={"siteUrl": "https://xnat.example.org"})
    assert "Secure" not in xnat.get("/data/auth").headers["Set-Cookie"]
    xnat.ask("POST", "/sandbox/restart", None)
    assert "Secure" in xnat.get("/data/auth").headers["Set-Cookie"]


def test_the_command_line_names_address_projects_and_folder() -> None:
    assert parse([]) == ("127.0.0.1", 8080, Options())
    line = "--host 0.0.0.0 --port 80 --project LIVER --project SPLEEN --data /data"
    options = Options(projects=("LIVER", "SPLEEN"), data=Path("/data"))
    assert parse(line.split()) == ("0.0.0.0", 80, options)


def test_an_option_that_it_does_not_know_stops_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(["--no-such", "1"])
    assert stop.value.code == 2
    assert "start_xnat.sh: error" in capsys.readouterr().err


def test_sigterm_ends_the_process_at_once() -> None:
    """As PID 1 of its container it would be deaf to it without a handler."""
    command = [sys.executable, "-m", "sandbox.xnat", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            url = next(found.group() for line in process.stderr if (found := re.search(r"http://[\d.:]+", line)))
            assert requests.get(f"{url}/app/template/Login.vm", timeout=10).status_code == 200
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=5) == 0
        finally:
            process.kill()
