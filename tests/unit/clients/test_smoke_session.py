"""A smoke test by session, against scripted answers: what is sent, reported and left behind."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from typing import Any

import nibabel
import numpy
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from clients import smoke_test
from clients.aiaa import AiaaClient
from clients.errors import ClientError
from clients.smoke_image import volume
from model_files.config import Declared
from tests.sandbox.aiaa import published_clients as published
from tests.sandbox.aiaa.published_clients import Part

ID = "9ad970be-530e-11ea-84e3-0242ac110007"
IMAGE = Declared(1, (16, 16, 16))
PAGE = "<html><head><title>Log in</title></head></html>"


def mask(shape: tuple[int, ...] = IMAGE.shape) -> bytes:
    image = nibabel.Nifti1Image(numpy.ones(shape, numpy.uint16), numpy.eye(4))  # type: ignore[no-untyped-call]
    return gzip.compress(image.to_bytes())


def filled(value: float, kind: type) -> bytes:
    image = nibabel.Nifti1Image(numpy.full(IMAGE.shape, value, kind), numpy.eye(4))  # type: ignore[no-untyped-call]
    return gzip.compress(image.to_bytes())


def png() -> bytes:
    return volume(Declared(1, IMAGE.shape[:2], "png"))


def opened() -> Response:
    return Response(json.dumps({"session_id": ID}), content_type="application/json")


def file(content: bytes) -> Response:
    return Response(content, content_type="application/octet-stream")


def answered() -> Response:
    return file(mask())


def envelope(kind: str = "RuntimeError", *message: str) -> Response:
    document = {"error": {"message": list(message), "type": kind}, "success": False}
    return Response(json.dumps(document), status=500, content_type="application/json")


class Aiaa:
    """A server with one model `m`, whose answers to a viewer's three requests are scripted."""

    def __init__(self, httpserver: HTTPServer, kind: str = "segmentation", **meta: str) -> None:
        entry = {"name": "m", "type": kind, "labels": [], "description": "", "version": "1", **meta}
        httpserver.expect_request("/v1/models").respond_with_json([entry])
        self.put: Callable[[], Response] = opened
        self.post: Callable[[], Response] = answered
        self.delete: Callable[[], Response] = lambda: Response("{}")
        httpserver.expect_request("/session/", "PUT").respond_with_handler(lambda _: self.put())
        httpserver.expect_request(re.compile("/v1/.+"), "POST").respond_with_handler(lambda _: self.post())
        httpserver.expect_request(re.compile("/session/.+"), "DELETE").respond_with_handler(lambda _: self.delete())
        self._server = httpserver

    def smoke_test(self, image: Declared = IMAGE, deadline: float = 20) -> str:
        with AiaaClient(self._server.url_for("/"), timeout=5) as client:
            return str(smoke_test.run(client, "m", deadline, declared=image))

    def failure(self, deadline: float = 20) -> str:
        with pytest.raises(ClientError) as failed:
            self.smoke_test(deadline=deadline)
        assert "\n" not in failed.value.line
        assert ";;" not in failed.value.line
        return failed.value.line

    @property
    def asked(self) -> list[Request]:
        return [request for request, _ in self._server.log]

    @property
    def done(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.asked]


@pytest.fixture
def aiaa(httpserver: HTTPServer) -> Aiaa:
    return Aiaa(httpserver)


VIEWED = ["GET /v1/models", "PUT /session/", "POST /v1/segmentation", f"DELETE /session/{ID}"]


def as_sent(request: Request) -> tuple[str, str, str, bytes]:
    """Path, query, Accept, and the body with the viewer's boundary."""
    boundary = request.mimetype_params["boundary"]
    body = request.get_data().replace(boundary.encode(), published.XNAT.boundary.encode())
    return request.path, request.query_string.decode(), request.headers["Accept"], body


@pytest.mark.parametrize(
    ("kind", "does", "points"),
    [
        ("segmentation", "segments", ""),
        ("annotation", "sets extreme points", '"points":[[4,8,8],[12,8,8],[8,4,8],[8,12,8],[8,8,4],[8,8,12]]'),
        ("deepgrow", "clicks", '"foreground":[[8,8,8]],"background":[]'),
    ],
)
def test_what_is_sent_is_what_xnats_viewer_sends_byte_for_byte(
    httpserver: HTTPServer, kind: str, does: str, points: str
) -> None:
    aiaa = Aiaa(httpserver, kind)
    assert aiaa.smoke_test().startswith("mask of 16 x 16 x 16 voxels, label 1 (4096 voxels), in ")
    models, put, post, delete = aiaa.asked
    rows = {row.does: row for row in published.ROWS if row.client is published.XNAT}

    opens = rows["opens a session"]
    image = Part("image", volume(IMAGE), opens.files[0][1])
    path, query, accept, body = as_sent(put)
    assert f"{path}?{query}" == opens.target
    assert accept == opens.headers["accept"]
    assert body == published.XNAT.form((image, Part("params", (opens.params or "").encode())))[0]

    runs = rows[does]
    path, query, accept, body = as_sent(post)
    model = runs.target.partition("model=")[2].partition("&")[0]
    assert f"{path}?{query}" == runs.target.replace(model, "m").format(session=ID)
    assert accept == runs.headers["accept"]
    wanted = re.sub(r'("points"|"foreground").*(?=})', points, runs.params or "")
    assert body == published.XNAT.form((Part("params", wanted.encode()),))[0]

    assert (models.path, delete.path) == (rows["lists models"].target, f"/session/{ID}")


@pytest.mark.parametrize(
    ("meta", "route", "points"),
    [
        ({"deepgrow": "3D"}, "deepgrow", {"foreground": [[8, 8, 8]], "background": [], "current_point": [[8, 8, 8]]}),
        ({}, "segmentation", {}),
    ],
)
def test_a_pipeline_is_run_as_nvidias_viewer_runs_it(
    httpserver: HTTPServer, meta: dict[str, str], route: str, points: dict[str, Any]
) -> None:
    aiaa = Aiaa(httpserver, "pipeline", **meta)
    aiaa.smoke_test()
    assert aiaa.done[2] == f"POST /v1/{route}"
    sent = json.loads(aiaa.asked[2].form["params"])
    options = {"result_extension": ".nii.gz", "result_dtype": "uint16", "result_compress": True}
    assert sent == points | options
    aiaa.post = lambda: envelope()
    assert "NVIDIA's OHIF plugin shows a clinician \"Failed to Run" in aiaa.failure()


@pytest.mark.parametrize("kind", ["classification", "others", "", "detection"])
def test_a_model_that_no_viewer_runs_is_sent_its_image_with_the_inference(httpserver: HTTPServer, kind: str) -> None:
    aiaa = Aiaa(httpserver, kind)
    aiaa.post = lambda: Response('{"pred": [0.5]}', content_type="application/json")
    assert aiaa.smoke_test().startswith("results: pred = [0.5], in ")
    assert aiaa.done == ["GET /v1/models", "POST /v1/inference"]
    assert set(aiaa.asked[1].files) == {"image"}


@pytest.mark.parametrize("kind", ["segmentation", "classification"])
def test_a_model_of_pictures_is_sent_a_png_with_the_inference(httpserver: HTTPServer, kind: str) -> None:
    """No viewer sends one."""
    aiaa = Aiaa(httpserver, kind)
    aiaa.post = lambda: Response('{"pred": [0.5]}', content_type="application/json")
    aiaa.smoke_test(Declared(1, (16, 16), "png"))
    sent = aiaa.asked[1].files["image"]
    assert (sent.filename, sent.read(4)) == ("image.png", b"\x89PNG")
    assert json.loads(aiaa.asked[1].form["params"])["result_extension"] == ".png"


NO_SESSION = 'XNAT\'s viewer shows a clinician "Failed to create AIAA Session! Reason: undefined"'
NO_RESULT = 'XNAT\'s viewer shows a clinician "Failed to run m! Reason: undefined"'
NO_IMAGE = 'XNAT\'s viewer shows a clinician "Error in parsing the mask image"'
OTHER_SIZE = 'XNAT\'s viewer shows a clinician "Error: Size mismatch between the mask and reference images"'
WRONG_SEGMENTS = "; XNAT's viewer shows a clinician wrong segments, or none"


@pytest.mark.parametrize(
    ("answer", "message", "advice"),
    [
        (lambda: envelope("RuntimeError", "boom"), "answered 500: RuntimeError: boom", "must be writable"),
        (lambda: Response("oops", status=500), "answered 500: oops", "must be writable"),
        (lambda: envelope("OSError", "28", "No space left on device"), "no room for a session: ", "free some space"),
        (lambda: Response('{"detail": "Sessions disabled"}', status=406), "Sessions disabled", "enable sessions"),
        (lambda: Response('{"detail": "files: field required"}', status=422), "field required", "another form than"),
        (lambda: Response(PAGE, status=404), "answered 404: an HTML page", "let it forward /session/"),
        (lambda: Response(PAGE, status=405), "answered 405: an HTML page", "let it forward /session/"),
        (lambda: Response(PAGE), "expected JSON, got: an HTML page titled 'Log in'", "another's or a proxy's"),
        (lambda: Response('{"id": 7}'), "expected JSON with a session_id", "another's or a proxy's"),
        (lambda: Response('{"session_id": null}'), "expected JSON with a session_id", "another's or a proxy's"),
        (lambda: Response("[]"), "expected JSON with a session_id", "another's or a proxy's"),
        (lambda: Response("", status=413), "answered 413", "client_max_body_size"),
        (lambda: Response("", status=502), "answered 502", "wait until it is up"),
        (lambda: Response("", status=401), "answered 401", "check the account's rights"),
        (lambda: Response("", status=302, headers={"Location": "/login"}), "redirects to /login", "give the address"),
    ],
)
def test_a_server_that_opens_no_session_fails_with_what_a_clinician_sees_and_what_to_do(
    aiaa: Aiaa, answer: Any, message: str, advice: str
) -> None:
    aiaa.put = answer
    line = aiaa.failure()
    said, shown, wanted = line.partition(NO_SESSION)
    assert message in said
    assert shown
    assert advice in wanted
    # It is neither asked twice nor tried in another way, as clinicians have no other.
    assert aiaa.done == VIEWED[:2]


@pytest.mark.parametrize(
    ("answer", "message", "sees", "advice"),
    [
        (lambda: envelope("RuntimeError", "boom"), "Server Error: RuntimeError: boom", NO_RESULT, "mend what"),
        (lambda: Response("", status=440), "440: the server does not know the session", NO_RESULT, "ip_hash"),
        (lambda: envelope("TimeoutError", "Unable to get status for 'm'"), "get status", NO_RESULT, "Triton's log"),
        (lambda: envelope("OSError", "28", "No space left on device"), "no room for the inf", NO_RESULT, "free some"),
        (lambda: Response(PAGE, content_type="text/html"), "an HTML page titled 'Log in'", NO_IMAGE, "a proxy's"),
        (lambda: Response("{}", content_type="application/json"), "an image, got: {}", NO_IMAGE, "a proxy's"),
        (
            lambda: Response(b"--b\r\n\r\n--b--", content_type="multipart/form-data; boundary=b"),
            "expected the image alone, as output=image asks for",
            NO_IMAGE,
            "a proxy's",
        ),
        (
            lambda: Response('{"success": false, "error": {}}', content_type="application/json"),
            "error: no reason",
            NO_IMAGE,
            "mend what",
        ),
        (lambda: file(mask((4, 4, 4))), "has shape (4, 4, 4)", OTHER_SIZE, "/logs/"),
        (lambda: file(png()), "the mask is a PNG, where NIfTI was asked for", NO_IMAGE, "/logs/"),
        (lambda: file(filled(-1, numpy.int16)), "the mask holds -1, which is no label", WRONG_SEGMENTS, "/logs/"),
        (lambda: file(filled(0.5, numpy.float32)), "the mask holds 0.5, which is", WRONG_SEGMENTS, "/logs/"),
        (lambda: file(filled(numpy.nan, numpy.float32)), "the mask holds nan, which", WRONG_SEGMENTS, "/logs/"),
        (lambda: file(b"junk"), "cannot be read as NIfTI", NO_IMAGE, "/logs/"),
        (lambda: file(b""), "cannot be read as NIfTI", NO_IMAGE, "/logs/"),
    ],
)
def test_a_model_that_fails_in_its_session_fails_and_the_session_is_closed(
    aiaa: Aiaa, answer: Any, message: str, sees: str, advice: str
) -> None:
    aiaa.post = answer
    said, shown, wanted = aiaa.failure().partition(sees)
    assert message in said
    assert shown
    assert advice in wanted
    assert aiaa.done == VIEWED


def test_a_session_that_cannot_be_closed_is_reported_with_the_result(aiaa: Aiaa) -> None:
    aiaa.delete = lambda: envelope("OSError", "busy")
    message = aiaa.smoke_test()
    assert message.startswith("mask of 16 x 16 x 16 voxels, label 1 (4096 voxels), in ")
    assert "; the session was not closed and ends by itself within 2 hours: DELETE " in message
    assert message.endswith("OSError: busy")
    aiaa.post = lambda: envelope("RuntimeError", "boom")
    line = aiaa.failure()
    assert line.index("boom") < line.index(NO_RESULT) < line.index("the session was not closed")


@pytest.mark.parametrize("status", [200, 204, 404, 440])
def test_a_session_that_is_gone_is_closed(aiaa: Aiaa, status: int) -> None:
    aiaa.delete = lambda: Response("", status=status)
    assert "session" not in aiaa.smoke_test()


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_a_session_is_closed_when_the_run_is_ended(
    aiaa: Aiaa, monkeypatch: pytest.MonkeyPatch, end: type[BaseException]
) -> None:
    def ended(_answer: object) -> None:
        raise end

    monkeypatch.setattr("clients.aiaa_session.image_of", ended)
    with pytest.raises(end):
        aiaa.smoke_test()
    assert aiaa.done == VIEWED
