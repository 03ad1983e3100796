"""What a browser meets at a server, as the Fetch standard has it, and what cannot be told from here."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from clients.browser import Met, meet
from tests.support.certificate import certificate
from tests.support.free_port import free_port

XNAT = "https://xnat.example.org/xnat"
ORIGIN = "https://xnat.example.org"
ALLOW, METHODS = "Access-Control-Allow-Origin", "Access-Control-Allow-Methods"


def answers(server: HTTPServer, read: Response, asked: Response) -> str:
    """To a page's GET of the models, and to the browser's question before a PUT; gives the server's address."""
    server.expect_request("/v1/models", "GET", headers={"Origin": ORIGIN}).respond_with_response(read)
    question = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT"}
    server.expect_request("/session/", "OPTIONS", headers=question).respond_with_response(asked)
    return server.url_for("")


def well(origin: str = ORIGIN, status: int = 200, methods: str = "GET, POST, PUT") -> Response:
    return Response("[]", status=status, headers={ALLOW: origin, METHODS: methods})


@pytest.mark.parametrize("origin", ["*", ORIGIN])
@pytest.mark.parametrize("status", [200, 204])
@pytest.mark.parametrize("methods", ["PUT", "get, put", "*"])
def test_a_server_that_answers_both_has_no_problem(
    httpserver: HTTPServer, origin: str, status: int, methods: str
) -> None:
    assert meet(answers(httpserver, well(origin), well(origin, status, methods)), XNAT) == Met()


@pytest.mark.parametrize(
    ("read", "says"),
    [
        (Response("[]"), "as it answers no Access-Control-Allow-Origin: have the gateway before it send that origin"),
        (well("https://other.example.org"), "as it answers Access-Control-Allow-Origin: https://other.example.org: "),
        (Response(status=308, headers={"Location": "https://aiaa.example.org/"}), "register the address"),
    ],
)
def test_answers_that_no_page_may_read_break_the_rule_cors(httpserver: HTTPServer, read: Response, says: str) -> None:
    met = meet(answers(httpserver, read, well()), XNAT)
    assert [problem.rule for problem in met.problems] == ["cors"]
    assert says in met.problems[0].told


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (well(status=405), "it answers 405"),
        (well(status=302), "it answers 302"),
        (Response(status=204), "it answers no Access-Control-Allow-Origin"),
        (well(methods="GET, POST"), "its Access-Control-Allow-Methods is GET, POST"),
        (Response(status=204, headers={ALLOW: "*"}), "its Access-Control-Allow-Methods is missing"),
    ],
)
def test_a_question_before_a_put_that_gets_no_yes_breaks_the_rule_preflight(
    httpserver: HTTPServer, asked: Response, says: str
) -> None:
    met = meet(answers(httpserver, well(), asked), XNAT)
    assert [problem.rule for problem in met.problems] == ["preflight"]
    assert says in met.problems[0].told
    assert "have the gateway before it answer that" in met.problems[0].told


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
def test_a_server_that_lets_this_machine_not_through_proves_nothing(httpserver: HTTPServer, status: int) -> None:
    met = meet(answers(httpserver, Response(status=status), Response(status=status)), XNAT)
    assert met.problems == ()
    assert f"answered {status}" in met.unknown


NO_LIST = [
    (Response("<title>Bad</title>", status=502), "answered 502 Bad Gateway: an HTML page titled 'Bad': "),
    (Response('{"detail":"Not Found"}', status=404), "answered 404 Not Found: Not Found: "),
    (Response(status=204), "answered 204 No Content: "),
    (Response("<title>Log in</title>"), "expected JSON, got: an HTML page titled 'Log in': "),
    (Response('{"models":[]}'), "expected a list of models, got: "),
    (Response('[{"id":1}]'), "expected a model with a name, got "),
]


@pytest.mark.parametrize(("read", "says"), NO_LIST)
def test_a_gateway_before_a_dead_server_makes_it_no_better(httpserver: HTTPServer, read: Response, says: str) -> None:
    read = Response(read.get_data(), status=read.status, headers={ALLOW: "*"})
    url = answers(httpserver, read, well()).rstrip("/")
    met = meet(url, XNAT)
    assert met.problems == ()
    assert met.unknown.startswith(f"from this machine, GET {url}/v1/models: {says}")
    assert met.unknown.endswith("see that AIAA runs there, and that what stands before it passes this on to it")
    assert "\n" not in met.unknown


def test_what_browsers_may_not_send_is_told_of_a_dead_server_too(httpserver: HTTPServer) -> None:
    met = meet(answers(httpserver, well(status=502), Response(status=502)), XNAT)
    assert [problem.rule for problem in met.problems] == ["preflight"]
    assert "answered 502" in met.unknown


def test_a_server_that_is_not_reached_from_here_proves_nothing() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    met = meet(url, XNAT)
    assert met.problems == ()
    assert met.unknown.startswith(f"from this machine, GET {url}/v1/models: connection failed")


@pytest.mark.parametrize("page", ["http://XNAT.example.org:80/xnat", "http://xnat.example.org"])
def test_of_one_origin_only_the_list_is_asked_for_and_no_leave(
    httpserver: HTTPServer, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", httpserver.url_for(""))  # which is all that answers for that name
    httpserver.expect_request("/v1/models", "GET").respond_with_data("[]")
    assert meet("http://xnat.example.org", page) == Met()
    ((asked, _),) = httpserver.log
    assert asked.host == "xnat.example.org"
    assert "Origin" not in asked.headers


@pytest.mark.parametrize(
    ("read", "says"),
    [*NO_LIST, (Response(status=302, headers={"Location": "/app/Login.vm"}), "redirects to /app/Login.vm: ")],
)
def test_of_one_origin_a_server_that_is_not_there_is_told(httpserver: HTTPServer, read: Response, says: str) -> None:
    httpserver.expect_request("/v1/models", "GET").respond_with_response(read)
    url = httpserver.url_for("").rstrip("/")
    met = meet(url, f"{url}/xnat")
    assert met.problems == ()
    assert met.unknown.startswith(f"from this machine, GET {url}/v1/models: {says}")


def test_of_a_path_only_the_origin_is_asked(httpserver: HTTPServer) -> None:
    assert meet(answers(httpserver, well(), well()) + "/aiaa", XNAT) == Met()


@pytest.fixture
def https(tmp_path: Path) -> Iterator[tuple[HTTPServer, str]]:
    """A server and its authority."""
    ca_file, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca_file, key)
    with HTTPServer(host="127.0.0.1", ssl_context=context) as server:
        yield server, ca_file


def test_a_hospitals_own_authority_is_trusted_and_the_worlds_too(
    https: tuple[HTTPServer, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, ca_file = https
    url = answers(server, well(), well())
    assert "TLS failed" in meet(url, XNAT).unknown
    assert meet(url, XNAT, ca_file=ca_file) == Met()
    (tmp_path / "other").mkdir()
    other, _ = certificate(tmp_path / "other")
    assert "TLS failed" in meet(url, XNAT, ca_file=other).unknown
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_file)  # in place of the world's
    assert meet(url, XNAT, ca_file=other) == Met()
