"""The client for the viewer's metadata against scripted answers: what each of them tells of a request."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from clients.build_target import ImageSession, Target
from clients.errors import Broken, ClientError, NotReady, Refused, Rejected
from clients.xnat_viewer import NoImagingSession, Sent, ViewerClient
from tests.support.free_port import free_port

LIVER = "/xapi/viewer/projects/LIVER"
SESSION = ImageSession("LIVER", "XNAT_E00001", "scan 1")
TARGET = Target("session", "LIVER", "XNAT_E00001", "scan 1")
LOGIN_PAGE = Response("<!DOCTYPE html>\n<html><head><title>Log in</title></head></html>", content_type="text/html")


@pytest.fixture
def client(httpserver: HTTPServer) -> Iterator[ViewerClient]:
    httpserver.expect_request("/data/JSESSION").respond_with_data("SESSION1")
    httpserver.expect_request("/data/auth").respond_with_data("User 'svc' is logged in")
    with ViewerClient(httpserver.url_for("/"), "svc", "secret", timeout=5) as opened:
        yield opened


def sent(client: ViewerClient, target: Target = TARGET) -> Sent:
    return client.judge(client.ask(target, 5), target)


def answer(httpserver: HTTPServer, response: Response, path: str = f"{LIVER}/experiments/XNAT_E00001") -> None:
    httpserver.expect_request(path, "POST").respond_with_response(response)


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (TARGET, f"{LIVER}/experiments/XNAT_E00001"),
        (Target("subject", "LIVER", "XNAT_S00001"), f"{LIVER}/subjects/XNAT_S00001"),
        (Target("project", "LIVER"), LIVER),
        (Target("site"), "/xapi/viewer/generate-all-metadata"),
    ],
)
def test_each_level_has_its_path_and_no_body(
    client: ViewerClient, httpserver: HTTPServer, target: Target, path: str
) -> None:
    def built(request: Request) -> Response:
        assert request.cookies["JSESSIONID"] == "SESSION1"
        assert not request.data
        return Response(status=201)

    httpserver.expect_request(path, "POST").respond_with_handler(built)
    assert sent(client, target).fate == "built"


@pytest.mark.parametrize(
    ("status", "fate"),
    [
        (200, "built"),
        (201, "built"),
        (423, "locked"),
        (404, "failed"),
        (422, "failed"),
        (500, "unknown"),
        (400, "refused"),
        (401, "refused"),
        (403, "refused"),
        (405, "refused"),
        (413, "refused"),
        (408, "unknown"),
        (499, "unknown"),
        (502, "unknown"),
        (503, "unknown"),
        (504, "unknown"),
        (524, "unknown"),
    ],
)
def test_what_a_status_tells(client: ViewerClient, httpserver: HTTPServer, status: int, fate: str) -> None:
    answer(httpserver, Response(status=status))
    result = sent(client)
    assert result.fate == fate
    assert (result.error is not None) == (fate == "refused")


def test_a_page_with_status_200_is_no_success(client: ViewerClient, httpserver: HTTPServer) -> None:
    answer(httpserver, LOGIN_PAGE)
    result = sent(client)
    assert result.fate == "unknown"
    assert "an HTML page titled 'Log in'" in result.told


@pytest.mark.parametrize("status", [500, 501])
@pytest.mark.parametrize(
    ("body", "fate"),
    [
        ('{ "ResponseMessage":"PluginException - DICOM catalog error of "CT_1"" }', "failed"),
        ("<html><title>500 Internal Server Error</title></html>", "unknown"),
        ("upstream error", "unknown"),
        ('{"message": "upstream error"}', "unknown"),
        ("", "unknown"),
    ],
)
def test_only_the_plugins_own_words_tell_that_it_failed(
    client: ViewerClient, httpserver: HTTPServer, status: int, body: str, fate: str
) -> None:
    answer(httpserver, Response(body, status))
    assert sent(client).fate == fate


@pytest.mark.parametrize(
    ("to", "told"),
    [
        ("/app/template/XDATScreen_UpdateUser.vm", "the password of svc has expired"),
        ("/app/template/Login.vm", "redirects to the log-in page"),
        ("/setup", "XNAT is not initialised"),
    ],
)
def test_a_redirect_did_nothing(client: ViewerClient, httpserver: HTTPServer, to: str, told: str) -> None:
    answer(httpserver, Response(status=302, headers={"Location": to}))
    result = sent(client)
    assert result.fate == "refused"
    assert told in result.told


def test_a_missing_route_did_nothing(client: ViewerClient, httpserver: HTTPServer) -> None:
    answer(httpserver, Response("<html><title>HTTP Status 404</title></html>", status=404, content_type="text/html"))
    assert sent(client).fate == "refused"


def test_where_nobody_listens_nothing_was_sent(client: ViewerClient) -> None:
    client.url = f"http://127.0.0.1:{free_port()}"
    assert sent(client).fate == "refused"


def test_a_connection_that_is_lost_may_have_brought_the_request(client: ViewerClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client.url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with ThreadPoolExecutor(1) as other:
            result = other.submit(sent, client)
            server.accept()[0].close()
            assert result.result(10).fate == "unknown"


def test_an_answer_that_does_not_come_tells_nothing(client: ViewerClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client.url = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert client.judge(client.ask(TARGET, 0.1), TARGET).fate == "unknown"


def test_it_is_sent_once_whatever_the_answer(client: ViewerClient, httpserver: HTTPServer) -> None:
    for status in (423, 500, 502, 503, 504):
        httpserver.expect_oneshot_request(f"{LIVER}/experiments/XNAT_E00001", "POST").respond_with_data(status=status)
        before = len(httpserver.log)
        client.ask(TARGET, 5)
        assert len(httpserver.log) == before + 1


def test_a_session_that_has_expired_is_renewed_and_the_request_sent_with_the_new_one(
    client: ViewerClient, httpserver: HTTPServer
) -> None:
    cookies = []

    def built_in_the_second(request: Request) -> Response:
        cookies.append(request.cookies["JSESSIONID"])
        return Response(status=200 if cookies[-1] == "SESSION2" else 401)

    httpserver.expect_oneshot_request("/data/JSESSION").respond_with_data("SESSION2")
    httpserver.expect_request(f"{LIVER}/experiments/XNAT_E00001", "POST").respond_with_handler(built_in_the_second)
    assert sent(client).fate == "built"
    assert cookies == ["SESSION1", "SESSION2"]


def test_and_not_more_than_once(client: ViewerClient, httpserver: HTTPServer) -> None:
    answer(httpserver, Response(status=401))
    assert sent(client).fate == "refused"
    assert [request.method for request, _ in httpserver.log if request.path.startswith(LIVER)] == ["POST", "POST"]


@pytest.mark.parametrize("status", [401, 503])
def test_without_a_new_session_it_was_not_sent(client: ViewerClient, httpserver: HTTPServer, status: int) -> None:
    answer(httpserver, Response(status=401))
    httpserver.expect_oneshot_request("/data/JSESSION").respond_with_data(status=status)
    result = sent(client)
    assert result.fate == "refused"
    assert "data/JSESSION" in result.told or "log-in of svc was refused" in result.told
    assert len([request for request, _ in httpserver.log if request.path.startswith(LIVER)]) == 1


NO_ROUTE = Response("<html><title>HTTP Status 404</title></html>", 404, content_type="text/html")
UNKNOWN = Response(json.dumps({"ResponseMessage": "The following item(s) don't exist: XNAT_E00001"}), 404)
EXISTS = f"{LIVER}/experiments/XNAT_E00001/exists"


@pytest.mark.parametrize(("status", "there"), [(200, True), (404, False)])
def test_an_empty_answer_tells_whether_it_is_there(
    client: ViewerClient, httpserver: HTTPServer, status: int, there: bool
) -> None:
    httpserver.expect_request(EXISTS).respond_with_data(status=status)
    assert client.has_metadata(SESSION) is there


def test_what_the_plugin_fails_to_look_at_is_not_there(client: ViewerClient, httpserver: HTTPServer) -> None:
    httpserver.expect_request(EXISTS).respond_with_data('{ "ResponseMessage":"PluginException - a "bad" file" }', 500)
    assert not client.has_metadata(SESSION)


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (LOGIN_PAGE, Broken),
        (Response("upstream error", 500), Broken),
        (NO_ROUTE, Rejected),
        (UNKNOWN, Rejected),
        (Response("No session found for ID: XNAT_E00001", 422), NoImagingSession),
        (Response(status=403), Refused),
        (Response(status=503), NotReady),
    ],
)
def test_anything_else_is_no_answer(
    client: ViewerClient, httpserver: HTTPServer, response: Response, kind: type[ClientError]
) -> None:
    httpserver.expect_request(EXISTS).respond_with_response(response)
    httpserver.expect_request("/xapi/ohifaiaa/servers").respond_with_response(NO_ROUTE)
    httpserver.expect_request("/xapi/plugins").respond_with_json({"containers": {"version": "3"}})
    with pytest.raises(kind):
        client.has_metadata(SESSION)


@pytest.mark.parametrize(
    ("response", "listed", "kind"),
    [
        (UNKNOWN, ["XNAT_E00001"], NoImagingSession),
        (UNKNOWN, [], NoImagingSession),
        (NO_ROUTE, [], NoImagingSession),
        (NO_ROUTE, ["XNAT_E00001"], NotReady),
    ],
    ids=["unknown", "unknown and gone", "a page, and gone", "a page, and listed"],
)
def test_where_the_plugin_answers_a_404_with_a_body_is_of_the_session(
    client: ViewerClient, httpserver: HTTPServer, response: Response, listed: list[str], kind: type[ClientError]
) -> None:
    rows = [{"ID": each, "label": each, "xsiType": "xnat:ctSessionData"} for each in listed]
    httpserver.expect_request(EXISTS).respond_with_response(response)
    httpserver.expect_request("/xapi/ohifaiaa/servers").respond_with_json(["No AIAA server list found"], status=404)
    httpserver.expect_request("/xapi/plugins").respond_with_json({"ohifViewerPlugin": {"version": "3.7.2"}})
    httpserver.expect_request("/data/projects/LIVER/experiments").respond_with_json({"ResultSet": {"Result": rows}})
    with pytest.raises(kind):
        client.has_metadata(SESSION)


def test_imaging_sessions_alone_are_listed(client: ViewerClient, httpserver: HTTPServer) -> None:
    rows = [
        {"ID": "XNAT_E1", "label": "a", "xsiType": "xnat:mrSessionData", "date": "2024-01-31", "insert_date": "x"},
        {"ID": "XNAT_E2", "label": "b", "xsiType": "xnat:qcManualAssessorData", "date": ""},
        {"ID": "XNAT_E3", "label": "c", "xsiType": "xnat:petmrSessionData"},
    ]
    httpserver.expect_request("/data/projects/LIVER/experiments").respond_with_data(
        json.dumps({"ResultSet": {"Result": rows}})
    )
    assert client.image_sessions("LIVER") == [
        ImageSession("LIVER", "XNAT_E1", "a", "2024-01-31", "x"),
        ImageSession("LIVER", "XNAT_E3", "c"),
    ]


def test_a_refusal_says_which_right_is_missing(client: ViewerClient, httpserver: HTTPServer) -> None:
    answer(httpserver, Response(status=403), LIVER)
    error = sent(client, Target("project", "LIVER")).error
    assert error is not None
    assert "roles/Administrator" in error.line
    answer(httpserver, Response(status=403))
    error = sent(client).error
    assert error is not None
    assert "account svc may not edit it" in error.line
