"""What is neither models nor images: pages, logs, CORS, unknown routes, old HTTP."""

import re
import socket
from urllib.parse import urlsplit

import pytest
import requests

from .conftest import Server

LOG_LINE = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] \[(INFO|ERROR)\] \(aiaa(\.\w+)+\) - .+")


def test_an_unknown_route_is_werkzeugs_html_404(aiaa: Server) -> None:
    for path in ("/v2/models", "/v1/unknown/", "/nothing"):
        answer = aiaa.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert "<title>404 Not Found</title>" in answer.text
        assert "The requested URL was not found on the server." in answer.text


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/"])
def test_the_root_and_docs_are_an_api_browser(aiaa: Server, path: str) -> None:
    answer = aiaa.get(path)
    assert answer.status_code == 200
    assert "/v1/models" in answer.text


def test_logs_are_plain_text_lines_of_the_recorded_format(aiaa: Server) -> None:
    aiaa.load("liver_demo")
    answer = aiaa.get("/logs")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert all(LOG_LINE.fullmatch(line) for line in lines)
    assert lines[-1].endswith("(aiaa.www.api.server_context) - Total Models Loaded = 1")


@pytest.mark.parametrize("path", ["/logs/?lines=2", "/logs?lines=2"])
def test_lines_limits_the_log_to_the_last_ones(aiaa: Server, path: str) -> None:
    aiaa.load("liver_demo")
    assert aiaa.get(path).text.splitlines() == aiaa.get("/logs/").text.splitlines()[-2:]


@pytest.mark.parametrize("path", ["/v1/models", "/nothing", "/admin/model/none", "/session/none"])
def test_a_browser_on_another_origin_may_read_every_answer(aiaa: Server, path: str) -> None:
    answer = aiaa.get(path, headers={"Origin": "https://xnat.example.org"})
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_browsers_preflight_is_granted(aiaa: Server) -> None:
    headers = {"Origin": "https://xnat.example.org", "Access-Control-Request-Method": "PUT"}
    answer = requests.options(aiaa.url + "/session/", headers=headers, timeout=10)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "PUT" in answer.headers["access-control-allow-methods"]


def test_http_1_0_is_served(aiaa: Server) -> None:
    """NVIDIA's C++ client uploads with it."""
    address = urlsplit(aiaa.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(b"GET /v1/models HTTP/1.0\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(4096), b""))
    assert received.split(b" ")[1] == b"200"
    assert received.endswith(b"[]")


def test_params_that_are_no_json_object_are_an_envelope(aiaa: Server, phantom: bytes) -> None:
    aiaa.load("liver_demo")
    for params in ("{", "[1]"):
        url = aiaa.url + "/v1/segmentation?model=liver_demo"
        answer = requests.post(url, data={"params": params}, files={"image": phantom}, timeout=10)
        assert (answer.status_code, answer.json()["error"]["message"][0]) == (500, "INVALID_INPUT")
