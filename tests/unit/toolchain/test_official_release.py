"""Pulumi's official releases: what did not come whole and as published is not there."""

from __future__ import annotations

import hashlib
import io
import socket
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import requests
from pytest_httpserver import HTTPServer

from tests.unit.clients.raw_server import Connection, Script, answer, hang, raw_server, reset
from toolchain import network, official_release
from toolchain.errors import SetUpError, Unreachable
from toolchain.versions import DOCKER_PLUGIN, PULUMI

CLI = f"/pulumi/releases/download/v{PULUMI}"
PLUGIN = f"/pulumi-docker/releases/download/v{DOCKER_PLUGIN}"
ARCHIVE = f"pulumi-v{PULUMI}-linux-x64.tar.gz"
PLUGIN_ARCHIVE = f"pulumi-resource-docker-v{DOCKER_PLUGIN}-linux-amd64.tar.gz"
IMPATIENT = 0.5  # seconds; what the tests wait for is never the machine


@pytest.fixture
def folder(cache: Path) -> Path:
    """Where the CLI is wanted: there and empty."""
    folder = cache / "bin"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def official(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    monkeypatch.setattr(official_release, "_GITHUB", httpserver.url_for(""))
    return httpserver


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "PATIENCE", IMPATIENT)
    monkeypatch.setattr(official_release, "_SILENCE", IMPATIENT)


def archive(*names: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in names:
            member = tarfile.TarInfo(f"pulumi/{name}")
            member.mode, member.size = 0o755, len(name)
            tar.addfile(member, io.BytesIO(name.encode()))
    return buffer.getvalue()


def publish(server: HTTPServer, release: str, name: str, content: bytes, of: bytes | None = None) -> None:
    """
    Args:
        of: what the published checksum is of, if not of the content.
    """
    checksums = {CLI: f"pulumi-{PULUMI}-checksums.txt", PLUGIN: f"pulumi-docker_{DOCKER_PLUGIN}_checksums.txt"}[release]
    lines = f"{'0' * 64}  {name}.sig\n{hashlib.sha256(of or content).hexdigest()}  {name}\n"
    server.expect_request(f"{release}/{checksums}").respond_with_data(lines)
    server.expect_request(f"{release}/{name}").respond_with_data(content)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_release_is_unpacked_and_its_archive_is_gone(cache: Path, folder: Path, official: HTTPServer) -> None:
    publish(official, CLI, ARCHIVE, archive("pulumi", "pulumi-language-python", "pulumi-language-python-exec"))
    official_release.fetch_cli(folder)
    assert files(cache) == ["bin/pulumi", "bin/pulumi-language-python", "bin/pulumi-language-python-exec"]
    assert (folder / "pulumi").stat().st_mode & 0o111
    assert [path.name for path in cache.iterdir() if path.name.endswith("partial")] == []


def test_the_plugin_is_left_as_an_archive(cache: Path, official: HTTPServer) -> None:
    publish(official, PLUGIN, PLUGIN_ARCHIVE, b"plugin")
    assert official_release.fetch_docker_plugin().read_bytes() == b"plugin"
    assert files(cache) == [f"downloads/{PLUGIN_ARCHIVE}"]


def test_another_checksum_is_one_line_and_nothing_is_unpacked_or_kept(
    cache: Path, folder: Path, official: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.unpack_archive", lambda *_: pytest.fail("unpacked"))
    publish(official, CLI, ARCHIVE, archive("pulumi"), of=b"what was published")
    with pytest.raises(SetUpError) as caught:
        official_release.fetch_cli(folder)
    assert not isinstance(caught.value, Unreachable), "the next route must not hide this"
    assert ARCHIVE in str(caught.value)
    assert hashlib.sha256(b"what was published").hexdigest() in str(caught.value)
    assert "\n" not in str(caught.value)
    assert files(cache) == []


def test_a_list_without_the_archive_is_no_release(folder: Path, official: HTTPServer) -> None:
    official.expect_request(f"{CLI}/pulumi-{PULUMI}-checksums.txt").respond_with_data("a line of something else\n")
    with pytest.raises(Unreachable, match=f"does not name {ARCHIVE}"):
        official_release.fetch_cli(folder)


def test_a_release_that_is_not_there_names_its_address(folder: Path, official: HTTPServer) -> None:
    official.expect_request(f"{CLI}/pulumi-{PULUMI}-checksums.txt").respond_with_data("gone", status=404)
    with pytest.raises(Unreachable, match=rf"^localhost: 404 .*{CLI}/pulumi-{PULUMI}-checksums.txt$"):
        official_release.fetch_cli(folder)


def test_a_leftover_of_an_interrupted_run_is_in_nobodys_way(cache: Path, folder: Path, official: HTTPServer) -> None:
    (cache / "pulumi.partial" / "pulumi").mkdir(parents=True)
    (cache / "pulumi.partial" / "pulumi" / "half").touch()
    (cache / "downloads").mkdir()
    (cache / "downloads" / f"{ARCHIVE}.partial").write_bytes(b"half")
    publish(official, CLI, ARCHIVE, archive("pulumi"))
    official_release.fetch_cli(folder)
    assert files(cache) == ["bin/pulumi"]


def test_a_download_that_breaks_off_leaves_nothing(cache: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(connection: Connection) -> None:
        connection.read()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")

    with raw_server(_checksums(), half) as server:
        monkeypatch.setattr(official_release, "_GITHUB", server.url)
        with pytest.raises(Unreachable, match=rf"^{ARCHIVE} broke off after 0 MB: "):
            official_release.fetch_cli(folder)
    assert files(cache) == []


@pytest.mark.usefixtures("impatient")
def test_a_download_that_falls_silent_leaves_nothing(
    cache: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(connection: Connection) -> None:
        connection.read()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        connection.pause(60)

    with raw_server(_checksums(), silent) as server:
        monkeypatch.setattr(official_release, "_GITHUB", server.url)
        with pytest.raises(Unreachable, match=rf"^{ARCHIVE} broke off after 0 MB: no answer$"):
            official_release.fetch_cli(folder)
    assert files(cache) == []


def test_an_interrupted_download_leaves_nothing(
    cache: Path, folder: Path, official: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(requests.Response, "iter_content", interrupted)
    publish(official, CLI, ARCHIVE, archive("pulumi"))
    monkeypatch.setattr(official_release, "_published", lambda *_: "0" * 64)  # which reads through the same function
    with pytest.raises(KeyboardInterrupt):
        official_release.fetch_cli(folder)
    assert files(cache) == []


def _checksums() -> Script:
    body = f"{'0' * 64}  {ARCHIVE}\n".encode()
    return answer(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


@contextmanager
def silent_server() -> Iterator[str]:
    with raw_server(hang) as server:
        yield server.url


@contextmanager
def silent_after_the_checksums() -> Iterator[str]:
    with raw_server(_checksums(), hang) as server:
        yield server.url


@contextmanager
def drip_of_headers() -> Iterator[str]:
    def drip(connection: Connection) -> None:
        connection.read()
        connection.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.send(b"X-Slow: 1\r\n")
            connection.pause(IMPATIENT / 5)

    with raw_server(drip) as server:
        yield server.url


@contextmanager
def black_hole() -> Iterator[str]:
    """An address that answers to nothing: its queue of connections is full, so the kernel drops what comes."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for client in (first, second):
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("nothing", [silent_server, silent_after_the_checksums, drip_of_headers, black_hole])
def test_what_does_not_answer_is_given_up_in_time(
    nothing: Callable[[], AbstractContextManager[str]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with nothing() as url:
        monkeypatch.setattr(official_release, "_GITHUB", url)
        begin = time.monotonic()
        with pytest.raises(Unreachable, match=r"^127\.0\.0\.1: no answer"):
            official_release.fetch_cli(folder)
    assert time.monotonic() - begin < 3 * IMPATIENT + 1


def test_a_name_whose_look_up_hangs_is_given_up_in_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given_up = threading.Event()

    def hanging(*_: object) -> None:
        given_up.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    monkeypatch.setattr(network, "PATIENCE", IMPATIENT)
    with pytest.raises(Unreachable, match=r"^github\.com: no answer within 0\.5 s$"):
        official_release.fetch_cli(folder)
    given_up.set()


def test_an_unreachable_route_is_given_up_within_ten_seconds() -> None:
    assert network.PATIENCE <= 10


def test_an_unknown_name_is_told_in_four_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match=r"^github\.com: name not known here$"):
        official_release.fetch_cli(folder)


def test_a_refused_connection_is_told_in_two_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as nobody:  # bound, and not listening
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setattr(official_release, "_GITHUB", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        with pytest.raises(Unreachable, match=r"^127\.0\.0\.1: Connection refused$"):
            official_release.fetch_cli(folder)


def test_a_connection_that_is_cut_is_told_in_short(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(reset) as server:
        monkeypatch.setattr(official_release, "_GITHUB", server.url)
        with pytest.raises(Unreachable, match=r"^127\.0\.0\.1: Connection reset by peer$"):
            official_release.fetch_cli(folder)


def test_a_proxy_that_fails_is_told_apart_from_the_host(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        with pytest.raises(Unreachable, match=r"^the proxy for github\.com: Connection refused$"):
            official_release.fetch_cli(folder)
