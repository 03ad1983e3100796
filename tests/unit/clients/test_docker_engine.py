"""The log of a container, from a scripted Docker engine."""

from __future__ import annotations

import struct

import pytest
from pytest_httpserver import HTTPServer

from clients.docker_engine import last_log_lines
from clients.errors import Rejected, Unreachable


@pytest.fixture
def engine(httpserver: HTTPServer) -> str:
    httpserver.expect_request("/version").respond_with_json({"ApiVersion": "1.44"})
    return f"tcp://{httpserver.host}:{httpserver.port}"


def frame(stream: int, text: bytes) -> bytes:
    """As the engine interleaves a container's outputs."""
    return struct.pack(">BxxxL", stream, len(text)) + text


def test_the_last_lines_are_told_without_empty_ones(httpserver: HTTPServer, engine: str) -> None:
    container = {"Id": "abc", "Config": {"Tty": False}}
    httpserver.expect_request("/v1.44/containers/aiaa/json").respond_with_json(container)
    httpserver.expect_request("/v1.44/containers/abc/json").respond_with_json(container)
    log = frame(1, b"starting\n") + frame(2, b"\nno GPU: \xff\n")
    httpserver.expect_request("/v1.44/containers/abc/logs").respond_with_data(log)
    assert last_log_lines("aiaa", 5, engine) == ["starting", "no GPU: \N{REPLACEMENT CHARACTER}"]
    assert "5" in [request.args.get("tail") for request, _ in httpserver.log]


def test_a_container_that_the_engine_does_not_have_is_told(httpserver: HTTPServer, engine: str) -> None:
    missing = {"message": "No such container: aiaa"}
    httpserver.expect_request("/v1.44/containers/aiaa/json").respond_with_json(missing, status=404)
    with pytest.raises(Rejected, match="No such container: aiaa"):
        last_log_lines("aiaa", 5, engine)


def test_an_engine_that_fails_is_told_in_one_line(httpserver: HTTPServer, engine: str) -> None:
    httpserver.expect_request("/v1.44/containers/aiaa/json").respond_with_data("two\nlines", status=500)
    with pytest.raises(Rejected) as caught:
        last_log_lines("aiaa", 5, engine)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "unix:///no/such/docker.sock"])
def test_an_engine_that_is_not_there_is_unreachable(address: str) -> None:
    with pytest.raises(Unreachable, match="did not answer"):
        last_log_lines("aiaa", 5, address)
