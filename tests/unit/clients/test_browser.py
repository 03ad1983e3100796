"""What a browser meets at a server, as the Fetch standard has it, and what cannot be told from here."""

from __future__ import annotations

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from clients.browser import Met, meet
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


def test_a_server_that_is_not_reached_from_here_proves_nothing() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    met = meet(url, XNAT)
    assert met.problems == ()
    assert met.unknown.startswith(f"from this machine, GET {url}/v1/models: connection failed")


def test_another_servers_list_may_be_read_without_aiaas_route(httpserver: HTTPServer) -> None:
    """MONAI Label's servers stand in the same lists."""
    assert meet(answers(httpserver, well(status=404), well()), XNAT) == Met()


@pytest.mark.parametrize("page", ["https://XNAT.example.org:443/xnat", ORIGIN])
def test_of_one_origin_nothing_is_asked(page: str) -> None:
    assert meet("https://xnat.example.org", page) == Met()


def test_of_a_path_only_the_origin_is_asked(httpserver: HTTPServer) -> None:
    assert meet(answers(httpserver, well(), well()) + "/aiaa", XNAT) == Met()
