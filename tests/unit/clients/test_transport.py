"""The transport against servers that answer well, badly and not at all."""

from __future__ import annotations

import gzip
import io
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from tenacity import wait_fixed
from werkzeug import Request, Response

from clients.connection import Deadline
from clients.errors import Broken, LoginRefused, NotReady, Refused, Rejected, Unreachable
from clients.transport import Answer, Transport, wait_for
from tests.unit.clients import raw_server as raw
from tests.unit.clients.raw_server import RawServer, raw_server

SECRET = "p w/ü\"'&"


@pytest.fixture
def transport(httpserver: HTTPServer) -> Iterator[Transport]:
    with Transport(httpserver.url_for("/"), secrets=[SECRET]) as opened:
        yield opened


def answers(httpserver: HTTPServer, *script: Response) -> None:
    """One answer for each request, whatever it asks."""
    for response in script:
        httpserver.expect_ordered_request("/thing").respond_with_response(response)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class TestRepetition:
    @pytest.mark.parametrize("status", [502, 503, 504])
    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    def test_a_call_that_is_safe_to_repeat_outlives_three_failures(
        self, httpserver: HTTPServer, transport: Transport, method: str, status: int
    ) -> None:
        answers(httpserver, *[Response(status=status)] * 3, Response("[]"))
        assert transport.call(method, "thing", deadline=5).json() == []

    def test_no_call_is_sent_more_than_four_times(self, httpserver: HTTPServer, transport: Transport) -> None:
        answers(httpserver, *[Response(status=503)] * 5)
        with pytest.raises(NotReady, match="503 Service Unavailable"):
            transport.call("GET", "thing", deadline=5)
        assert len(httpserver.log) == 4

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 422, 429, 440, 500, 501])
    def test_an_answer_that_blames_the_request_or_the_server_is_final(
        self, httpserver: HTTPServer, transport: Transport, status: int
    ) -> None:
        answers(httpserver, Response(status=status), Response("[]"))
        with pytest.raises((Refused, Rejected, Broken)):
            transport.call("GET", "thing", deadline=5)
        assert len(httpserver.log) == 1

    def test_a_post_is_never_repeated(self, httpserver: HTTPServer, transport: Transport) -> None:
        answers(httpserver, Response(status=503), Response("[]"))
        with pytest.raises(NotReady):
            transport.call("POST", "thing", deadline=5)
        assert len(httpserver.log) == 1

    def test_a_post_whose_connection_is_reset_is_not_repeated(self) -> None:
        with (
            raw_server(raw.reset, raw.answer(raw.OK)) as server,
            Transport(server.url) as transport,
            pytest.raises(Unreachable, match="connection failed"),
        ):
            transport.call("POST", "thing", deadline=5)
        assert server.connections == 1

    @pytest.mark.parametrize(
        "broken",
        [
            pytest.param(raw.reset, id="reset"),
            pytest.param(raw.answer(b""), id="no-answer"),
            pytest.param(raw.answer(b"HTTP/1.1 2"), id="half-a-status"),
            pytest.param(raw.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[1,"), id="half-a-body"),
            pytest.param(
                raw.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1,"), id="half-a-chunk"
            ),
        ],
    )
    def test_a_broken_connection_is_tried_again(self, broken: raw.Script) -> None:
        with raw_server(broken, raw.answer(raw.OK)) as server, Transport(server.url) as transport:
            assert transport.call("GET", "thing", deadline=5).json() == []
        assert server.connections == 2

    def test_half_an_answer_is_never_taken_for_the_whole(self) -> None:
        half = raw.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[]")
        with (
            raw_server(half) as server,
            Transport(server.url) as transport,
            pytest.raises(Unreachable, match="connection failed"),
        ):
            transport.call("GET", "thing", deadline=5)
        assert server.connections == 4

    def test_a_refused_connection_is_tried_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        port = free_port()
        started: list[RawServer] = []

        def start_server(_state: object) -> float:
            started.append(RawServer(raw.answer(raw.OK), port=port))
            return 0

        monkeypatch.setattr("clients.transport.wait_random_exponential", lambda **_: start_server)
        with Transport(f"http://127.0.0.1:{port}") as transport:
            assert transport.call("GET", "thing", deadline=5).json() == []
        started[0].stop()

    def test_a_server_that_nobody_started_is_unreachable(self) -> None:
        with (
            Transport(f"http://127.0.0.1:{free_port()}") as transport,
            pytest.raises(Unreachable, match="connection failed: Connection refused"),
        ):
            transport.call("GET", "thing", deadline=5)

    def test_the_body_is_made_afresh_for_each_attempt(self, httpserver: HTTPServer, transport: Transport) -> None:
        answers(httpserver, Response(status=503), Response("[]"))
        bodies = iter([b"first", b"second"])
        transport.call("PUT", "thing", deadline=5, body=lambda _limit: (next(bodies), "text/plain"))
        assert [request.data for request, _ in httpserver.log] == [b"first", b"second"]


class TestDeadline:
    @pytest.mark.parametrize("script", [raw.drip, raw.stall, raw.hang])
    def test_a_slow_server_is_held_to_the_deadline(self, script: raw.Script) -> None:
        started = time.monotonic()
        with (
            raw_server(script) as server,
            Transport(server.url) as transport,
            pytest.raises(Unreachable, match="no answer in time"),
        ):
            transport.call("GET", "thing", deadline=0.6)
        assert time.monotonic() - started < 1.1
        assert server.connections == 1

    def test_an_answer_without_a_length_that_drips_is_not_taken_for_a_whole_one(self) -> None:
        def script(connection: raw.Connection) -> None:
            connection.read()
            connection.send(b"HTTP/1.1 200 OK\r\n\r\n[")
            connection.pause(5)

        with (
            raw_server(script) as server,
            Transport(server.url) as transport,
            pytest.raises(Unreachable, match="no answer in time"),
        ):
            transport.call("GET", "thing", deadline=0.2)

    def test_the_read_timeout_ends_a_call_before_a_long_deadline(self) -> None:
        started = time.monotonic()
        with (
            raw_server(raw.hang) as server,
            Transport(server.url, read_timeout=0.2) as transport,
            pytest.raises(Unreachable, match="no answer in time"),
        ):
            transport.call("GET", "thing", deadline=60)
        assert time.monotonic() - started < 2

    def test_repetitions_end_before_the_deadline_with_the_servers_own_reason(
        self, httpserver: HTTPServer, transport: Transport, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("clients.transport.wait_random_exponential", lambda **_: wait_fixed(2))
        answers(httpserver, *[Response("starting", status=503)] * 4)
        started = time.monotonic()
        with pytest.raises(NotReady, match="starting"):
            transport.call("GET", "thing", deadline=1)
        assert time.monotonic() - started < 1

    def test_a_server_that_pauses_in_an_upload_is_given_the_read_timeout(self) -> None:
        """It may write what it got to a slow disk: the short patience is for the connection only."""

        def script(connection: raw.Connection) -> None:
            connection.pause(0.5)
            assert connection.read().length == len(upload)
            connection.send(raw.OK)

        upload = b"x" * (32 << 20)  # more than the sockets' buffers hold
        with raw_server(script) as server, Transport(server.url, connect_timeout=0.1, read_timeout=5) as transport:
            transport.call("PUT", "thing", deadline=5, body=lambda _limit: (upload, "text/plain"))
        assert server.connections == 1

    def test_an_upload_that_the_server_does_not_read_ends_at_the_deadline(self) -> None:
        def script(connection: raw.Connection) -> None:
            connection.pause(5)

        upload = b"x" * (32 << 20)
        started = time.monotonic()
        with (
            raw_server(script) as server,
            Transport(server.url) as transport,
            pytest.raises(Unreachable, match="no answer in time"),
        ):
            transport.call("PUT", "thing", deadline=0.4, body=lambda _limit: (upload, "text/plain"))
        assert time.monotonic() - started < 1.5

    def test_no_time_left_means_nothing_is_sent(self, httpserver: HTTPServer, transport: Transport) -> None:
        with pytest.raises(Unreachable, match="no answer in time"):
            transport.call("GET", "thing", deadline=0)
        assert not httpserver.log

    def test_a_deadline_tells_what_is_left_of_it(self) -> None:
        assert 59 < Deadline(60).check() <= 60
        with pytest.raises(TimeoutError):
            Deadline(0).check()


class TestRequests:
    def test_an_upload_is_read_in_blocks_that_do_not_keep_python_busy(
        self, httpserver: HTTPServer, transport: Transport
    ) -> None:
        """One of 1 GB must not take 60,000 turns: it would be slower than its network."""
        upload, reads = io.BytesIO(b"x" * (4 << 20)), []

        class Body(io.RawIOBase):
            len = 4 << 20  # of what is left, by which requests tells the length

            def read(self, size: int = -1) -> bytes:
                reads.append(size)
                return upload.read(size)

        answers(httpserver, Response("[]"))
        transport.call("PUT", "thing", deadline=5, body=lambda _limit: (Body(), "text/plain"))
        assert httpserver.log[0][0].data == upload.getvalue()
        assert len(reads) < 40

    def test_nothing_of_the_users_netrc_is_sent(
        self, httpserver: HTTPServer, transport: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text(f"machine {httpserver.host} login me password mine")
        monkeypatch.setenv("NETRC", str(netrc))
        answers(httpserver, Response("[]"))
        transport.call("GET", "thing", deadline=5)
        assert "Authorization" not in httpserver.log[0][0].headers

    def test_credentials_in_the_address_are_neither_sent_nor_told(self, httpserver: HTTPServer) -> None:
        answers(httpserver, Response(status=404))
        address = httpserver.url_for("/").replace("//", "//me:mine@")
        with Transport(address) as transport, pytest.raises(Rejected) as caught:
            transport.call("GET", "thing", deadline=5)
        assert "Authorization" not in httpserver.log[0][0].headers
        assert "mine" not in str(caught.value)

    def test_no_browser_is_claimed(self, httpserver: HTTPServer, transport: Transport) -> None:
        answers(httpserver, Response("[]"))
        transport.call("GET", "thing", deadline=5)
        assert "Mozilla" not in httpserver.log[0][0].headers["User-Agent"]

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_no_redirect_is_followed_and_its_target_is_told(
        self, httpserver: HTTPServer, transport: Transport, status: int
    ) -> None:
        target = httpserver.url_for("/other")
        answers(httpserver, Response(status=status, headers={"Location": target.replace("//", "//me:mine@")}))
        httpserver.expect_request("/other").respond_with_data("[]")
        with pytest.raises(Rejected) as caught:
            transport.call("GET", "thing", deadline=5)
        assert f"redirects to {target}" in str(caught.value)
        assert len(httpserver.log) == 1

    def test_an_expected_redirect_is_an_answer(self, httpserver: HTTPServer, transport: Transport) -> None:
        answers(httpserver, Response(status=302, headers={"Location": "/other"}))
        assert transport.call("GET", "thing", deadline=5, expect=(302,)).location == "/other"

    @pytest.mark.soak
    @given(st.lists(st.text(min_size=1).filter(lambda part: part not in (".", "..")), min_size=1, max_size=4))
    def test_each_part_of_a_path_stays_one_part(self, parts: list[str]) -> None:
        with Transport("http://host/context") as transport:
            path = requests.Request("GET", transport.url(*parts)).prepare().path_url
        assert [unquote(part) for part in path.split("/")] == ["", "context", *parts]

    def test_a_compressed_answer_is_read_although_none_was_asked_for(self) -> None:
        body = gzip.compress(b"[1]")
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        with raw_server(raw.answer(head.encode() + body)) as server, Transport(server.url) as transport:
            assert transport.call("GET", "thing", deadline=5).json() == [1]

    def test_a_connection_is_used_again(self) -> None:
        def two_requests(connection: raw.Connection) -> None:
            for _ in range(2):
                connection.read()
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")

        with raw_server(two_requests) as server, Transport(server.url) as transport:
            for _ in range(2):
                transport.call("GET", "thing", deadline=5)
        assert server.connections == 1


class TestErrors:
    @pytest.mark.parametrize(
        "echo",
        [
            f"you sent {SECRET}",
            '{"detail": "you sent p w/\\u00fc\\"\'&"}',
            '["you sent p w/\\u00fc\\"\'&"]',
            "<html><title>p w/ü&quot;&#x27;&amp;</title></html>",
            "no route /p%20w%2F%C3%BC%22%27%26",
        ],
    )
    @pytest.mark.parametrize("status", [200, 403, 500])
    def test_a_secret_that_the_server_echoes_is_not_told(
        self, httpserver: HTTPServer, transport: Transport, status: int, echo: str
    ) -> None:
        answers(httpserver, Response(echo, status=status))
        with pytest.raises((Refused, Rejected, Broken)) as caught:
            raise transport.call("GET", "thing", deadline=5).instead_of("a thing")
        assert "***" in str(caught.value)
        assert "p w" not in str(caught.value)

    def test_a_secret_in_the_path_is_not_told(self) -> None:
        with (
            Transport(f"http://127.0.0.1:{free_port()}", secrets=[SECRET]) as transport,
            pytest.raises(Unreachable) as caught,
        ):
            transport.call("GET", "tokens", SECRET, deadline=5)
        assert "/tokens/***:" in str(caught.value)

    def test_a_secret_in_a_redirect_is_not_told(self, httpserver: HTTPServer, transport: Transport) -> None:
        answers(httpserver, Response(status=302, headers={"Location": "/login?was=p+w%2F%C3%BC%22%27%26"}))
        with pytest.raises(Rejected, match=r"\*\*\*"):
            transport.call("GET", "thing", deadline=5)

    @pytest.mark.parametrize("body", ["<!DOCTYPE html>\n<title>Log in</title>\n<p>x", "not\njson", "", "[1,"])
    def test_no_json_where_it_belongs_is_told_in_one_line(
        self, httpserver: HTTPServer, transport: Transport, body: str
    ) -> None:
        answers(httpserver, Response(body))
        with pytest.raises(Broken) as caught:
            transport.call("GET", "thing", deadline=5).json()
        assert len(str(caught.value).splitlines()) == 1
        assert "expected JSON, got" in caught.value.line
        assert "<p>" not in str(caught.value)

    def test_tls_where_none_is_spoken_is_told_and_not_tried_again(self) -> None:
        with (
            raw_server(lambda connection: connection.send(raw.OK)) as server,
            Transport(server.url.replace("http:", "https:")) as transport,
            pytest.raises(Unreachable, match="TLS failed"),
        ):
            transport.call("GET", "thing", deadline=5)
        assert server.connections == 1

    def test_a_certificate_file_is_used_whatever_the_environment_names(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
        with (
            Transport("https://127.0.0.1:1", ca_file="/no/such/ca.pem") as transport,
            pytest.raises(Unreachable, match=r"cannot be sent: .*/no/such/ca\.pem"),
        ):
            transport.call("GET", "thing", deadline=5)

    def test_an_address_that_is_none_is_told(self) -> None:
        with Transport("http://") as transport, pytest.raises(Unreachable, match="cannot be sent"):
            transport.call("GET", "thing", deadline=5)


class TestWaiting:
    def silent(self, line: str) -> None:
        """Told every quarter of a minute only."""
        raise AssertionError(line)

    @pytest.mark.parametrize("kind", [Refused, LoginRefused])
    def test_a_refusal_ends_the_wait_at_once(self, kind: type[Refused]) -> None:
        refusal = kind("wrong password")
        attempts = 0

        def attempt(_left: float) -> None:
            nonlocal attempts
            attempts += 1
            raise refusal

        with pytest.raises(kind) as caught:
            wait_for(attempt, 60, self.silent)
        assert caught.value is refusal
        assert attempts == 1

    @pytest.mark.parametrize("kind", [Unreachable, NotReady, Rejected, Broken])
    def test_any_other_error_is_outlived(self, kind: type[Exception]) -> None:
        script = iter([kind("starting"), kind("starting"), "up"])

        def attempt(_left: float) -> Any:
            event = next(script)
            if isinstance(event, Exception):
                raise event
            return event

        assert wait_for(attempt, 60, self.silent) == "up"

    def test_the_last_error_is_raised_near_the_deadline(self) -> None:
        count = 0

        def attempt(_left: float) -> None:
            nonlocal count
            count += 1
            raise Rejected(f"no. {count}")

        started = time.monotonic()
        with pytest.raises(Rejected) as caught:
            wait_for(attempt, 1.2, self.silent)
        # But for the last half second, in which an attempt could tell of nothing but too little time.
        assert 0.7 <= time.monotonic() - started < 3
        assert str(caught.value) == f"no. {count} (waited 1 s)"

    def test_an_attempt_is_given_what_is_left_and_never_nothing(self) -> None:
        lefts: list[float] = []

        def attempt(left: float) -> None:
            lefts.append(left)
            raise NotReady("not yet")

        with pytest.raises(NotReady):
            wait_for(attempt, 0.1, self.silent)
        assert lefts[0] <= 0.1
        assert lefts == sorted(lefts, reverse=True)
        assert lefts[-1] > 0

    def test_who_waits_is_told_what_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("clients.transport._SAY_EVERY", 0)
        script: Iterator[Exception | None] = iter([NotReady("Triton loads"), None])
        told: list[str] = []

        def attempt(_left: float) -> None:
            if error := next(script):
                raise error

        wait_for(attempt, 60, told.append)
        assert told == ["waiting, 60 s left: Triton loads"]

    @pytest.mark.parametrize("status", [200, 302, 401, 500])
    def test_waiting_for_a_path_ends_with_any_answer_but_that_of_a_server_that_starts(
        self, httpserver: HTTPServer, transport: Transport, status: int
    ) -> None:
        answers(httpserver, *(Response(status=code) for code in (404, 502, 503, 504)), Response(status=status))
        assert transport.wait(5, self.silent, "thing").status == status

    def test_waiting_for_a_path_outlives_a_server_that_is_not_there_yet(self) -> None:
        with raw_server(raw.reset, raw.answer(b""), raw.answer(raw.OK)) as server, Transport(server.url) as transport:
            answer = transport.wait(5, self.silent, "thing")
        assert isinstance(answer, Answer)
        assert server.connections == 3


def test_what_was_being_handled_before_is_no_reason_why_a_server_does_not_answer() -> None:
    transport = Transport("http://127.0.0.1:9")
    try:
        raise ValueError("something else")
    except ValueError:
        with pytest.raises(Unreachable, match="connection failed: Connection refused"):
            transport.call("GET", "x", deadline=1, repeat=False)


def test_a_request_has_the_query_and_headers_that_were_given(httpserver: HTTPServer, transport: Transport) -> None:
    seen: list[Request] = []

    def handler(request: Request) -> Response:
        seen.append(request)
        return Response("[]")

    httpserver.expect_request("/thing").respond_with_handler(handler)
    transport.call("GET", "thing", deadline=5, query={"model": "a b&c"}, headers={"Accept": "text/x"})
    assert seen[0].args.to_dict() == {"model": "a b&c"}
    assert seen[0].headers["Accept"] == "text/x"
