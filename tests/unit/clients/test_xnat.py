"""The XNAT client against scripted answers: one session, and what each answer about a list means."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from clients.errors import Broken, ClientError, LoginRefused, NotReady, Refused, Rejected
from clients.xnat import XnatClient

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
        with pytest.raises(LoginRefused, match="refused the log-in of svc") as caught:
            XnatClient(httpserver.url_for("/"), "svc", PASSWORD).__enter__()
        assert len(httpserver.log) == 1
        assert PASSWORD not in str(caught.value)

    def test_a_log_in_is_sent_once_even_to_an_xnat_that_is_not_ready(self, httpserver: HTTPServer) -> None:
        httpserver.expect_request("/data/JSESSION").respond_with_data(status=503)
        with pytest.raises(NotReady):
            XnatClient(httpserver.url_for("/"), "svc", PASSWORD).__enter__()
        assert len(httpserver.log) == 1

    @pytest.mark.parametrize("body", [LOGIN_PAGE, "", "two words", '{"a": 1}'])
    def test_a_page_in_place_of_a_session_is_no_log_in(self, httpserver: HTTPServer, body: str) -> None:
        httpserver.expect_request("/data/JSESSION").respond_with_data(body)
        with pytest.raises(Broken, match="is this XNAT's address"):
            XnatClient(httpserver.url_for("/"), "svc", PASSWORD).__enter__()

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

    def test_waiting_at_a_wrong_address_ends_with_the_question_whether_it_is_xnats(
        self, httpserver: HTTPServer
    ) -> None:
        httpserver.expect_request("/xapi/siteConfig/buildInfo").respond_with_response(TOMCAT_404)
        with pytest.raises(Rejected, match=r"answered 404 .* is this XNAT's address"):
            XnatClient(httpserver.url_for("/"), "svc", PASSWORD).wait_until_up(0.1, lambda _line: None)

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
    def test_a_404_without_an_array_means_that_the_plugin_is_missing_and_never_none(
        self, xnat: Script, client: XnatClient, response: Response
    ) -> None:
        xnat.answers(SITE, response)
        with pytest.raises(Rejected, match="no OHIF viewer plugin"):
            client.server_list("site")

    @pytest.mark.parametrize("status", [403, 422])
    def test_a_project_that_is_not_there_or_not_to_be_seen_is_refused(
        self, xnat: Script, client: XnatClient, status: int
    ) -> None:
        xnat.answers(LIVER, Response(status=status))
        with pytest.raises(Refused, match=f"answered {status}: there is no such project, or svc may not see it"):
            client.server_list("projects/LIVER")

    @pytest.mark.parametrize(
        ("scope", "path", "side_door"),
        [
            ("site", SITE, "/data/config/ohif-aiaa/site-json"),
            ("projects/LIVER", LIVER, "/data/projects/LIVER/config/ohif-aiaa/project-json"),
        ],
    )
    def test_a_stored_text_that_is_no_list_is_told_with_the_place_where_it_is(
        self, xnat: Script, client: XnatClient, scope: str, path: str, side_door: str
    ) -> None:
        xnat.answers(path, Response(status=500))
        with pytest.raises(Broken, match=side_door):
            client.server_list(scope)
        assert xnat.calls.count(f"GET {path}") == 1

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
            ("/app/template/Unconfigured.vm", NotReady, "not initialised"),
            ("/app/template/Login.vm", Refused, "asks for a log-in"),
            ("/app/template/XDATScreen_UpdateUser.vm?change-password=true", Refused, "has expired"),
            ("/app/template/ChangePassword.vm", Refused, "has expired"),
            ("https://xnat.example.org/", Rejected, "redirects to https://xnat.example.org/"),
        ],
    )
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_means_what_its_target_is(
        self, xnat: Script, client: XnatClient, target: str, kind: type[ClientError], words: str, status: int
    ) -> None:
        xnat.answers(SITE, redirect(target, status))
        with pytest.raises(kind, match=words) as caught:
            client.server_list("site")
        assert not isinstance(caught.value, LoginRefused)

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
            (Response(status=403), Refused, "answered 403 Forbidden"),
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
        with pytest.raises(kind, match=words):
            client.put_server_list("projects/LIVER", ["foo"])
        assert xnat.calls[1:] == [f"PUT {LIVER}"]

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

    def test_a_user_name_with_a_provider_stays_one_part_of_the_path(self, xnat: Script, client: XnatClient) -> None:
        xnat.server.expect_request("/xapi/users/ldap/svc/roles").respond_with_json([])
        client.roles("ldap/svc")
        assert xnat.requests[-1].environ["RAW_URI"] == "/xapi/users/ldap%2Fsvc/roles"

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
