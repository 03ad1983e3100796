"""Running a stand-in in a thread."""

import threading
from urllib.parse import urlsplit

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.serve import serve


def application(text: str) -> Starlette:
    async def answer(_: Request) -> Response:
        return PlainTextResponse(text)

    return Starlette(routes=[Route("/", answer)])


def test_a_stopped_server_refuses_and_comes_back_under_the_same_url() -> None:
    with serve(application("first")) as url:
        assert requests.get(url, timeout=5).text == "first"
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)
    with serve(application("second"), port=urlsplit(url).port or 0) as again:
        assert again == url
        assert requests.get(url, timeout=5).text == "second"


def test_it_ends_at_once_and_cuts_a_request_that_hangs() -> None:
    arrived = threading.Event()
    failures: list[Exception] = []

    async def hang(request: Request) -> Response:
        arrived.set()
        await request.receive()
        await request.receive()
        return Response()

    def ask() -> None:
        try:
            requests.get(url, timeout=30)
        except requests.ConnectionError as error:
            failures.append(error)

    with serve(Starlette(routes=[Route("/", hang)])) as url:
        client = threading.Thread(target=ask)
        client.start()
        assert arrived.wait(5)
    client.join(5)
    assert not client.is_alive()
    assert len(failures) == 1


def test_a_taken_port_is_an_error() -> None:
    with (
        serve(application("one")) as url,
        pytest.raises(OSError, match="in use"),
        serve(application("two"), port=urlsplit(url).port or 0),
    ):
        pass
