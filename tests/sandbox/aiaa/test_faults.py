"""Fault injection and the request log, on the AIAA stand-in; the XNAT stand-in uses the same middleware."""

import json
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import requests

from sandbox.faults import Fault

from .conftest import LIVER_MODEL, Server


def plan(server: Server, *faults: dict[str, object]) -> requests.Response:
    return server.put("/sandbox/faults", json=list(faults))


def test_models_may_hang_while_root_and_logs_answer(aiaa: Server) -> None:
    """The known failure of real servers: NVIDIA/ai-assisted-annotation-client issue 90."""
    plan(aiaa, {"path": "/v1/models*", "kind": "hang"})
    with pytest.raises(requests.ReadTimeout):
        requests.get(aiaa.url + "/v1/models", timeout=0.2)
    assert aiaa.get("/").status_code == aiaa.get("/logs").status_code == 200
    aiaa.delete("/sandbox/faults")
    assert aiaa.get("/v1/models").status_code == 200


def test_a_status_is_injected_as_often_as_planned(aiaa: Server) -> None:
    plan(aiaa, {"path": "/v1/models", "kind": "status", "status": 502, "times": 2})
    assert [aiaa.get("/v1/models").status_code for _ in range(3)] == [502, 502, 200]
    assert aiaa.get("/sandbox/faults").json() == []


def test_a_fault_of_one_method_spares_the_others(aiaa: Server) -> None:
    plan(aiaa, {"path": "/admin/*", "kind": "status", "method": "PUT"})
    assert aiaa.load("m").status_code == 503
    assert aiaa.get("/admin/model/m").status_code == 404


def test_a_fault_of_inference_by_session_spares_what_brings_its_image(aiaa: Server, phantom: bytes) -> None:
    aiaa.load("m")
    session = aiaa.put("/session/", files={"image": ("x.nii", phantom)}).json()["session_id"]
    plan(aiaa, {"path": "/v1/*", "kind": "status", "status": 500, "query": "*session_id=*"})
    assert aiaa.infer("segmentation", "m", None, session_id=session).status_code == 500
    assert aiaa.infer("segmentation", "m", phantom).status_code == 200


def test_a_reset_after_the_load_was_applied_loses_the_answer_alone(aiaa: Server) -> None:
    plan(aiaa, {"path": "/admin/*", "kind": "reset", "applied": True, "times": 1})
    with pytest.raises(requests.ConnectionError):
        aiaa.load("m")
    assert aiaa.names() == ["m"]


def test_a_reset_before_it_was_applied_changes_nothing(aiaa: Server) -> None:
    plan(aiaa, {"path": "/admin/*", "kind": "reset", "times": 1})
    with pytest.raises(requests.ConnectionError):
        aiaa.load("m")
    assert aiaa.names() == []


def test_an_html_page_stands_where_json_belongs(aiaa: Server) -> None:
    plan(aiaa, {"path": "/v1/models", "kind": "html"})
    answer = aiaa.get("/v1/models")
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/html")


def test_an_echo_has_all_that_was_sent_and_the_credentials_in_clear_text(aiaa: Server) -> None:
    """What debug pages of frameworks and proxies show; a client must not pass it on."""
    plan(aiaa, {"path": "/v1/models", "kind": "echo"})
    answer = requests.put(f"{aiaa.url}/v1/models?a=b", data="<the body>", auth=("user", "password"), timeout=10)
    assert answer.status_code == 500
    title = answer.text.partition("<title>")[2].partition("</title>")[0]
    for part in ("PUT", "/v1/models?a=b", "Basic dXNlcjpwYXNzd29yZA==", "user:password", "&lt;the body&gt;"):
        assert part in title


def test_a_proxy_refuses_an_upload_before_it_has_read_it(aiaa: Server) -> None:
    """nginx above its ``client_max_body_size``: the page comes although no byte of the body was sent."""
    plan(aiaa, {"path": "/admin/*", "kind": "too_large", "method": "PUT"})
    address = urlsplit(aiaa.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(b"PUT /admin/model/m HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
        received = b""
        while b"</html>" not in received:
            received += connection.recv(4096)
    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"<h1>413 Request Entity Too Large</h1>" in received


def test_a_client_that_sends_all_before_it_reads_gets_that_refusal_too(aiaa: Server) -> None:
    plan(aiaa, {"path": "/admin/*", "kind": "too_large", "method": "PUT", "times": 1})
    answer = aiaa.load("m", model=bytes(20_000_000))
    assert (answer.status_code, answer.headers["server"].partition("/")[0]) == (413, "nginx")
    assert answer.headers["content-type"] == "text/html"
    assert answer.headers["connection"] == "close"
    assert aiaa.names() == []
    assert aiaa.load("m").ok


def test_a_body_is_cut_in_the_middle(aiaa: Server) -> None:
    aiaa.load("m")
    plan(aiaa, {"path": "/v1/models", "kind": "truncate"})
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        aiaa.get("/v1/models")


def test_a_delayed_answer_comes_late_but_whole(aiaa: Server) -> None:
    plan(aiaa, {"path": "/v1/models", "kind": "delay", "seconds": 0.3, "times": 2})
    with pytest.raises(requests.ReadTimeout):
        requests.get(aiaa.url + "/v1/models", timeout=0.1)
    assert aiaa.get("/v1/models").text == "[]"


def test_the_request_log_tells_an_upload_from_a_look(aiaa: Server) -> None:
    aiaa.load("m")
    aiaa.get("/v1/models?label=liver")
    upload, look = aiaa.get("/sandbox/requests").json()
    assert (upload["method"], upload["path"], upload["status"]) == ("PUT", "/admin/model/m", 200)
    assert upload["bytes"] > LIVER_MODEL.stat().st_size
    assert look == {"method": "GET", "path": "/v1/models", "query": "label=liver", "bytes": 0, "status": 200}
    aiaa.delete("/sandbox/requests")
    assert aiaa.get("/sandbox/requests").json() == []


def test_a_test_in_the_same_process_plans_faults_without_http(aiaa: Server) -> None:
    aiaa.app.state.faults.set(Fault("/v1/models", "status", status=500))
    assert aiaa.get("/v1/models").status_code == 500
    aiaa.app.state.faults.set()
    assert [entry.status for entry in aiaa.app.state.faults.requests] == [500]


@pytest.mark.parametrize(
    "wrong", [{"path": "*"}, [{"path": "*", "kind": "none"}], [{"paht": "*", "kind": "hang"}], [1]]
)
def test_a_plan_that_makes_no_sense_is_refused_and_changes_nothing(aiaa: Server, wrong: object) -> None:
    answer = aiaa.put("/sandbox/faults", data=json.dumps(wrong))
    assert answer.status_code == 400
    assert aiaa.get("/sandbox/faults").json() == []


@pytest.mark.parametrize("ask", [lambda server: server.get("/v1/models"), lambda server: server.load("m")])
def test_an_injected_status_is_an_answer_even_amid_an_upload(
    aiaa: Server, ask: Callable[[Server], requests.Response]
) -> None:
    plan(aiaa, {"path": "*", "kind": "status", "status": 503})
    assert ask(aiaa).status_code == 503
