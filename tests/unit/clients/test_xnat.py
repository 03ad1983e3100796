"""The XNAT client against scripted answers: one session, and what each answer about a list means."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from clients.errors import Broken, ClientError, LoginRefused, NotReady, Refused, Rejected
from clients.xnat import XnatClient
from clients.xnat_answers import NoPlugin, NoProject, UnreadableList

PASSWORD = "pä/ss w:rd"
BASIC = "Basic " + b64encode(f"svc:{PASSWORD}".encode()).decode()
SITE = "/xapi/ohifaiaa/servers"
LIVER = "/xapi/ohifaiaa/projects/LIVER/servers"
PROJECT = "/data/projects/LIVER"
NONE = Response('["No AIAA server list found"]', status=404, content_type="application/json")
TOMCAT_404 = Response("<!doctype html><title>HTTP Status 404 - Not Found</title>", status=404, content_type="text/html")
LOGIN_PAGE = "<!DOCTYPE html>\n<html><head><title>XNAT Login</title></head></html>"


class Script:
    """An XNAT that logs in at once, and else answers what it is told."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.url = server.url_for("/")
        self._log_ins = iter(("SESSION1", "SESSION2"))
        server.expect_request("/data/JSESSION", "POST").respond_with_handler(lambda _: Response(next(self._log_ins)))
        server.expect_request("/data/JSESSION", "DELETE").respond_with_data("")

    def answers(self, path: str, *responses: Response, method: str = "GET") -> None:
        for response in responses:
            self.server.expect_oneshot_request(path, method).respond_with_response(response)

    def knows_as(self, account: str) -> None:
        self.server.expect_request("/data/auth").respond_with_data(f"User '{account}' is logged in")

    def client(self) -> XnatClient:
        return XnatClient(self.url, "svc", PASSWORD, timeout=5)

    @property
    def calls(self) -> list[str]:
        return [f"{request.method} {request.path}" for request, _ in self.server.log]

    @property
    def requests(self) -> list[Request]:
        return [request for request, _ in self.server.log]


@pytest.fixture
def xnat(httpserver: HTTPServer) -> Script:
    return Script(httpserver)


@pytest.fixture
def client(xnat: Script) -> Iterator[XnatClient]:
    with xnat.client() as opened:
        yield opened


def listing(*urls: object) -> Response:
    return Response(json.dumps(urls), content_type="application/json")


def projects(*ids: str) -> Response:
    return Response(json.dumps({"ResultSet": {"Result": [{"ID": id_} for id_ in ids]}}))


def stored_by(user: str, contents: str) -> Response:
    """A row of XNAT's configuration service."""
    return Response(json.dumps({"ResultSet": {"Result": [{"user": user, "contents": contents}]}}))


def redirect(target: str, status: int = 302) -> Response:
    return Response(status=status, headers={"Location": target})


class TestSession:
    def test_there_is_one_log_in_whose_cookie_all_calls_carry_and_one_log_out(self, xnat: Script) -> None:
        xnat.answers(SITE, listing(), listing())
        with xnat.client() as client:
            client.server_list("site")
            client.server_list("site")
        assert xnat.calls == ["POST /data/JSESSION", f"GET {SITE}", f"GET {SITE}", "DELETE /data/JSESSION"]
        log_in, *others = xnat.requests
        assert log_in.headers["Authorization"] == BASIC
        assert {request.headers["Cookie"] for request in others} == {"JSESSIONID=SESSION1"}
        assert not any("Authorization" in request.headers for request in others)

    def test_a_secure_cookie_is_sent_over_a_plain_connection_too(self, httpserver: HTTPServer) -> None:
        """XNAT marks it so where its public address is https; a cookie jar would hold it back."""
        cookie = {"Set-Cookie": "JSESSIONID=SESSION1; Path=/; Secure; HttpOnly"}
        httpserver.expect_request("/data/JSESSION", "POST").respond_with_data("SESSION1", headers=cookie)
        httpserver.expect_request(SITE).respond_with_json([])
        with XnatClient(httpserver.url_for("/"), "svc", PASSWORD) as client:
            client.server_list("site")
        assert httpserver.log[1][0].headers["Cookie"] == "JSESSIONID=SESSION1"

    def test_a_cookie_that_the_server_sets_later_does_not_replace_the_session(
        self, xnat: Script, client: XnatClient
    ) -> None:
        other = listing()
        other.headers["Set-Cookie"] = "JSESSIONID=GUEST; Path=/"
        xnat.answers(SITE, other, listing())
        client.server_list("site")
        client.server_list("site")
        assert xnat.requests[-1].headers["Cookie"] == "JSESSIONID=SESSION1"

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_refused_log_in_is_not_tried_again(self, httpserver: HTTPServer, status: int) -> None:
        httpserver.expect_request("/data/JSESSION").respond_with_data("<html></html>", status=status)
        with pytest.raises(LoginRefused, match="log-in of svc was refused") as caught:
            XnatClient(httpserver.url_for("/"), "svc", PASSWORD).__enter__()
        assert len(httpserver.log) == 1
        assert PASSWORD not in str(caught.value)

    def test_a_balancers_cookie_of_the_log_in_goes_with_every_call(self, httpserver: HTTPServer) -> None:
        login = Response("SESSION1")
        login.set_cookie("route", "node2")
        login.set_cookie("SESSION_EXPIRATION_TIME", "1700000000000,900000")  # XNAT's, for its own pages
        httpserver.expect_request("/data/JSESSION", "POST").respond_with_response(login)
        httpserver.expect_request(SITE).respond_with_json([])
        with XnatClient(httpserver.url_for("/"), "svc", PASSWORD) as client:
            client.server_list("site")
        assert dict(httpserver.log[1][0].cookies) == {"route": "node2", "JSESSIONID": "SESSION1"}

    def test_an_xnat_that_loses_every_session_is_not_given_ever_more_of_them(self, httpserver: HTTPServer) -> None:
        sessions = count()
        httpserver.expect_request("/data/JSESSION", "POST").respond_with_handler(
            lambda _: Response(f"SESSION{next(sessions)}")
        )
        httpserver.expect_request(SITE).respond_with_data(status=401)
        with XnatClient(httpserver.url_for("/"), "svc", PASSWORD) as client:
            for _ in range(20):
                with pytest.raises(Refused) as caught:
                    client.server_list("site")
        assert "XNAT has lost 11 sessions of svc in this run: if it has several nodes" in caught.value.line
        assert next(sessions) == 11

    def test_sessions_that_lasted_are_renewed_as_often_as_it_takes(
        self, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("clients.xnat_session._LASTING", 0.0)
        sessions = count()
        httpserver.expect_request("/data/JSESSION", "POST").respond_with_handler(
            lambda _: Response(f"SESSION{next(sessions)}")
        )
        with XnatClient(httpserver.url_for("/"), "svc", PASSWORD) as client:
            for _ in range(15):
                httpserver.expect_oneshot_request(SITE).respond_with_data(status=401)
                httpserver.expect_oneshot_request(SITE).respond_with_json(["http://a"])
                assert client.server_list("site") == ("http://a",)

    def test_a_log_in_is_sent_once_even_to_an_xnat_that_is_not_ready(self, httpserver: HTTPServer) -> None:
        httpserver.expect_request("/data/JSESSION").respond_with_data(status=503)
        with pytest.raises(NotReady):
            XnatClient(httpserver.url_for("/"), "svc", PASSWORD).__enter__()
        assert len(httpserver.log) == 1

    @pytest.mark.parametrize("body", [LOGIN_PAGE, "", "two words", '{"a": 1}'])
    def test_a_page_in_place_of_a_session_is_no_log_in(self, httpserver: HTTPServer, body: str) -> None:
        httpserver.expect_request("/data/JSESSION").respond_with_data(body)
        with pytest.raises(Broken, match="expected a session id") as caught:
            XnatClient(httpserver.url_for("/"), "svc", PASSWORD).__enter__()
        assert "set xnat.url to XNAT's own address" in caught.value.line

    @pytest.mark.parametrize("status", [502, 503, 504])
    def test_an_xnat_that_could_not_renew_a_session_is_asked_again_by_the_next_call(
        self, xnat: Script, client: XnatClient, status: int
    ) -> None:
        xnat.server.clear_all_handlers()
        xnat.server.expect_oneshot_request("/data/JSESSION", "POST").respond_with_data(status=status)
        xnat.server.expect_oneshot_request("/data/JSESSION", "POST").respond_with_data("SESSION2")
        xnat.server.expect_oneshot_request(SITE).respond_with_data(status=401)
        with pytest.raises(NotReady):
            client.server_list("site")
        xnat.server.expect_oneshot_request(SITE).respond_with_data(status=401)
        xnat.server.expect_oneshot_request(SITE).respond_with_json(["http://a"])
        assert client.server_list("site") == ("http://a",)

    @pytest.mark.parametrize("failed", [Response(status=401), Response(LOGIN_PAGE)])
    def test_a_log_in_that_failed_while_a_session_was_renewed_is_the_last(
        self, xnat: Script, client: XnatClient, failed: Response
    ) -> None:
        """A page with 200 may be that of a log-in before XNAT, which counts failures too."""
        xnat.server.clear_all_handlers()
        xnat.server.expect_request(SITE).respond_with_data(status=401)
        xnat.server.expect_request("/data/JSESSION", "POST").respond_with_response(failed)
        told = set()
        for _ in range(3):
            with pytest.raises(ClientError) as caught:
                client.server_list("site")
            told.add(caught.value.line)
        assert len(told) == 1
        assert xnat.calls.count("POST /data/JSESSION") == 2  # the one that opened the session, and one more

    def test_an_expired_session_is_renewed_once_and_the_call_repeated(self, xnat: Script, client: XnatClient) -> None:
        xnat.answers(SITE, Response(status=401), listing("http://a"))
        assert client.server_list("site") == ("http://a",)
        assert xnat.calls == ["POST /data/JSESSION", f"GET {SITE}", "POST /data/JSESSION", f"GET {SITE}"]
        assert xnat.requests[-1].headers["Cookie"] == "JSESSIONID=SESSION2"

    def test_a_renewed_session_that_is_refused_too_is_not_renewed_for_ever(
        self, xnat: Script, client: XnatClient
    ) -> None:
        xnat.answers(SITE, Response(status=401), Response(status=401))
        with pytest.raises(Refused, match="just accepted"):
            client.server_list("site")
        assert xnat.calls.count("POST /data/JSESSION") == 2

    def test_a_write_in_an_expired_session_is_repeated_with_its_body(self, xnat: Script, client: XnatClient) -> None:
        xnat.answers(SITE, Response(status=401), Response("Site server list updated"), method="PUT")
        xnat.answers(SITE, listing("http://a"))
        client.put_server_list("site", ["http://a"])
        assert [request.data for request in xnat.requests if request.method == "PUT"] == [b'["http://a"]'] * 2

    def test_a_password_changed_in_the_middle_of_a_run_is_tried_once(self, httpserver: HTTPServer) -> None:
        httpserver.expect_oneshot_request("/data/JSESSION", "POST").respond_with_data("SESSION1")
        httpserver.expect_oneshot_request("/data/JSESSION", "POST").respond_with_data(status=401)
        httpserver.expect_request("/data/JSESSION", "DELETE").respond_with_data(status=401)
        httpserver.expect_request(SITE).respond_with_data(status=401)
        with (
            pytest.raises(LoginRefused),
            XnatClient(httpserver.url_for("/"), "svc", PASSWORD) as client,
        ):
            client.server_list("site")
        assert [request.method for request, _ in httpserver.log] == ["POST", "GET", "POST", "DELETE"]

    def test_a_failed_log_out_is_no_error(self, httpserver: HTTPServer) -> None:
        httpserver.expect_request("/data/JSESSION", "POST").respond_with_data("SESSION1")
        httpserver.expect_request("/data/JSESSION", "DELETE").respond_with_data(status=503)
        client = XnatClient(httpserver.url_for("/"), "svc", PASSWORD).__enter__()
        client.close()
        client.close()
        assert [request.method for request, _ in httpserver.log] == ["POST", "DELETE"]

    def test_the_session_ends_although_the_work_failed(self, xnat: Script) -> None:
        xnat.answers(SITE, Response(status=500))
        with pytest.raises(Broken), xnat.client() as client:
            client.server_list("site")
        assert xnat.calls[-1] == "DELETE /data/JSESSION"

    def test_neither_password_nor_session_is_told_where_xnat_echoes_them(
        self, xnat: Script, client: XnatClient
    ) -> None:
        echo = f"{PASSWORD} {BASIC} JSESSIONID=SESSION1"
        xnat.answers(SITE, Response(echo), Response(echo, status=400))
        for kind in (Broken, Rejected):
            with pytest.raises(kind) as caught:
                client.server_list("site")
            assert str(caught.value).endswith("*** Basic *** JSESSIONID=***")

    @pytest.mark.parametrize("own", [200, 302, 401, 500])
    def test_waiting_for_xnat_needs_no_log_in_and_ends_with_its_first_own_answer(
        self, httpserver: HTTPServer, own: int
    ) -> None:
        for status in (502, 404, 503, own):
            httpserver.expect_ordered_request("/xapi/siteConfig/buildInfo").respond_with_data(status=status)
        XnatClient(httpserver.url_for("/"), "svc", PASSWORD).wait_until_up(5, lambda _line: None)
        assert len(httpserver.log) == 4
        assert not any("Authorization" in request.headers for request, _ in httpserver.log)

    def test_waiting_at_a_wrong_address_ends_with_both_things_that_it_may_be(self, httpserver: HTTPServer) -> None:
        httpserver.expect_request("/xapi/siteConfig/buildInfo").respond_with_response(TOMCAT_404)
        with pytest.raises(Rejected, match="answered 404") as caught:
            XnatClient(httpserver.url_for("/"), "svc", PASSWORD).wait_until_up(2, lambda _line: None)
        assert caught.value.advice.startswith("wait until XNAT is up, or set xnat.url to XNAT's own address")

    def test_a_context_path_is_part_of_every_address(self, httpserver: HTTPServer) -> None:
        httpserver.expect_request("/xnat/data/JSESSION").respond_with_data("SESSION1")
        httpserver.expect_request("/xnat" + SITE).respond_with_json([])
        with XnatClient(httpserver.url_for("/xnat/"), "svc", PASSWORD) as client:
            assert client.server_list("site") is None


class TestServerList:
    def test_the_list_is_read_in_its_order(self, xnat: Script, client: XnatClient) -> None:
        xnat.answers(LIVER, listing("http://b:5000", "http://a:5000"))
        assert client.server_list("projects/LIVER") == ("http://b:5000", "http://a:5000")
        assert xnat.requests[-1].headers["Accept"] == "application/json"

    def test_xnats_own_escapes_are_undone(self, xnat: Script, client: XnatClient) -> None:
        xnat.answers(SITE, Response('["http://a/?x=1\\u0026y=\\u0027"]'))
        assert client.server_list("site") == ("http://a/?x=1&y='",)

    @pytest.mark.parametrize("response", [NONE, listing()])
    def test_an_empty_list_and_a_404_with_an_array_both_mean_none(
        self, xnat: Script, client: XnatClient, response: Response
    ) -> None:
        xnat.answers(LIVER, response)
        assert client.server_list("projects/LIVER") is None

    @pytest.mark.parametrize("response", [TOMCAT_404, Response(status=404), Response("{}", status=404)])
    @pytest.mark.parametrize(
        ("plugins", "kind", "words"),
        [
            ({}, NotReady, "XNAT has no OHIF viewer plugin, or has not finished starting"),
            ({"containers": "3.4"}, Rejected, "XNAT has no OHIF viewer plugin, only containers"),
            ({"ohifViewerPlugin": "2.1.0"}, Rejected, "XNAT's OHIF viewer plugin is version 2.1.0"),
            ({"ohifViewerPlugin": "3.7.2"}, NotReady, "although the OHIF viewer plugin 3.7.2 is loaded"),
            (None, NotReady, "XNAT has no OHIF viewer plugin, or has not finished starting"),
        ],
    )
    def test_a_404_without_an_array_means_that_the_route_is_missing_and_never_none(
        self,
        xnat: Script,
        client: XnatClient,
        response: Response,
        plugins: dict[str, str] | None,
        kind: type[ClientError],
        words: str,
    ) -> None:
        xnat.answers(SITE, response)
        if plugins is not None:
            versions = {name: {"id": name, "version": version} for name, version in plugins.items()}
            xnat.answers("/xapi/plugins", Response(json.dumps(versions)))
        with pytest.raises(kind) as caught:
            client.server_list("site")
        assert words in str(caught.value)

    def test_the_plugins_routes_are_waited_for(self, xnat: Script, client: XnatClient) -> None:
        xnat.answers(SITE, TOMCAT_404, TOMCAT_404, NONE)
        client.wait_for_lists(5, lambda _line: None)
        assert xnat.calls.count(f"GET {SITE}") == 3

    @pytest.mark.parametrize("wait", [XnatClient.wait_for_lists, XnatClient.wait_for_viewer_plugin])
    @pytest.mark.parametrize(
        ("plugins", "words"),
        [
            ('{"containers": {"version": "3.4"}}', "only containers"),
            ('{"ohifViewerPlugin": {"version": "2.1.0"}}', "version 2.1.0, which keeps no lists"),
        ],
    )
    def test_a_plugin_that_is_not_installed_is_not_waited_for(
        self, xnat: Script, client: XnatClient, wait: Callable[..., object], plugins: str, words: str
    ) -> None:
        xnat.answers(SITE, TOMCAT_404)
        xnat.answers("/xapi/plugins", Response(plugins))
        with pytest.raises(NoPlugin, match=words):
            wait(client, 60, lambda _line: None)
        assert xnat.calls.count(f"GET {SITE}") == 1

    @pytest.mark.parametrize("odd", [Response("x", status=500), Response("x", status=400), Response(LOGIN_PAGE)])
    def test_an_odd_answer_is_waited_out_just_after_a_start(
        self, xnat: Script, client: XnatClient, odd: Response
    ) -> None:
        xnat.answers(SITE, odd, odd, NONE)
        with pytest.raises((Rejected, Broken)):
            client.wait_for_lists(60, lambda _line: None)
        assert xnat.calls.count(f"GET {SITE}") == 1
        xnat.answers("/xapi/plugins/ohifViewerPlugin", odd, Response('{"version": "3.7.2"}'))
        xnat.answers(SITE, NONE)
        assert client.wait_for_viewer_plugin(60, lambda _line: None) == "3.7.2"
        assert xnat.calls.count(f"GET {SITE}") == 4

    @pytest.mark.parametrize(
        ("groups", "ids", "kind", "words"),
        [
            ([], ["LIVER"], Refused, "account service may not read project LIVER"),
            ([], [], Refused, "account service may not read project LIVER"),
            (["ALL_DATA_ADMIN"], ["SPLEEN"], NoProject, "there is no project LIVER"),
            (["ALL_DATA_ADMIN"], ["LIVER"], Refused, "although project LIVER is there"),
        ],
    )
    @pytest.mark.parametrize("status", [403, 404, 422])
    def test_a_project_is_gone_only_if_an_account_that_sees_all_is_told_so(
        self,
        xnat: Script,
        client: XnatClient,
        groups: list[str],
        ids: list[str],
        kind: type[ClientError],
        words: str,
        status: int,
    ) -> None:
        xnat.answers(LIVER, Response(status=status))
        xnat.answers(SITE, NONE)
        xnat.knows_as("service")
        xnat.answers("/xapi/users/service/groups", listing(*groups))
        xnat.answers("/data/projects", projects(*ids))
        with pytest.raises(kind) as caught:
            client.server_list("projects/LIVER")
        assert type(caught.value) is kind
        assert words in str(caught.value)

    @pytest.mark.parametrize(
        ("scope", "path", "side_door"),
        [
            ("site", SITE, "/data/config/ohif-aiaa/site-json"),
            ("projects/LIVER", LIVER, "/data/projects/LIVER/config/ohif-aiaa/project-json"),
        ],
    )
    @pytest.mark.parametrize(
        ("stored", "answer"),
        [
            ("no list", (500, "RuntimeException - ")),
            ('{"a": 1}', (500, "Error creating JSON: Cannot deserialize")),
            ('[["http://a"]]', (500, "")),
            ("[" * 100_000, (500, "")),
            (r'["http://a/\ud800"]', (500, "RuntimeException - ")),
            ("null", (200, "")),
            ("[null]", (200, "[null]")),
            ('["http://a",null]', (200, '["http://a",null]')),
        ],
    )
    def test_a_stored_text_that_is_no_list_is_told_with_who_wrote_it(
        self,
        xnat: Script,
        client: XnatClient,
        scope: str,
        path: str,
        side_door: str,
        stored: str,
        answer: tuple[int, str],
    ) -> None:
        status, body = answer
        xnat.answers(path, Response(body, status=status))
        xnat.answers(side_door, stored_by("owner", stored))
        with pytest.raises(UnreadableList) as caught:
            client.server_list(scope)
        assert str(caught.value) == f"what owner has written there is no list of servers: {stored[:80]}"
        assert xnat.calls.count(f"GET {path}") == 1

    def test_the_plugins_own_message_is_enough_where_the_stored_text_cannot_be_read(
        self, xnat: Script, client: XnatClient
    ) -> None:
        words = "Error creating JSON: Unrecognized token 'x'"
        xnat.answers(SITE, Response(f'{{ "ResponseMessage":"{words}" }}', status=500))
        xnat.answers("/data/config/ohif-aiaa/site-json", Response(status=403))
        with pytest.raises(UnreadableList) as caught:
            client.server_list("site")
        assert str(caught.value) == f"what is stored there is not a list of servers: {words}"

    @pytest.mark.parametrize("row", ['["http://a"]', "[]", None])
    @pytest.mark.parametrize("status", [200, 500])
    def test_an_answer_is_blamed_on_the_list_only_if_the_stored_text_is_not_a_list(
        self, xnat: Script, client: XnatClient, row: str | None, status: int
    ) -> None:
        xnat.answers(SITE, Response("no connection to the database", status=status))
        if row is not None:
            xnat.answers("/data/config/ohif-aiaa/site-json", stored_by("owner", row))
        with pytest.raises(Broken, match="no connection to the database") as caught:
            client.server_list("site")
        assert type(caught.value) is Broken

    @pytest.mark.parametrize("body", ["{}", "null", '"http://a"', "[1]", "[null]", LOGIN_PAGE, "", "["])
    def test_anything_but_a_list_of_addresses_is_broken_and_never_none(
        self, xnat: Script, client: XnatClient, body: str
    ) -> None:
        xnat.answers(SITE, Response(body))
        with pytest.raises(Broken, match="expected "):
            client.server_list("site")

    def test_a_list_is_asked_for_again_while_xnat_is_not_ready(self, xnat: Script, client: XnatClient) -> None:
        xnat.answers(SITE, Response(status=503), Response(status=502), listing("http://a"))
        assert client.server_list("site") == ("http://a",)

    @pytest.mark.parametrize(
        ("target", "kind", "words"),
        [
            ("/setup", NotReady, "not initialised"),
            ("/app/template/XDATScreen_UpdateUser.vm", Refused, "has expired"),
            ("https://xnat.example.org/", Rejected, "redirects to https://xnat.example.org/"),
        ],
    )
    def test_a_redirect_means_what_its_target_is(
        self, xnat: Script, client: XnatClient, target: str, kind: type[ClientError], words: str
    ) -> None:
        xnat.answers(SITE, redirect(target))
        with pytest.raises(kind, match=words) as caught:
            client.server_list("site")
        assert not isinstance(caught.value, LoginRefused)

    def test_a_session_that_an_administrator_has_ended_is_renewed(self, xnat: Script, client: XnatClient) -> None:
        """XNAT answers its cookie with a redirect to the log-in page, not with 401."""
        xnat.answers(SITE, redirect("/app/template/Login.vm"), listing("http://a"))
        assert client.server_list("site") == ("http://a",)
        assert xnat.calls.count("POST /data/JSESSION") == 2

    def test_a_session_that_an_open_site_takes_for_a_guests_is_renewed(self, xnat: Script, client: XnatClient) -> None:
        """There XNAT answers a cookie that it does not know as it answers everybody: without 401."""
        xnat.answers(LIVER, Response(status=403), listing("http://a"))
        xnat.answers("/data/auth", Response("User 'guest' is logged in"))
        assert client.server_list("projects/LIVER") == ("http://a",)
        assert xnat.calls.count("POST /data/JSESSION") == 2

    def test_a_log_in_page_for_a_new_session_is_an_error_without_a_third_try(
        self, xnat: Script, client: XnatClient
    ) -> None:
        xnat.answers(SITE, *[redirect("/app/template/Login.vm")] * 2)
        with pytest.raises(Refused, match="redirects to the log-in page"):
            client.server_list("site")
        assert xnat.calls.count("POST /data/JSESSION") == 2

    @pytest.mark.parametrize(("target", "kind"), [("/setup", NotReady), ("https://xnat.example.org/", Rejected)])
    def test_a_redirect_of_the_log_in_means_the_same(
        self, httpserver: HTTPServer, target: str, kind: type[ClientError]
    ) -> None:
        httpserver.expect_request("/data/JSESSION").respond_with_response(redirect(target))
        with pytest.raises(kind):
            XnatClient(httpserver.url_for("/"), "svc", PASSWORD).__enter__()


class TestWriting:
    @pytest.fixture
    def updated(self, xnat: Script) -> None:
        """XNAT labels its sentence as the JSON that was asked for."""
        xnat.answers(
            LIVER, Response("Project LIVER server list updated", content_type="application/json"), method="PUT"
        )

    @pytest.mark.usefixtures("updated")
    def test_a_list_is_written_whole_and_read_back(self, xnat: Script, client: XnatClient) -> None:
        xnat.answers(LIVER, listing("http://b", "http://a"))
        client.put_server_list("projects/LIVER", ["http://b", "http://a"])
        put = xnat.requests[1]
        assert put.json == ["http://b", "http://a"]
        assert put.headers["Content-Type"] == "application/json"

    @pytest.mark.usefixtures("updated")
    @pytest.mark.parametrize("response", [listing(), NONE])
    def test_an_empty_list_is_written_as_such_and_reads_back_as_none(
        self, xnat: Script, client: XnatClient, response: Response
    ) -> None:
        xnat.answers(LIVER, response)
        client.put_server_list("projects/LIVER", [])
        assert xnat.requests[1].data == b"[]"

    @pytest.mark.usefixtures("updated")
    @pytest.mark.parametrize("back", [listing("http://other"), listing("http://b", "http://a"), NONE])
    def test_another_list_than_the_written_one_is_no_success(
        self, xnat: Script, client: XnatClient, back: Response
    ) -> None:
        xnat.answers(LIVER, back)
        with pytest.raises(Broken, match="read back"):
            client.put_server_list("projects/LIVER", ["http://a", "http://b"])

    @pytest.mark.parametrize(
        ("response", "kind", "words"),
        [
            (Response(status=403), Refused, "answered 403"),
            (Response('{ "ResponseMessage":"Bad project ID" }', status=403), Refused, "Bad project ID"),
            (Response("Malformed URL - Cause: no protocol: foo", status=422), Rejected, "no protocol: foo"),
            (Response("RuntimeException - no list", status=500), Broken, "RuntimeException"),
            (Response("<html><title>Error</title></html>", status=500), Broken, "an HTML page titled 'Error'"),
        ],
    )
    def test_a_refused_write_tells_xnats_reason_and_is_not_repeated(
        self, xnat: Script, client: XnatClient, response: Response, kind: type[ClientError], words: str
    ) -> None:
        xnat.answers(LIVER, response, method="PUT")
        xnat.knows_as("svc")
        with pytest.raises(kind, match=words):
            client.put_server_list("projects/LIVER", ["foo"])
        assert [call for call in xnat.calls if call.startswith("PUT")] == [f"PUT {LIVER}"]

    def test_rights_are_asked_for_the_account_that_xnat_knows(self, xnat: Script, client: XnatClient) -> None:
        """Which is another than the one that logged in, for `provider/user` and for alias tokens."""
        xnat.answers(LIVER, Response(status=403), method="PUT")
        xnat.knows_as("ldap_svc")
        with pytest.raises(Refused) as refused:
            client.put_server_list("projects/LIVER", ["http://a"])
        assert "/xapi/users/ldap_svc/roles/Administrator" in refused.value.advice

    def test_a_write_to_a_route_that_is_not_there_yet_is_no_fault_of_the_list(
        self, xnat: Script, client: XnatClient
    ) -> None:
        """As behind a balancer, whose one node is just being started."""
        xnat.answers(LIVER, TOMCAT_404, method="PUT")
        xnat.answers("/xapi/plugins", Response("{}"))
        with pytest.raises(NotReady, match="or has not finished starting"):
            client.put_server_list("projects/LIVER", ["http://a"])

    @pytest.mark.usefixtures("updated")
    def test_a_write_is_repeated_while_xnat_is_not_ready(self, xnat: Script, client: XnatClient) -> None:
        xnat.server.clear_all_handlers()
        xnat.answers(LIVER, Response(status=503), Response("updated"), method="PUT")
        xnat.answers(LIVER, listing("http://a"))
        client.put_server_list("projects/LIVER", ["http://a"])


class TestFacts:
    def test_roles_and_groups_are_lists_of_names(self, xnat: Script, client: XnatClient) -> None:
        xnat.answers("/xapi/users/svc/roles", listing("Administrator"))
        xnat.answers("/xapi/users/svc/groups", listing("ALL_DATA_ADMIN"))
        assert client.roles("svc") == ["Administrator"]
        assert client.groups("svc") == ["ALL_DATA_ADMIN"]

    def test_roles_that_are_no_list_are_broken_and_not_none_at_all(self, xnat: Script, client: XnatClient) -> None:
        xnat.answers("/xapi/users/svc/roles", Response("{}"))
        with pytest.raises(Broken, match="expected a list"):
            client.roles("svc")

    def test_the_account_is_xnats_name_for_who_is_logged_in(self, xnat: Script, client: XnatClient) -> None:
        """Another than the one that logs in, for `provider/user` and for alias tokens."""
        xnat.answers("/data/auth", Response("User 'service' is logged in"), Response(LOGIN_PAGE))
        assert client.account() == "service"
        assert xnat.requests[-1].headers["Accept"] == "*/*"  # it is a text
        with pytest.raises(Broken, match="expected who is logged in"):
            client.account()

    def test_all_projects_are_asked_for(self, xnat: Script, client: XnatClient) -> None:
        query = {"format": "json", "allDataOverride": "true"}
        xnat.server.expect_request("/data/projects", query_string=query).respond_with_response(projects("B", "A"))
        assert client.project_ids() == {"A", "B"}

    def test_those_that_the_account_may_read_are_another_question(self, xnat: Script, client: XnatClient) -> None:
        query = {"format": "json"}
        xnat.server.expect_request("/data/projects", query_string=query).respond_with_response(projects("A"))
        assert client.project_ids(readable=True) == {"A"}

    @pytest.mark.parametrize("row", [{}, {"create_date": "2026-01-01 10:00:00.123"}])
    def test_who_wrote_a_list_is_told_by_the_configuration_service(
        self, xnat: Script, client: XnatClient, row: dict[str, str]
    ) -> None:
        told = {"ResultSet": {"Result": [{"user": "owner", "contents": "[]", **row}]}}
        xnat.answers("/data/projects/LIVER/config/ohif-aiaa/project-json", Response(json.dumps(told)))
        since = ", first on 2026-01-01 10:00:00" if row else ""
        assert client.authorship("projects/LIVER") == f"written by owner{since}"

    @pytest.mark.parametrize("response", [Response(status=403), Response(LOGIN_PAGE), Response("[]")])
    def test_where_xnat_does_not_tell_who_wrote_a_list_nothing_is_told(
        self, xnat: Script, client: XnatClient, response: Response
    ) -> None:
        xnat.answers("/data/config/ohif-aiaa/site-json", response)
        assert client.authorship("site") == ""

    @pytest.mark.parametrize("body", ["{}", "[]", '{"ResultSet": null}', '{"ResultSet": {"Result": [{}]}}', LOGIN_PAGE])
    def test_an_answer_that_is_no_table_of_projects_is_broken(
        self, xnat: Script, client: XnatClient, body: str
    ) -> None:
        xnat.answers("/data/projects", Response(body))
        with pytest.raises(Broken, match="expected "):
            client.project_ids()

    def test_a_project_is_found_by_an_alias_and_told_by_its_id(self, xnat: Script, client: XnatClient) -> None:
        xnat.server.expect_request("/data/projects/Leber", query_string={"format": "json"}).respond_with_json(
            {"items": [{"data_fields": {"ID": "LIVER", "name": "Leber"}}]}
        )
        assert client.find_project("Leber") == "LIVER"

    @pytest.mark.parametrize("status", [403, 404])
    def test_a_project_that_is_not_to_be_seen_is_not_there(self, xnat: Script, client: XnatClient, status: int) -> None:
        xnat.answers(PROJECT, Response(LOGIN_PAGE, status=status))
        assert client.find_project("LIVER") is None

    @pytest.mark.parametrize("body", ["{}", "[]", '{"items": []}', '{"items": [{}]}', LOGIN_PAGE])
    def test_an_answer_that_is_no_project_is_broken(self, xnat: Script, client: XnatClient, body: str) -> None:
        xnat.answers(PROJECT, Response(body))
        with pytest.raises(Broken, match="expected "):
            client.find_project("LIVER")

    def test_the_build_tells_the_version(self, xnat: Script, client: XnatClient) -> None:
        xnat.answers("/xapi/siteConfig/buildInfo", Response('{"version": "1.9.3"}'), Response("[]"))
        assert client.build_info() == {"version": "1.9.3"}
        assert client.build_info() == {}
