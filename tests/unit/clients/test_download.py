"""Downloads from servers that answer well, badly, and not to the end."""

from __future__ import annotations

import hashlib
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from tenacity import wait_none
from werkzeug import Request, Response

from clients.download import download
from clients.errors import Broken, ClientError, NotReady, Refused, Rejected, Unreachable
from tests.support.certificate import certificate
from tests.unit.clients import raw_server as raw
from tests.unit.clients.raw_server import Connection, raw_server

DATA = bytes(range(256)) * 4096  # 1 MB
DIGEST = hashlib.sha256(DATA).hexdigest()
SECRET = "X-Amz-Signature=tell-nobody"

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clients.download.wait_random_exponential", lambda **_: wait_none())


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "model.ts"


def fetch(url: str, target: Path, **options: object) -> list[str]:
    """The lines that were told meanwhile."""
    lines = list[str]()
    download(url, target, **{"deadline": 10, "tell": lines.append, **options})  # type: ignore[arg-type]
    return lines


def store(tag: str = '"one"', headers: dict[str, str] | None = None) -> Callable[[Request], Response]:
    """A store with ranges, as RFC 9110 has it."""

    def answer(request: Request) -> Response:
        sent = {**({"ETag": tag} if tag else {}), **(headers or {})}
        wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        if not wanted or request.headers.get("If-Range") not in (None, *sent.values()):
            return Response(DATA, headers=sent)
        first = int(wanted[1])
        if first >= len(DATA):
            return Response(status=416, headers={"Content-Range": f"bytes */{len(DATA)}"})
        sent["Content-Range"] = f"bytes {first}-{len(DATA) - 1}/{len(DATA)}"
        return Response(DATA[first:], 206, headers=sent)

    return answer


def part_of(target: Path, data: bytes, version: str = '"one"') -> Path:
    """What a run that was cut off has left behind."""
    part = target.with_name(target.name + ".part")
    part.write_bytes(data)
    target.with_name(target.name + ".part.version").write_text(version)
    return part


def cut_after(count: int, *, tag: str = '"one"', data: bytes = DATA) -> raw.Script:
    """Sends the head of the whole file, and no more than so many bytes of it."""

    def script(connection: Connection) -> None:
        connection.read()
        connection.send(f"HTTP/1.1 200 OK\r\nETag: {tag}\r\nContent-Length: {len(data)}\r\n\r\n".encode())
        connection.send(data[:count])

    return script


def rest_from(count: int, heads: list[str], data: bytes = DATA) -> raw.Script:
    """Sends the rest of the file, and notes what it was asked for."""

    def script(connection: Connection) -> None:
        heads.append(connection.read().head)
        connection.send(
            f'HTTP/1.1 206 Partial Content\r\nETag: "one"\r\nContent-Length: {len(data) - count}\r\n'
            f"Content-Range: bytes {count}-{len(data) - 1}/{len(data)}\r\nConnection: close\r\n\r\n".encode()
            + data[count:]
        )

    return script


def only(target: Path) -> bool:
    """The file is there, and nothing beside it."""
    return list(target.parent.iterdir()) == [target]


class TestWhole:
    def test_a_file_is_there_as_it_was_sent_with_nothing_beside_it(self, httpserver: HTTPServer, target: Path) -> None:
        httpserver.expect_request("/m").respond_with_handler(store())
        assert fetch(httpserver.url_for("/m"), target, sha256=DIGEST.upper(), size=len(DATA)) == []
        assert target.read_bytes() == DATA
        assert only(target)

    def test_a_file_of_unknown_length_is_fetched(self, httpserver: HTTPServer, target: Path) -> None:
        httpserver.expect_request("/m").respond_with_handler(lambda _: Response(iter([DATA[:9], DATA[9:]])))
        fetch(httpserver.url_for("/m"), target)
        assert target.read_bytes() == DATA

    def test_an_older_file_of_that_name_is_replaced(self, httpserver: HTTPServer, target: Path) -> None:
        target.write_text("old")
        httpserver.expect_request("/m").respond_with_handler(store())
        fetch(httpserver.url_for("/m"), target)
        assert target.read_bytes() == DATA

    def test_credentials_go_to_the_host_that_they_are_for(self, httpserver: HTTPServer, target: Path) -> None:
        httpserver.expect_request("/m", headers={"Authorization": "Bearer key"}).respond_with_handler(store())
        fetch(httpserver.url_for("/m"), target, headers={"Authorization": "Bearer key"})
        assert target.read_bytes() == DATA

    def test_memory_does_not_grow_with_the_file(self, target: Path) -> None:
        size = 200 << 20

        def script(connection: Connection) -> None:
            connection.read()
            connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
            for _ in range(size >> 20):
                connection.send(bytes(1 << 20))

        with raw_server(script) as server:
            code = (
                "import resource, sys, pathlib; from clients.download import download;"
                "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
                "download(sys.argv[1], pathlib.Path(sys.argv[2]), deadline=60, tell=print);"
                "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
            )
            command = [sys.executable, "-c", code, server.url, str(target)]
            grown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert target.stat().st_size == size
        assert int(grown.split()[-1]) < 30 << 10  # KB


class TestGoingOn:
    def test_a_file_that_is_cut_off_goes_on_where_it_was(self, target: Path) -> None:
        heads = list[str]()
        with raw_server(cut_after(300_000), rest_from(300_000, heads)) as server:
            fetch(server.url, target, sha256=DIGEST)
        assert target.read_bytes() == DATA
        assert "Range: bytes=300000-" in heads[0]
        assert 'If-Range: "one"' in heads[0]

    def test_what_a_killed_run_has_left_goes_on(self, httpserver: HTTPServer, target: Path) -> None:
        part_of(target, DATA[: 700 << 10])
        httpserver.expect_request("/m").respond_with_handler(store())
        assert fetch(httpserver.url_for("/m"), target, sha256=DIGEST) == ["downloading model.ts: going on after 0 MB"]
        assert target.read_bytes() == DATA
        assert httpserver.log[0][1].status_code == 206
        assert only(target)

    def test_a_run_that_is_killed_in_the_middle_is_gone_on_with(self, target: Path) -> None:
        sent, heads = threading.Event(), list[str]()

        def half(connection: Connection) -> None:
            cut_after(len(DATA) // 2)(connection)
            sent.set()
            connection.pause(30)

        def rest(connection: Connection) -> None:
            rest_from(target.with_name("model.ts.part").stat().st_size, heads)(connection)

        with raw_server(half, rest) as server:
            code = (
                "import sys, pathlib; from clients.download import download;"
                "download(sys.argv[1], pathlib.Path(sys.argv[2]), deadline=60, tell=print)"
            )
            run = subprocess.Popen([sys.executable, "-c", code, server.url, str(target)], cwd=ROOT)
            assert sent.wait(30)
            part = target.with_name("model.ts.part")
            while not (part.exists() and part.stat().st_size):
                assert run.poll() is None
            os.kill(run.pid, signal.SIGKILL)
            run.wait()
            assert not target.exists()
            fetch(server.url, target, sha256=DIGEST)
        assert target.read_bytes() == DATA
        assert re.search(r"Range: bytes=[1-9]\d*-", heads[0])

    def test_a_file_that_has_changed_meanwhile_begins_anew(self, httpserver: HTTPServer, target: Path) -> None:
        part_of(target, b"old" * 1000, '"another"')
        httpserver.expect_request("/m").respond_with_handler(store())
        fetch(httpserver.url_for("/m"), target)
        assert target.read_bytes() == DATA

    def test_a_changed_file_of_a_server_that_ignores_if_range_begins_anew(
        self, httpserver: HTTPServer, target: Path
    ) -> None:
        part_of(target, b"old" * 1000, '"another"')

        def answer(request: Request) -> Response:
            request.environ.pop("HTTP_IF_RANGE", None)
            return store()(request)

        httpserver.expect_request("/m").respond_with_handler(answer)
        fetch(httpserver.url_for("/m"), target)
        assert target.read_bytes() == DATA

    @pytest.mark.parametrize("version", ["", "broken\n\0note"])
    def test_a_part_of_an_unknown_version_begins_anew(self, httpserver: HTTPServer, target: Path, version: str) -> None:
        part_of(target, b"old" * 1000, version)
        httpserver.expect_request("/m").respond_with_handler(store())
        fetch(httpserver.url_for("/m"), target)
        assert target.read_bytes() == DATA

    def test_a_date_is_a_version_where_there_is_no_tag(self, httpserver: HTTPServer, target: Path) -> None:
        date = "Mon, 02 Aug 2021 10:00:00 GMT"
        part_of(target, DATA[:500_000], date)
        httpserver.expect_request("/m").respond_with_handler(store(tag="", headers={"Last-Modified": date}))
        fetch(httpserver.url_for("/m"), target, sha256=DIGEST)
        assert httpserver.log[0][1].status_code == 206

    def test_a_weak_tag_is_no_version(self, target: Path) -> None:
        heads = list[str]()

        def whole(connection: Connection) -> None:
            heads.append(connection.read().head)
            connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(DATA)}\r\n\r\n".encode() + DATA)

        with raw_server(cut_after(1000, tag='W/"one"'), whole) as server:
            fetch(server.url, target, sha256=DIGEST)
        assert "Range" not in heads[0]

    def test_a_server_without_ranges_begins_anew(self, target: Path) -> None:
        with raw_server(cut_after(400_000), cut_after(len(DATA))) as server:
            fetch(server.url, target, sha256=DIGEST)
        assert target.read_bytes() == DATA

    def test_a_part_that_is_all_of_the_file_is_not_fetched_again(self, httpserver: HTTPServer, target: Path) -> None:
        part_of(target, DATA)
        httpserver.expect_request("/m").respond_with_handler(store())
        fetch(httpserver.url_for("/m"), target, sha256=DIGEST)
        assert [answer.status_code for _, answer in httpserver.log] == [416]
        assert target.read_bytes() == DATA

    def test_a_part_that_is_longer_than_the_file_begins_anew(self, httpserver: HTTPServer, target: Path) -> None:
        part_of(target, DATA + b"more")
        httpserver.expect_request("/m").respond_with_handler(store())
        fetch(httpserver.url_for("/m"), target, sha256=DIGEST)
        assert target.read_bytes() == DATA

    def test_another_part_than_was_asked_for_is_not_mixed_in(self, target: Path) -> None:
        with raw_server(cut_after(1000), rest_from(2000, []), cut_after(len(DATA))) as server:
            fetch(server.url, target, sha256=DIGEST)
        assert target.read_bytes() == DATA

    def test_as_long_as_more_arrives_a_bad_connection_is_tried_again(self, target: Path) -> None:
        steps = [100_000 * step for step in range(1, 9)]

        def some(begin: int, end: int) -> raw.Script:
            def script(connection: Connection) -> None:
                connection.read()
                connection.send(
                    f'HTTP/1.1 206 Partial Content\r\nETag: "one"\r\nContent-Length: {len(DATA) - begin}\r\n'
                    f"Content-Range: bytes {begin}-{len(DATA) - 1}/{len(DATA)}\r\n\r\n".encode()
                    + DATA[begin:end]
                )

            return script

        middle = [some(begin, begin + 100_000) for begin in steps[:-1]]
        with raw_server(cut_after(steps[0]), *middle, rest_from(steps[-1], [])) as server:
            fetch(server.url, target, sha256=DIGEST)
        assert target.read_bytes() == DATA

    def test_a_connection_that_brings_nothing_more_is_given_up(self, target: Path) -> None:
        with raw_server(cut_after(1000), raw.reset) as server, pytest.raises(Unreachable, match="connection failed"):
            fetch(server.url, target)
        assert server.connections == 5
        assert target.with_name("model.ts.part").stat().st_size == 1000

    def test_two_runs_do_not_mix_their_bytes(self, target: Path) -> None:
        asked = threading.Event()

        def slow(connection: Connection) -> None:
            cut_after(1000)(connection)
            asked.set()
            connection.pause(30)
            connection.send(DATA[1000:])

        with raw_server(slow) as server:
            first = threading.Thread(target=lambda: fetch(server.url, target), daemon=True)
            first.start()
            assert asked.wait(10)
            with pytest.raises(ClientError, match="another run is storing it"):
                fetch(server.url, target)
        first.join()
        assert target.read_bytes() == DATA


class TestWrong:
    def test_another_digest_is_told_with_both_and_leaves_nothing(self, httpserver: HTTPServer, target: Path) -> None:
        httpserver.expect_request("/m").respond_with_handler(store())
        with pytest.raises(Broken, match=f"has the sha256 {DIGEST}, and should have {'0' * 64}"):
            fetch(httpserver.url_for("/m"), target, sha256="0" * 64)
        assert list(target.parent.iterdir()) == []

    def test_another_size_is_told_before_it_is_fetched(self, httpserver: HTTPServer, target: Path) -> None:
        httpserver.expect_request("/m").respond_with_handler(store())
        with pytest.raises(Broken, match=f"has {len(DATA)} bytes, and should have 7"):
            fetch(httpserver.url_for("/m"), target, size=7)

    def test_more_than_was_promised_is_no_file(self, httpserver: HTTPServer, target: Path) -> None:
        httpserver.expect_request("/m").respond_with_handler(lambda _: Response(iter([DATA])))
        with pytest.raises(Broken, match="sends more than 9 bytes"):
            fetch(httpserver.url_for("/m"), target, size=9)

    def test_nothing_is_no_file(self, httpserver: HTTPServer, target: Path) -> None:
        httpserver.expect_request("/m").respond_with_data(b"")
        with pytest.raises(Broken, match="is an empty file"):
            fetch(httpserver.url_for("/m"), target)

    def test_a_page_is_no_file(self, httpserver: HTTPServer, target: Path) -> None:
        page = "<html><title>Sign in</title></html>"
        httpserver.expect_request("/m").respond_with_data(page, content_type="text/html; charset=utf-8")
        with pytest.raises(Broken, match="answered an HTML page titled 'Sign in' in place of the file"):
            fetch(httpserver.url_for("/m"), target)
        assert not target.exists()

    def test_a_compressed_answer_is_no_file(self, httpserver: HTTPServer, target: Path) -> None:
        httpserver.expect_request("/m").respond_with_handler(store(headers={"Content-Encoding": "gzip"}))
        with pytest.raises(Broken, match="sends the file as gzip"):
            fetch(httpserver.url_for("/m"), target)

    def test_a_file_that_is_not_there_is_told_at_once(self, httpserver: HTTPServer, target: Path) -> None:
        httpserver.expect_request("/m").respond_with_data("no such key", status=404)
        with pytest.raises(Rejected) as caught:
            fetch(httpserver.url_for("/m"), target)
        assert "answered 404 Not Found: no such key" in str(caught.value)
        assert "check the address" in caught.value.line
        assert len(httpserver.log) == 1

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_refusal_says_what_credentials_are_for(self, httpserver: HTTPServer, target: Path, status: int) -> None:
        httpserver.expect_request("/m").respond_with_data("", status=status)
        with pytest.raises(Refused) as caught:
            fetch(httpserver.url_for("/m"), target)
        assert "give credentials that may read it" in caught.value.line
        assert len(httpserver.log) == 1

    def test_a_busy_server_is_tried_again(self, httpserver: HTTPServer, target: Path) -> None:
        httpserver.expect_ordered_request("/m").respond_with_data("", status=503)
        httpserver.expect_ordered_request("/m").respond_with_handler(store())
        fetch(httpserver.url_for("/m"), target)
        assert target.read_bytes() == DATA

    def test_a_server_that_stays_busy_is_given_up(self, httpserver: HTTPServer, target: Path) -> None:
        httpserver.expect_request("/m").respond_with_data("", status=503)
        with pytest.raises(NotReady):
            fetch(httpserver.url_for("/m"), target)
        assert len(httpserver.log) == 4

    @pytest.mark.parametrize("script", [raw.drip, raw.stall, raw.hang])
    def test_no_server_takes_longer_than_the_deadline(self, target: Path, script: raw.Script) -> None:
        with raw_server(script) as server, pytest.raises(Unreachable, match="not done in time") as caught:
            fetch(server.url, target, deadline=0.5)
        assert "run the command again" in caught.value.line

    def test_a_name_that_nobody_knows_is_told(self, monkeypatch: pytest.MonkeyPatch, target: Path) -> None:
        def unknown(*_: object, **__: object) -> object:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        with pytest.raises(Unreachable, match=r"GET https://store\.example\.org/m: .*Name or service not known"):
            fetch("https://store.example.org/m?" + SECRET, target)

    @pytest.mark.parametrize("url", ["ftp://store.example.org/m", "no address", "http://[::1/m", "http://host:x/m"])
    def test_what_is_no_address_is_told(self, url: str, target: Path) -> None:
        with pytest.raises(ClientError) as caught:
            fetch(url, target)
        assert "\n" not in caught.value.line


class TestRedirects:
    def test_redirects_are_followed_and_credentials_stay_behind(self, httpserver: HTTPServer, target: Path) -> None:
        heads = list[str]()

        def whole(connection: Connection) -> None:
            heads.append(connection.read().head)
            connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(DATA)}\r\n\r\n".encode() + DATA)

        with raw_server(whole) as elsewhere:
            signed = f"{elsewhere.url}/object?{SECRET}"
            httpserver.expect_request("/m").respond_with_response(Response(status=302, headers={"Location": "/n"}))
            here = {"Authorization": "Bearer key"}
            httpserver.expect_request("/n", headers=here).respond_with_response(
                Response(status=307, headers={"Location": signed})
            )
            fetch(httpserver.url_for("/m"), target, headers=here)
        assert target.read_bytes() == DATA
        assert f"GET /object?{SECRET} HTTP" in heads[0]
        assert "Authorization" not in heads[0]

    def test_none_leads_from_https_to_http(self, target: Path) -> None:
        cert, key = certificate(target.parent)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(cert, key)
        with raw_server(raw.answer(raw.OK)) as plain, HTTPServer("127.0.0.1", ssl_context=context) as secure:
            leads = Response(status=302, headers={"Location": f"{plain.url}/object?{SECRET}"})
            secure.expect_request("/m").respond_with_response(leads)
            with pytest.raises(Rejected, match="redirects from https to http://") as caught:
                fetch(secure.url_for("/m"), target, ca_file=cert)
        assert "tell-nobody" not in caught.value.line
        assert plain.connections == 0

    def test_more_than_five_are_not_followed(self, httpserver: HTTPServer, target: Path) -> None:
        httpserver.expect_request("/m").respond_with_response(Response(status=302, headers={"Location": "/m"}))
        with pytest.raises(Rejected, match="redirects more than 5 times"):
            fetch(httpserver.url_for("/m"), target)
        assert len(httpserver.log) == 6

    def test_a_redirect_to_nowhere_is_told(self, httpserver: HTTPServer, target: Path) -> None:
        httpserver.expect_request("/m").respond_with_response(Response(status=302))
        with pytest.raises(Rejected, match="answered 302 Found"):
            fetch(httpserver.url_for("/m"), target)

    @pytest.mark.parametrize(
        "answer",
        [
            raw.reset,
            raw.answer(f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(SECRET)}\r\n\r\n{SECRET}".encode()),
            raw.answer(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
            raw.answer(f"HTTP/1.1 302 Found\r\nLocation: http://[?{SECRET}\r\nContent-Length: 0\r\n\r\n".encode()),
            raw.answer(f"HTTP/1.1 302 Found\r\nLocation: ftp://h/?{SECRET}\r\nContent-Length: 0\r\n\r\n".encode()),
        ],
    )
    def test_no_error_tells_what_a_signed_address_holds(
        self, httpserver: HTTPServer, target: Path, answer: raw.Script
    ) -> None:
        with raw_server(answer) as store:
            signed = {"Location": f"{store.url}/object?{SECRET}"}
            httpserver.expect_request("/m").respond_with_response(Response(status=302, headers=signed))
            with pytest.raises(ClientError) as caught:
                fetch(httpserver.url_for("/m"), target, headers={"Authorization": "Bearer key-of-mine"})
        assert "tell-nobody" not in caught.value.line
        assert "key-of-mine" not in caught.value.line


class TestDisk:
    def test_a_file_that_has_no_room_is_told_before_it_is_fetched(
        self, httpserver: HTTPServer, target: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        httpserver.expect_request("/m").respond_with_handler(store())
        monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 9))
        with pytest.raises(ClientError, match="needs 2 MB more, and 0 MB are free") as caught:
            fetch(httpserver.url_for("/m"), target)
        assert "make room on the disk of" in caught.value.line

    def test_a_disk_that_fills_up_is_told_and_keeps_what_is_there(self, httpserver: HTTPServer, target: Path) -> None:
        httpserver.expect_request("/m").respond_with_handler(store())
        unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, unlimited[1]))
        try:
            with pytest.raises(ClientError, match=r"no room for it in .*: File too large"):
                fetch(httpserver.url_for("/m"), target)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        fetch(httpserver.url_for("/m"), target, sha256=DIGEST)
        assert httpserver.log[1][1].status_code == 206

    def test_a_folder_that_is_not_there_is_told(self, httpserver: HTTPServer, tmp_path: Path) -> None:
        with pytest.raises(ClientError, match=r"cannot be stored as .*: No such file or directory"):
            fetch(httpserver.url_for("/m"), tmp_path / "none" / "model.ts")
