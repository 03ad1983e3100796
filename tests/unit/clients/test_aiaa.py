"""The AIAA client against scripted answers: lists, loads, unloads, inferences."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from clients.aiaa import AiaaClient, InferenceResult, ModelEntry
from clients.errors import Broken, ClientError, GaveUp, NotReady, Refused, Rejected, TooLarge, Unreachable
from tests.unit.clients import raw_server as raw
from tests.unit.clients.raw_server import raw_server

# Recorded: visiont3lab/clara-train-examples, AIAA.ipynb.
SPLEEN = {
    "name": "Test",
    "labels": ["spleen"],
    "description": "A pre-trained model for volumetric (3D) segmentation of the spleen from CT image",
    "version": "1",
    "type": "segmentation",
}
DEEPGROW = {
    "name": "deepgrow3d",
    "labels": [],
    "description": "3D DeepGrow model based on Unet",
    "version": "1",
    "type": "deepgrow",
    "deepgrow": "3D",
}
LISTS_SPLEEN = raw.answer(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + json.dumps([SPLEEN]).encode())
LOAD_ERROR = (
    b'{"error":{"message":["CLASS_INIT_ERROR","Instantiation of class LargestCCd failed"],"type":"AIAAException"},'
    b'"success":false}\n'
)
NOT_SERVED = b'{"error":{"message":["Unable to get status for \'Test\'"],"type":"TimeoutError"},"success":false}\n'
NOT_FOUND = Response(
    "<!DOCTYPE HTML><title>404 Not Found</title>\n<h1>Not Found</h1>", status=404, content_type="text/html"
)


@pytest.fixture
def client(httpserver: HTTPServer) -> Iterator[AiaaClient]:
    with AiaaClient(httpserver.url_for("/"), timeout=5) as opened:
        yield opened


def listing(*entries: Any) -> Response:
    return Response(json.dumps(list(entries)), content_type="application/json")


def lists(httpserver: HTTPServer, *script: Response) -> None:
    """The answers of `/v1/models`, one after the other."""
    for response in script:
        httpserver.expect_oneshot_request("/v1/models", "GET").respond_with_response(response)


def entry(name: str, kind: str) -> ModelEntry:
    return ModelEntry(name, kind, (), "", "1", {})


class TestModels:
    def test_the_recorded_list_is_read_and_what_is_no_field_of_ours_is_meta(
        self, httpserver: HTTPServer, client: AiaaClient
    ) -> None:
        lists(httpserver, listing(SPLEEN, DEEPGROW))
        spleen, deepgrow = client.models()
        assert spleen == ModelEntry("Test", "segmentation", ("spleen",), str(SPLEEN["description"]), "1", {})
        assert deepgrow.labels == ()
        assert deepgrow.meta == {"deepgrow": "3D"}

    def test_an_empty_server_has_no_models(self, httpserver: HTTPServer, client: AiaaClient) -> None:
        lists(httpserver, listing())
        assert client.models() == []

    def test_a_model_is_found_by_its_whole_name(self, httpserver: HTTPServer, client: AiaaClient) -> None:
        lists(httpserver, listing(SPLEEN, DEEPGROW), listing(SPLEEN))
        found = client.find("deepgrow3d")
        assert found is not None
        assert found.type == "deepgrow"
        assert client.find("deepgrow") is None

    def test_what_an_entry_leaves_out_is_empty_and_a_number_is_text(
        self, httpserver: HTTPServer, client: AiaaClient
    ) -> None:
        lists(httpserver, listing({"name": "a", "labels": None, "description": None, "version": 3}))
        assert client.models() == [ModelEntry("a", "", (), "", "3", {})]

    @pytest.mark.parametrize(
        "body",
        [
            '{"name": "Test"}',
            "null",
            '"text"',
            "[1]",
            "[null]",
            '[{"type": "segmentation"}]',
            '[{"name": 1}]',
            '[{"name": "a", "labels": "spleen"}]',
            "[",
            "",
            "<html><title>Welcome to nginx!</title></html>",
        ],
    )
    def test_anything_but_a_list_of_models_is_broken_and_never_an_empty_list(
        self, httpserver: HTTPServer, client: AiaaClient, body: str
    ) -> None:
        lists(httpserver, Response(body))
        with pytest.raises(Broken, match=r"GET http://\S+/v1/models: expected "):
            client.models()

    def test_a_server_that_waits_in_vain_for_triton_tells_so(self, httpserver: HTTPServer, client: AiaaClient) -> None:
        lists(httpserver, Response(LOAD_ERROR, status=500))
        with pytest.raises(Rejected, match="AIAAException: CLASS_INIT_ERROR, Instantiation of class LargestCCd failed"):
            client.models()


class TestReadiness:
    def test_a_server_is_ready_when_it_lists_models_and_not_when_it_answers(
        self, httpserver: HTTPServer, client: AiaaClient
    ) -> None:
        starting = [
            Response(status=503),
            NOT_FOUND,
            Response("<html></html>"),
            Response("{}"),
            Response(LOAD_ERROR, status=500),
        ]
        lists(httpserver, *starting, listing())
        client.wait_until_ready(10, lambda _line: None)
        assert len(httpserver.log) == 6

    def test_a_client_that_the_server_does_not_admit_does_not_wait(
        self, httpserver: HTTPServer, client: AiaaClient
    ) -> None:
        lists(httpserver, Response(status=403))
        with pytest.raises(Refused):
            client.wait_until_ready(10, lambda _line: None)

    @pytest.mark.parametrize(
        ("response", "kind"),
        [(NOT_FOUND, Rejected), (Response("<html></html>"), Broken), (Response(status=503), NotReady)],
    )
    def test_a_wait_in_vain_ends_with_the_last_reason(
        self, httpserver: HTTPServer, client: AiaaClient, response: Response, kind: type[ClientError]
    ) -> None:
        httpserver.expect_request("/v1/models").respond_with_response(response)
        with pytest.raises(kind, match=r"\(waited "):
            client.wait_until_ready(2, lambda _line: None)

    def test_a_server_that_hangs_is_given_up_at_the_deadline(self) -> None:
        started = time.monotonic()
        with raw_server(raw.hang) as server, AiaaClient(server.url, timeout=30) as client:
            with pytest.raises(Unreachable, match="no answer in time"):
                client.wait_until_ready(0.3, lambda _line: None)
            assert time.monotonic() - started < 1


class TestLoading:
    @pytest.fixture
    def weights(self, tmp_path: Path) -> Path:
        path = tmp_path / "model.ts"
        path.write_bytes(b"\x00TorchScript\r\n--\xff" * 10_000)
        return path

    def test_ngcs_path_and_version_are_sent_as_json(self, httpserver: HTTPServer, client: AiaaClient) -> None:
        httpserver.expect_request(
            "/admin/model/deepgrow3d", "PUT", json={"path": "nvidia/med/x", "version": "1"}
        ).respond_with_json(DEEPGROW)
        lists(httpserver, listing(SPLEEN, DEEPGROW))
        assert client.load_from_ngc("deepgrow3d", "nvidia/med/x", "1", 5).name == "deepgrow3d"

    def test_clara_4_1_takes_the_same_json_in_a_part_of_a_form(
        self, httpserver: HTTPServer, client: AiaaClient
    ) -> None:
        parts: list[dict[str, str]] = []

        def handler(request: Request) -> Response:
            parts.append(request.form.to_dict())
            return Response("{}")

        httpserver.expect_request("/admin/model/deepgrow3d", "PUT").respond_with_handler(handler)
        lists(httpserver, listing(DEEPGROW))
        client.load_from_ngc("deepgrow3d", "nvidia/med/x", "1", 5, as_form=True)
        assert [json.loads(part["ngc"]) for part in parts] == [{"path": "nvidia/med/x", "version": "1"}]
        assert parts[0].keys() == {"ngc"}

    def test_a_config_without_weights_is_sent_alone(self, httpserver: HTTPServer, client: AiaaClient) -> None:
        names: list[list[str]] = []

        def handler(request: Request) -> Response:
            names.append(list(request.files))
            return Response("{}")

        httpserver.expect_request("/admin/model/Test", "PUT").respond_with_handler(handler)
        lists(httpserver, listing(SPLEEN))
        client.load_from_files("Test", {"type": "pipeline"}, None, 5)
        assert names == [["config"]]

    def test_of_two_versions_the_new_one_is_waited_for(
        self, httpserver: HTTPServer, client: AiaaClient, weights: Path
    ) -> None:
        httpserver.expect_request("/admin/model/Test", "PUT").respond_with_json({})
        lists(httpserver, listing(SPLEEN), listing({**SPLEEN, "version": "2"}))
        entry = client.load_from_files("Test", {}, weights, 5, is_it=lambda found: found.version == "2")
        assert entry.version == "2"

    def test_how_far_an_upload_is_is_told_now_and_then(
        self, httpserver: HTTPServer, client: AiaaClient, weights: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("clients.progress._SECONDS", 0.0)
        weights.write_bytes(bytes(4 << 20))
        told: list[str] = []
        httpserver.expect_request("/admin/model/Test", "PUT").respond_with_json({})
        lists(httpserver, listing(SPLEEN))
        client.load_from_files("Test", {}, weights, 5, tell=told.append)
        assert 1 < len(told) <= 11
        assert all(re.fullmatch(r"uploading model\.ts: \S+ of \S+ MB, \d+ %, \S+ MB/s", line) for line in told), told

    def test_an_upload_whose_answer_a_proxy_did_not_wait_for_is_looked_for_and_not_sent_again(
        self, httpserver: HTTPServer, client: AiaaClient, weights: Path
    ) -> None:
        httpserver.expect_request("/admin/model/Test", "PUT").respond_with_data(status=504)
        lists(httpserver, listing(), listing(SPLEEN), listing({**SPLEEN, "version": "2"}))
        entry = client.load_from_files("Test", {}, weights, 20, is_it=lambda found: found.version == "2")
        assert entry.version == "2"
        assert sum(request.method == "PUT" for request, _ in httpserver.log) == 1

    def test_an_upload_that_never_shows_after_a_proxy_gave_up_is_told_and_not_sent_again(
        self, httpserver: HTTPServer, client: AiaaClient, weights: Path
    ) -> None:
        httpserver.expect_request("/admin/model/Test", "PUT").respond_with_data(status=504)
        httpserver.expect_request("/v1/models").respond_with_response(listing(SPLEEN))
        with pytest.raises(GaveUp) as failed:
            client.load_from_files("Test", {}, weights, 2, is_it=lambda found: found.version == "2")
        assert failed.value.advice == GaveUp.advice
        assert sum(request.method == "PUT" for request, _ in httpserver.log) == 1

    @pytest.mark.parametrize(
        ("status", "error", "told"),
        [
            (413, TooLarge, "answered 413 Request Entity Too Large: an HTML page titled '413' (an upload of 0.170 MB)"),
            (500, Broken, "answered 500 Internal Server Error: an HTML page titled '413' (an upload of 0.170 MB)"),
        ],
    )
    def test_what_becomes_of_an_upload_is_told_with_its_size(
        self,
        httpserver: HTTPServer,
        client: AiaaClient,
        weights: Path,
        status: int,
        error: type[ClientError],
        told: str,
    ) -> None:
        page = "<html><head><title>413</title></head></html>"
        httpserver.expect_request("/admin/model/Test", "PUT").respond_with_data(page, status, content_type="text/html")
        with pytest.raises(error) as failed:
            client.load_from_files("Test", {}, weights, 5)
        assert str(failed.value).endswith(told)
        assert failed.value.advice == error.advice
        assert len(httpserver.log) == 1

    def test_files_are_sent_as_a_form_with_names_and_types(
        self, httpserver: HTTPServer, client: AiaaClient, weights: Path
    ) -> None:
        parts: dict[str, tuple[str | None, str | None, bytes]] = {}

        def handler(request: Request) -> Response:
            for name, file in request.files.items():
                parts[name] = (file.filename, file.content_type, file.read())
            return Response("{}")

        httpserver.expect_request("/admin/model/Test", "PUT").respond_with_handler(handler)
        lists(httpserver, listing(SPLEEN))
        client.load_from_files("Test", {"type": "segmentation"}, weights, 5)
        assert parts == {
            "config": ("config_aiaa.json", "application/json", b'{"type": "segmentation"}'),
            "data": ("model.ts", "application/octet-stream", weights.read_bytes()),
        }

    def test_a_repeated_upload_sends_the_whole_file_again(
        self, httpserver: HTTPServer, client: AiaaClient, weights: Path
    ) -> None:
        uploads: list[bytes] = []

        def handler(request: Request) -> Response:
            uploads.append(request.files["data"].read())
            return Response(status=503 if len(uploads) < 3 else 200)

        httpserver.expect_request("/admin/model/Test", "PUT").respond_with_handler(handler)
        lists(httpserver, listing(SPLEEN))
        client.load_from_files("Test", {}, weights, 5)
        assert uploads == [weights.read_bytes()] * 3

    def test_an_upload_that_was_cut_off_midway_is_sent_whole_the_next_time(self, weights: Path) -> None:
        lengths: list[int] = []

        def cut_off(connection: raw.Connection) -> None:
            connection.reset()

        def take(connection: raw.Connection) -> None:
            lengths.append(connection.read().length)
            connection.send(raw.OK)

        with raw_server(cut_off, take, LISTS_SPLEEN) as server, AiaaClient(server.url) as client:
            client.load_from_files("Test", {}, weights, 5)
        assert lengths[0] > weights.stat().st_size

    def test_memory_does_not_grow_with_the_file(self, tmp_path: Path) -> None:
        weights = tmp_path / "model.ts"
        size = 200 << 20
        with weights.open("wb") as file:
            file.truncate(size)
        lengths: list[int] = []

        def take(connection: raw.Connection) -> None:
            lengths.append(connection.read().length)
            connection.send(raw.OK)

        program = (
            "import pathlib, re, sys\n"
            "from clients.aiaa import AiaaClient\n"
            # Not ru_maxrss, which counts what the parent had before exec.
            "peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+) kB', pathlib.Path('/proc/self/status').read_text())[1])\n"
            "before = peak()\n"
            "AiaaClient(sys.argv[1]).load_from_files('Test', {}, pathlib.Path(sys.argv[2]), 30)\n"
            "print(peak() - before)\n"
        )
        with raw_server(take, LISTS_SPLEEN) as server:
            command = [sys.executable, "-c", program, server.url, str(weights)]
            grown = subprocess.run(command, capture_output=True, text=True, check=True)
        assert lengths[0] > size
        assert int(grown.stdout) < 20 << 10  # KiB

    def test_a_load_that_aiaa_refuses_tells_its_reason(
        self, httpserver: HTTPServer, client: AiaaClient, weights: Path
    ) -> None:
        httpserver.expect_oneshot_request("/admin/model/Test").respond_with_data(LOAD_ERROR, status=500)
        with pytest.raises(Rejected, match="AIAAException: CLASS_INIT_ERROR, Instantiation of class LargestCCd failed"):
            client.load_from_files("Test", {}, weights, 5)
        assert len(httpserver.log) == 1

    def test_a_model_that_triton_does_not_serve_is_reported_with_what_to_look_at(
        self, httpserver: HTTPServer, client: AiaaClient, weights: Path
    ) -> None:
        for path in ("/admin/model/Test", "/v1/segmentation"):
            httpserver.expect_oneshot_request(path).respond_with_data(NOT_SERVED, status=500)
        with pytest.raises(Rejected, match="TimeoutError: Unable to get status for 'Test'") as load:
            client.load_from_files("Test", {}, weights, 5)
        with pytest.raises(Rejected, match="TimeoutError: Unable to get status for 'Test'") as inference:
            client.infer(entry("Test", "segmentation"), b"image", "in.nii.gz", 5)
        for failed in (load, inference):
            for named in ("Triton's log (`bin/aiaa logs`;", "triton.model_timeout", "restart its container"):
                assert named in failed.value.advice

    def test_a_model_that_another_process_of_aiaa_lists_later_is_waited_for(
        self, httpserver: HTTPServer, client: AiaaClient
    ) -> None:
        httpserver.expect_request("/admin/model/Test", "PUT").respond_with_json(SPLEEN)
        lists(httpserver, listing(), listing(), listing(SPLEEN))
        assert client.load_from_ngc("Test", "nvidia/med/x", "1", 5).name == "Test"

    def test_a_load_that_was_confirmed_but_is_not_listed_is_no_success(
        self, httpserver: HTTPServer, client: AiaaClient
    ) -> None:
        httpserver.expect_request("/admin/model/Test", "PUT").respond_with_json(SPLEEN)
        httpserver.expect_request("/v1/models").respond_with_response(listing())
        with pytest.raises(Rejected, match="not listed"):
            client.load_from_ngc("Test", "nvidia/med/x", "1", 0.3)

    def test_a_load_has_the_time_that_it_was_given_and_no_more(self, httpserver: HTTPServer) -> None:
        def slow(_request: Request) -> Response:
            time.sleep(0.4)
            return Response("{}")

        httpserver.expect_request("/admin/model/Test", "PUT").respond_with_handler(slow)
        lists(httpserver, listing(SPLEEN))
        with AiaaClient(httpserver.url_for("/"), timeout=0.2) as client:
            client.load_from_ngc("Test", "nvidia/med/x", "1", 5)
            with pytest.raises(Unreachable, match="no answer in time"):
                client.load_from_ngc("Test", "nvidia/med/x", "1", 0.2)

    def test_a_file_that_is_not_there_is_told_before_anything_is_sent(
        self, httpserver: HTTPServer, client: AiaaClient, tmp_path: Path
    ) -> None:
        with pytest.raises(FileNotFoundError):
            client.load_from_files("Test", {}, tmp_path / "none.ts", 5)
        assert not httpserver.log


class TestUnloading:
    @pytest.mark.parametrize("status", [200, 204, 404])
    def test_a_model_that_is_not_there_any_more_is_unloaded(
        self, httpserver: HTTPServer, client: AiaaClient, status: int
    ) -> None:
        httpserver.expect_request("/admin/model/Test", "DELETE").respond_with_data(status=status)
        lists(httpserver, listing(DEEPGROW))
        client.unload("Test", 5)

    def test_unloading_waits_until_the_model_is_not_listed(self, httpserver: HTTPServer, client: AiaaClient) -> None:
        httpserver.expect_request("/admin/model/Test", "DELETE").respond_with_data("{}")
        lists(httpserver, listing(SPLEEN), listing(SPLEEN), listing())
        client.unload("Test", 5)
        assert len(httpserver.log) == 4

    def test_a_model_that_does_not_go_is_told(self, httpserver: HTTPServer, client: AiaaClient) -> None:
        httpserver.expect_request("/admin/model/Test", "DELETE").respond_with_data("{}")
        httpserver.expect_request("/v1/models").respond_with_response(listing(SPLEEN))
        with pytest.raises(NotReady, match="still listed"):
            client.unload("Test", 0.2)

    def test_a_list_that_cannot_be_read_is_not_taken_for_gone(self, httpserver: HTTPServer, client: AiaaClient) -> None:
        httpserver.expect_request("/admin/model/Test", "DELETE").respond_with_data("{}")
        lists(httpserver, Response("<html></html>"))
        with pytest.raises(Broken):
            client.unload("Test", 5)

    def test_an_unload_that_aiaa_refuses_is_told(self, httpserver: HTTPServer, client: AiaaClient) -> None:
        httpserver.expect_request("/admin/model/Test", "DELETE").respond_with_data(LOAD_ERROR, status=500)
        with pytest.raises(Rejected, match="AIAAException"):
            client.unload("Test", 5)

    def test_a_name_with_a_slash_stays_one_part_of_the_path(self, httpserver: HTTPServer, client: AiaaClient) -> None:
        httpserver.expect_request("/v1/models").respond_with_response(listing())
        with pytest.raises(ClientError):
            client.unload("a/../b", 5)  # the scripted server knows no such path
        assert httpserver.log[0][0].environ["RAW_URI"] == "/admin/model/a%2F..%2Fb"


class TestInference:
    def infer(self, httpserver: HTTPServer, client: AiaaClient, response: Response) -> InferenceResult:
        httpserver.expect_request("/v1/segmentation", "POST").respond_with_response(response)
        return client.infer(entry("Test", "segmentation"), b"image", "in.nii.gz", 5)

    @pytest.mark.parametrize(
        ("kind", "route"),
        [
            ("segmentation", "segmentation"),
            ("annotation", "dextr3d"),
            ("deepgrow", "deepgrow"),
            ("classification", "inference"),
            ("pipeline", "inference"),
            ("", "inference"),
        ],
    )
    def test_each_type_of_model_has_its_route(
        self, httpserver: HTTPServer, client: AiaaClient, kind: str, route: str
    ) -> None:
        httpserver.expect_request(f"/v1/{route}", "POST", query_string={"model": "a b"}).respond_with_json({"x": 1})
        assert client.infer(entry("a b", kind), b"", "in.nii.gz", 5).params == {"x": 1}

    def test_the_image_and_the_params_are_sent_as_the_published_clients_do(
        self, httpserver: HTTPServer, client: AiaaClient
    ) -> None:
        seen: list[Request] = []

        def handler(request: Request) -> Response:
            seen.append(request)
            assert request.form["params"] == '{"points": [[1, 2, 3]]}'
            assert request.files["image"].filename == "in.nii.gz"
            assert request.files["image"].read() == b"image"
            return Response("{}", content_type="application/json")

        httpserver.expect_request("/v1/dextr3d").respond_with_handler(handler)
        client.infer(entry("a", "annotation"), b"image", "in.nii.gz", 5, params={"points": [[1, 2, 3]]})
        assert seen[0].headers["Accept"] == "multipart/form-data"

    @pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=b0", 'Multipart/Form-Data; boundary="b0"'])
    def test_a_form_with_params_and_a_file_is_taken_apart(
        self, httpserver: HTTPServer, client: AiaaClient, content_type: str
    ) -> None:
        image = b"\x1f\x8b\r\n\r\n--b\xff\x00"
        body = (
            b'--b0\r\nContent-Disposition: form-data; name="params"\r\nContent-Type: application/json\r\n\r\n'
            b'{"points": [[1, 2, 3]]}\r\n'
            b'--b0\r\nContent-Disposition: form-data; name="image"; filename="out.nii.gz"\r\n'
            b"Content-Type: application/octet-stream\r\n\r\n" + image + b"\r\n--b0--\r\n"
        )
        result = self.infer(httpserver, client, Response(body, content_type=content_type))
        assert result == InferenceResult({"points": [[1, 2, 3]]}, image, "out.nii.gz")

    def test_json_is_a_result_without_a_file(self, httpserver: HTTPServer, client: AiaaClient) -> None:
        answer = Response('{"covid": 0.5}', content_type="application/json; charset=utf-8")
        assert self.infer(httpserver, client, answer) == InferenceResult({"covid": 0.5}, None)

    def test_json_that_is_no_object_is_kept_as_a_result(self, httpserver: HTTPServer, client: AiaaClient) -> None:
        answer = Response("[[1, 2]]", content_type="application/json")
        assert self.infer(httpserver, client, answer) == InferenceResult({"result": [[1, 2]]}, None)

    def test_any_other_body_is_the_file_itself(self, httpserver: HTTPServer, client: AiaaClient) -> None:
        answer = Response(b"\x1f\x8b\x00", content_type="application/octet-stream")
        assert self.infer(httpserver, client, answer) == InferenceResult({}, b"\x1f\x8b\x00")

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [
            ("text/html; charset=utf-8", b"<html><title>Log in</title></html>"),
            ("application/json", b"{"),
            ("multipart/form-data", b"--b0\r\n\r\n--b0--"),
            ("multipart/form-data; boundary=b0", b"--b0\r\nno empty line"),
            (
                "multipart/form-data; boundary=b0",
                b'--b0\r\nContent-Disposition: form-data; name="params"\r\n\r\n{no json\r\n--b0--\r\n',
            ),
            (
                "multipart/form-data; boundary=b0",
                b'--b0\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--b0--\r\n',
            ),
        ],
    )
    def test_an_answer_that_cannot_be_read_is_broken(
        self, httpserver: HTTPServer, client: AiaaClient, content_type: str, body: bytes
    ) -> None:
        with pytest.raises(Broken) as caught:
            self.infer(httpserver, client, Response(body, content_type=content_type))
        assert len(str(caught.value).splitlines()) == 1

    def test_an_inference_that_fails_tells_aiaas_reason_and_is_not_sent_again(
        self, httpserver: HTTPServer, client: AiaaClient
    ) -> None:
        answer = Response(b'{"error":{"message":[],"type":"InferenceServerException"},"success":false}\n', status=500)
        with pytest.raises(Rejected, match="InferenceServerException: no reason; the server's log may tell one"):
            self.infer(httpserver, client, answer)
        assert len(httpserver.log) == 1

    def test_an_inference_is_not_sent_again_to_a_server_that_is_not_ready(
        self, httpserver: HTTPServer, client: AiaaClient
    ) -> None:
        with pytest.raises(NotReady):
            self.infer(httpserver, client, Response(status=503))
        assert len(httpserver.log) == 1


def test_the_log_is_asked_for_by_lines(httpserver: HTTPServer, client: AiaaClient) -> None:
    httpserver.expect_request("/logs/", query_string={"lines": "20"}).respond_with_data("two\nlines")
    assert client.logs(20) == "two\nlines"
