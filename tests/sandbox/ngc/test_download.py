"""``GET /v2/models/nvidia/med/<name>/versions/<version>/zip``: NGC's documented address of a model.

Documented: the address (Project-MONAI/MONAI, monai/apps/mmars/model_desc.py) and an MMAR's layout. Inferred: that a
download can be continued, and what NGC says where there is nothing; the shape of a refusal is recorded.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from starlette.applications import Starlette

from sandbox.faults import Fault
from sandbox.ngc.app import create_app
from sandbox.serve import serve

SPLEEN = "/v2/models/nvidia/med/clara_pt_spleen_ct_segmentation/versions/1/zip"


@dataclass
class Ngc:
    url: str
    app: Starlette

    def get(self, path: str = SPLEEN, **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.get(self.url + path, headers=named, timeout=10)


@contextmanager
def started(**options: Any) -> Iterator[Ngc]:
    app = create_app(**options)
    with serve(app) as url:
        yield Ngc(url, app)


@pytest.fixture
def ngc() -> Iterator[Ngc]:
    with started() as server:
        yield server


def test_a_model_is_a_zip_whose_root_is_the_mmar(ngc: Ngc) -> None:
    answer = ngc.get()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["config/config_aiaa.json", "models/model.ts"]
        assert json.loads(archive.read("config/config_aiaa.json"))["labels"] == ["spleen"]


def test_the_same_version_is_the_same_bytes_under_the_same_etag_also_of_another_server(ngc: Ngc) -> None:
    first = ngc.get()
    with started() as other:
        second = other.get()
    assert (first.content, first.headers["etag"]) == (second.content, second.headers["etag"])
    other_version = ngc.get(SPLEEN.replace("/1/", "/2/"))
    assert other_version.headers["etag"] != first.headers["etag"]


def test_a_download_that_was_cut_is_continued_where_it_ended(ngc: Ngc) -> None:
    whole = ngc.get()
    ngc.app.state.faults.set(Fault(SPLEEN, "truncate", times=1))
    got = b""
    with suppress(requests.exceptions.ChunkedEncodingError):
        for piece in requests.get(ngc.url + SPLEEN, stream=True, timeout=10).iter_content(1):
            got += piece
    assert 0 < len(got) < len(whole.content)
    rest = ngc.get(Range=f"bytes={len(got)}-", If_Range=whole.headers["etag"])
    assert rest.status_code == 206
    assert rest.headers["content-range"] == f"bytes {len(got)}-{len(whole.content) - 1}/{len(whole.content)}"
    assert got + rest.content == whole.content


def test_a_range_of_another_version_of_the_file_is_answered_with_the_whole(ngc: Ngc) -> None:
    answer = ngc.get(Range="bytes=10-", If_Range='"of something else"')
    assert answer.status_code == 200
    assert len(answer.content) == int(answer.headers["content-length"])


def test_a_range_beyond_the_end_is_416(ngc: Ngc) -> None:
    length = len(ngc.get().content)
    answer = ngc.get(Range=f"bytes={length}-")
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{length}")


@pytest.mark.parametrize(
    "path",
    [
        SPLEEN.replace("spleen", "none"),
        SPLEEN.replace("/1/", "/9/"),
        SPLEEN.replace("nvidia/med", "somebody/else"),
        "/v2/no/such/thing",
    ],
)
def test_what_is_not_published_is_404_in_json(ngc: Ngc, path: str) -> None:
    answer = ngc.get(path)
    assert answer.status_code == 404
    assert answer.json()["requestStatus"]["statusCode"] == "NOT_FOUND"


def test_a_key_is_asked_for_where_one_is_set_and_only_that_one_will_do() -> None:
    with started(api_key="right") as ngc:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "right"}):
            answer = ngc.get(**headers)
            assert answer.status_code == 401
            assert answer.json()["requestStatus"]["statusCode"] == "UNAUTHORIZED"
        assert ngc.get(Authorization="Bearer right").status_code == 200


def test_faults_are_planned_as_on_the_other_stand_ins(ngc: Ngc) -> None:
    ngc.app.state.faults.set(Fault("/v2/*", "status", status=503, times=1))
    assert [ngc.get().status_code for _ in range(2)] == [503, 200]
    assert [entry.status for entry in ngc.app.state.faults.requests] == [503, 200]
