"""Every request of AIAA's published clients gets an answer that the client can read, or a documented refusal."""

from __future__ import annotations

import email
import gzip
import io
import json
import uuid
from typing import Any

import nibabel as nib
import nrrd  # type: ignore[import-untyped, unused-ignore]
import numpy as np
import PIL.Image
import pytest

from . import published_clients as clients
from .conftest import AFFINE, Server
from .published_clients import ROWS, Answer, Row
from .test_pipelines import pipeline

SHAPE = (40, 30, 20)


def nifti(voxels: Any) -> bytes:
    content: bytes = nib.Nifti1Image(voxels, AFFINE).to_bytes()  # type: ignore[no-untyped-call]
    return gzip.compress(content)


def png(voxels: Any) -> bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(voxels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def contents(phantom: bytes) -> dict[str, bytes]:
    mask = np.zeros(SHAPE, np.uint8)
    mask[10:20, 5:15, 8:16] = 1
    dicom = b"\0" * 128 + b"DICM"
    return {
        "volume": gzip.compress(phantom),
        "slice": png(np.zeros((12, 16), np.uint8)),
        "mask": nifti(mask),
        "dicom": dicom,
    }


@pytest.fixture
def server(aiaa: Server) -> Server:
    """It has a model of each type."""
    aiaa.load(clients.SEGMENTATION)
    for name, ngc_name in (
        (clients.ANNOTATION, "clara_pt_spleen_ct_annotation"),
        (clients.DEEPGROW, "clara_pt_deepgrow_3d_annotation"),
        (clients.DEEPGROW_2D, "clara_pt_deepgrow_2d_annotation"),
        (clients.CLASSIFICATION, "clara_pt_covid19_3d_ct_classification"),
    ):
        aiaa.load_ngc(ngc_name, name=name)
    aiaa.load_config(clients.PIPELINE, pipeline([clients.DEEPGROW, clients.DEEPGROW_2D]))
    return aiaa


@pytest.fixture
def ask(server: Server, contents: dict[str, bytes]) -> Any:
    def asked(row: Row) -> Answer:
        session = server.put("/session/", files={"image": ("image.nii.gz", contents["volume"])}).json()["session_id"]
        return clients.send(server.url, row, contents, session, str(uuid.uuid1()))

    return asked


def form_of(answer: Answer) -> tuple[Any, bytes]:
    """As the Python client and the C++ client take it apart: the part without a file name is JSON, the other the
    file."""
    head = f"Content-Type: {answer.content_type}\r\n\r\n".encode()
    parts: Any = email.message_from_bytes(head + answer.body).get_payload()
    text, file = sorted(parts, key=lambda part: part.get_filename() is not None)
    assert text.get_param("name", header="content-disposition") == "params"
    return json.loads(text.get_payload(decode=True)), file.get_payload(decode=True)


def mask_of(row: Row, answer: Answer) -> Any:
    if row.reads == "nrrd":
        header = nrrd.read_header(io.BytesIO(answer.body))
        assert header["type"] == "uint16"
        return nrrd.read_data(header, io.BytesIO(answer.body[answer.body.index(b"\n\n") + 2 :]))
    content = answer.body if row.reads == "nifti" else form_of(answer)[1]
    if content.startswith(b"\x89PNG"):
        return np.asarray(PIL.Image.open(io.BytesIO(content)))
    mask = nib.Nifti1Image.from_bytes(gzip.decompress(content))
    assert row.reads == "form" or mask.header["datatype"] == 512  # uint16
    return np.asarray(mask.dataobj)


READ: dict[str, Any] = {
    "list": lambda answer: {entry["name"]: entry["type"] for entry in answer}.get(clients.SEGMENTATION),
    "entry": lambda answer: answer["type"],
    "session": lambda answer: uuid.UUID(answer["session_id"]),
    "polygons": lambda answer: any(answer),
    "results": lambda answer: answer["pred"],
}


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_each_request_of_a_published_client_is_answered_as_that_client_can_read(ask: Any, row: Row) -> None:
    answer = ask(row)
    assert answer.status == row.status, answer.body
    if row.reads in READ:
        assert READ[row.reads](json.loads(answer.body))
    elif row.reads in ("nifti", "nrrd", "form"):
        mask = mask_of(row, answer)
        if row.target.startswith("/v1/fixpolygon"):
            assert form_of(answer)[0]["poly"]
            assert mask.any()
        else:
            assert mask.shape == SHAPE
        if row.mask_at:
            assert mask[row.mask_at] == 1
            assert mask[0, 0, 0] == 0
    elif row.status != 200:
        refusal = json.loads(answer.body)
        assert refusal["success"] is False
        assert refusal["error"].keys() == {"message", "type"}


def test_extreme_points_as_text_are_refused_as_recorded(ask: Any) -> None:
    """https://github.com/NVIDIA/ai-assisted-annotation-client/issues/95"""
    row = next(row for row in ROWS if row.client is clients.CPP and "extreme" in row.does)
    points = json.loads(row.params or "")["points"]
    assert (
        ask(row).body
        == (
            f'{{"error":{{"message":["invalid literal for int() with base 10: \'{points}\'"],"type":"ValueError"}},'
            '"success":false}\n'
        ).encode()
    )


def test_a_moved_vertex_is_the_same_in_each_spelling_of_the_parameters(ask: Any) -> None:
    rows = [row for row in ROWS if row.does == "moves a vertex in a PNG"]
    answers = [ask(row) for row in rows]
    assert len({json.dumps(form_of(answer)[0]) for answer in answers}) == 1
    params, _ = form_of(answers[0])
    assert params["poly"][0][2] == [10, 9]
    masks = [mask_of(row, answer) for row, answer in zip(rows, answers, strict=True)]
    assert {mask.shape for mask in masks} == {(12, 16)}
    assert masks[0][10, 9] == 1
