"""What AIAA's published clients send, as data: a new form of request is a row of `ROWS`.

Sources, read in full: XNAT's viewer, oncai/ohif-viewer-xnat extensions/xnat/src/aiaa-tools (client/AIAAClient.js,
ApiWrapper.js, restApi.js, utils/prepareRunParameters.js); NVIDIA's OHIF plugin, NVIDIA/clara-train-examples
nvidia-aiaa/src (AIAAService/*.js, components/AIAAPanel.js); the rest in NVIDIA/ai-assisted-annotation-client:
slicer-plugin SegmentEditorEffect.py, py_client/client_api.py, cpp-client/src (client.cpp, curlutils.cpp), which MITK's
plugin uses.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

SEGMENTATION, ANNOTATION, DEEPGROW, PIPELINE, CLASSIFICATION = "liver", "annotation", "deepgrow_3d", "both", "covid"
DEEPGROW_2D = "deepgrow_2d"

Reads = Literal["list", "entry", "session", "text", "nifti", "nrrd", "form", "polygons", "results", "nothing"]
"""What the client makes of the answer: see `test_published_clients.py`."""


@dataclass(frozen=True)
class Client:
    """
    Attributes:
        name: of the client.
        boundary: of its forms, as it makes it. quoted: so in the Content-Type header.
        http: the version that it speaks when it sends a form.
        params_first: the order of its parts.
    """

    name: str
    boundary: str
    quoted: bool = False
    http: Literal["1.0", "1.1"] = "1.1"
    params_first: bool = True

    def form(self, parts: tuple[Part, ...]) -> tuple[bytes, str]:
        """The body, and its content type."""
        body = bytearray()
        for part in parts:
            name = f'; filename="{part.filename}"' if part.filename else ""
            body += f'--{self.boundary}\r\nContent-Disposition: form-data; name="{part.name}"{name}\r\n'.encode()
            body += f"Content-Type: {part.type}\r\n".encode() if part.filename else b""
            body += b"\r\n" + part.content + b"\r\n"
        body += f"--{self.boundary}--\r\n".encode()
        boundary = f'"{self.boundary}"' if self.quoted else self.boundary
        return bytes(body), f"multipart/form-data; boundary={boundary}"


XNAT = Client("XNAT's viewer", "----WebKitFormBoundaryVfH3aLc0pQ7xR2sT", params_first=False)
OHIF = Client("NVIDIA's OHIF plugin", "----WebKitFormBoundarymK2dYp8uZ1wNq5eB", params_first=False)
SLICER = Client("3D Slicer", "----------lImIt_of_THE_fIle_eW_$")
PYTHON = Client("Python client", "----------lImIt_of_THE_fIle_eW_$")
CPP = Client("C++ client", "MIME_boundary_0A1B2C3D4E5F6071", quoted=True, http="1.0")
OLD_CPP = Client("C++ client before sessions", "MIME_boundary_8192A3B4C5D6E7F8", quoted=True, http="1.0")


@dataclass(frozen=True)
class Part:
    name: str
    content: bytes
    filename: str = ""
    type: str = "application/octet-stream"


@dataclass(frozen=True)
class Row:
    """
    Attributes:
        does: what the client's user does.
        target: path and query; `{session}` is a live session, `{dead}` one that is not there any more.
        params: the text of that part; None: the client sends no such part.
        files: the file parts, whose content is named: `volume`, `slice` (a PNG), `mask`.
        json: the body, where it is no form.
        status: of the answer.
        reads: what the client makes of it.
        mask_at: where a mask has to be set, as where the user clicked.
    """

    client: Client
    does: str
    method: str
    target: str
    params: str | None = None
    files: tuple[tuple[str, str, str], ...] = ()
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    reads: Reads = "nothing"
    mask_at: tuple[int, int, int] | None = None

    def __str__(self) -> str:
        return f"{self.client.name}: {self.does}"


_JSON = {"accept": "application/json"}
_FORM = {"accept": "multipart/form-data"}
_NIFTI = '"result_extension":".nii.gz","result_dtype":"uint16","result_compress":true'
_NRRD = '"result_extension":".nrrd","result_dtype":"uint16","result_compress":true'
_CLICK = (14, 9, 11)
_EXTREME = "[[10,9,11],[19,9,11],[14,5,11],[14,14,11],[14,9,8],[14,9,15]]"
_VOLUME = (("image", "image.nii.gz", "volume"),)
_DATAPOINT = (("datapoint", "slicer-aiaa/x.nii.gz", "volume"),)
_SLICE = (("datapoint", "test-data/fixpolygon.input.png", "slice"),)
_SQUARE = "[[[2,2],[8,2],[8,8],[2,8]]]"
_DICOM = tuple((f"image{index}", f"{index}.dcm", "dicom") for index in range(3))

ROWS = (
    Row(XNAT, "lists models", "GET", "/v1/models", reads="list"),
    Row(XNAT, "opens a session", "PUT", "/session/?expiry=7200", "null", _VOLUME, headers=_JSON, reads="session"),
    Row(XNAT, "opens one of DICOM files", "PUT", "/session/?expiry=7200", "null", _DICOM, reads="session"),
    Row(XNAT, "looks for its session", "GET", "/session/{session}?update_ts=true", reads="session"),
    Row(XNAT, "looks for one that is gone", "GET", "/session/{dead}?update_ts=true", status=404),
    Row(
        XNAT, "segments", "POST", f"/v1/segmentation?model={SEGMENTATION}&session_id={{session}}&output=image",
        f"{{{_NIFTI}}}", headers=_FORM, reads="nifti", mask_at=_CLICK,
    ),
    Row(
        XNAT, "sets extreme points", "POST", f"/v1/dextr3d?model={ANNOTATION}&session_id={{session}}&output=image",
        f'{{{_NIFTI},"points":{_EXTREME}}}', headers=_FORM, reads="nifti", mask_at=_CLICK,
    ),
    Row(
        XNAT, "clicks", "POST", f"/v1/deepgrow?model={DEEPGROW}&session_id={{session}}&output=image",
        f'{{{_NIFTI},"foreground":[[14,9,11]],"background":[]}}', headers=_FORM, reads="nifti", mask_at=_CLICK,
    ),
    Row(
        XNAT, "clicks for a 2D model", "POST", f"/v1/deepgrow?model={DEEPGROW_2D}&session_id={{session}}&output=image",
        f'{{{_NIFTI},"foreground":[[14,9,11]],"background":[[0,0,11]]}}', headers=_FORM, reads="nifti", mask_at=_CLICK,
    ),
    Row(
        XNAT, "segments, an older release", "POST",
        f"/v1/segmentation?model={SEGMENTATION}&session_id={{session}}&output=image",
        f"{{{_NRRD}}}", headers=_FORM, reads="nrrd", mask_at=_CLICK,
    ),
    Row(
        XNAT, "segments in a session that is gone", "POST",
        f"/v1/segmentation?model={SEGMENTATION}&session_id={{dead}}&output=image",
        f"{{{_NIFTI}}}", headers=_FORM, status=440,
    ),
    Row(OHIF, "lists models", "GET", "/v1/models", reads="list"),
    Row(OHIF, "opens a session", "PUT", "/session/?expiry=0&save_as=.nii", "null", _VOLUME, reads="session"),
    Row(OHIF, "opens one of DICOM files", "PUT", "/session/?expiry=0&save_as=.nii", "null", _DICOM, reads="session"),
    Row(
        OHIF, "lets the server fetch from a PACS", "PUT", "/session/?expiry=0&save_as=.nii",
        json={"dicom": {"server_address": "orthanc", "server_port": 4242, "ae_title": "ORTHANC", "study_uid": "1.2"}},
        headers=_JSON, status=500,
    ),
    Row(OHIF, "looks for its session", "GET", "/session/{session}", reads="session"),
    Row(
        OHIF, "segments", "POST", f"/v1/segmentation?model={SEGMENTATION}&output=image&session_id={{session}}",
        f"{{{_NRRD}}}", headers=_FORM, reads="nrrd", mask_at=_CLICK,
    ),
    Row(
        OHIF, "sets extreme points", "POST", f"/v1/dextr3d?model={ANNOTATION}&output=image&session_id={{session}}",
        f'{{"points":{_EXTREME},{_NRRD}}}', headers=_FORM, reads="nrrd", mask_at=_CLICK,
    ),
    *(
        Row(
            OHIF, f"clicks for {model}", "POST", f"/v1/deepgrow?model={model}&output=image&session_id={{session}}",
            f'{{"foreground":[[14,9,11]],"background":[],"current_point":[[14,9,11]],{_NRRD}}}',
            headers=_FORM, reads="nrrd", mask_at=_CLICK,
        )
        for model in (DEEPGROW, DEEPGROW_2D, PIPELINE)
    ),
    Row(
        OHIF, "clicks for the background first", "POST",
        f"/v1/deepgrow?model={PIPELINE}&output=image&session_id={{session}}",
        f'{{"foreground":[],"background":[[1,1,3]],"current_point":[[1,1,3]],{_NRRD}}}', headers=_FORM, reads="nrrd",
    ),
    Row(OHIF, "reads the log", "GET", "/logs/?lines=100", reads="text"),
    Row(SLICER, "lists models", "GET", "/v1/models", reads="list"),
    Row(SLICER, "opens a session", "PUT", "/session/?expiry=0", files=_VOLUME, reads="session"),
    Row(
        SLICER, "segments", "POST", f"/v1/inference?model={SEGMENTATION}", "{}", _DATAPOINT,
        reads="form", mask_at=_CLICK,
    ),
    Row(
        SLICER, "segments by session", "POST", f"/v1/inference?model={SEGMENTATION}&session_id={{session}}", "{}",
        reads="form", mask_at=_CLICK,
    ),
    Row(
        SLICER, "sets extreme points", "POST", f"/v1/dextr3d?model={ANNOTATION}",
        '{"points": [[10, 9, 11], [19, 9, 11], [14, 5, 11], [14, 14, 11], [14, 9, 8], [14, 9, 15]]}', _DATAPOINT,
        reads="form", mask_at=_CLICK,
    ),
    *(
        Row(
            SLICER, f"clicks for {model}", "POST", f"/v1/inference?model={model}&session_id={{session}}",
            '{"foreground": [[14, 9, 11]], "background": [], "current_point": [[14, 9, 11]]}',
            reads="form", mask_at=_CLICK,
        )
        for model in (DEEPGROW, DEEPGROW_2D, PIPELINE)
    ),
    Row(
        SLICER, "clicks with a spatial size", "POST", f"/v1/inference?model={DEEPGROW}",
        '{"foreground": [[14, 9, 11]], "background": [], "current_point": [[14, 9, 11]], "spatial_size": [32, 32, 32]}',
        _DATAPOINT, reads="form", mask_at=_CLICK,
    ),
    Row(
        SLICER, "clicks in a session that is gone", "POST", f"/v1/inference?model={DEEPGROW}&session_id={{dead}}",
        '{"foreground": [[14, 9, 11]], "background": [], "current_point": [[14, 9, 11]]}', status=440,
    ),
    Row(PYTHON, "asks for one model", "GET", f"/v1/models?model={SEGMENTATION}", reads="entry"),
    Row(PYTHON, "asks for a label", "GET", "/v1/models?label=liver", reads="list"),
    Row(PYTHON, "opens a session", "PUT", "/session/?expiry=0", files=_VOLUME, reads="session"),
    Row(PYTHON, "looks for its session", "GET", "/session/{session}", reads="session"),
    Row(PYTHON, "closes a session that is gone", "DELETE", "/session/{dead}", status=404),
    Row(
        PYTHON, "segments", "POST", f"/v1/segmentation?model={SEGMENTATION}", "{}", _DATAPOINT,
        reads="form", mask_at=_CLICK,
    ),
    Row(
        PYTHON, "sets extreme points by session", "POST", f"/v1/dextr3d?model={ANNOTATION}&session_id={{session}}",
        f'{{"points": {_EXTREME}}}', reads="form", mask_at=_CLICK,
    ),
    Row(
        PYTHON, "clicks", "POST", f"/v1/deepgrow?model={DEEPGROW}",
        '{"foreground": [[14, 9, 11]], "background": [], "current_point": [14, 9, 11]}', _DATAPOINT,
        reads="form", mask_at=_CLICK,
    ),
    Row(PYTHON, "classifies", "POST", f"/v1/inference?model={CLASSIFICATION}", "{}", _DATAPOINT, reads="results"),
    Row(
        PYTHON, "makes polygons", "POST", "/v1/mask2polygon", '{"more_points": 10}',
        (("datapoint", "test-data/mask2polygon.input.nii.gz", "mask"),), reads="polygons",
    ),
    Row(
        PYTHON, "moves a vertex in a PNG", "POST", "/v1/fixpolygon",
        f'{{"poly": {_SQUARE}, "vertex_offset": [2, 1], "dimension": 2, "polygon_index": 0, "vertex_index": 2, '
        '"propagate_neighbor": 1}', _SLICE, reads="form",
    ),
    Row(
        PYTHON, "moves a vertex in a volume", "POST", "/v1/fixpolygon",
        f'{{"poly": [{", ".join([_SQUARE] * 20)}], "vertex_offset": [2, 1], "dimension": 3, "slice_index": 1, '
        '"polygon_index": 0, "vertex_index": 2, "propagate_neighbor_3d": 1, "propagate_neighbor": 1}',
        _DATAPOINT, reads="form",
    ),
    Row(CPP, "asks for a label and a type", "GET", "/v1/models?label=liver&type=segmentation", reads="list"),
    Row(CPP, "opens a session", "PUT", "/session/", "{}", _VOLUME, reads="session"),
    Row(CPP, "looks for its session", "GET", "/session/{session}", reads="session"),
    Row(
        CPP, "segments", "POST", f"/v1/segmentation?model={SEGMENTATION}", "{}", _VOLUME, reads="form", mask_at=_CLICK
    ),
    Row(
        CPP, "segments by session", "POST", f"/v1/segmentation?model={SEGMENTATION}&session_id={{session}}", "{}",
        reads="form", mask_at=_CLICK,
    ),
    Row(
        CPP, "sets extreme points, as text", "POST", f"/v1/dextr3d?model={ANNOTATION}",
        f'{{"points":"{_EXTREME}"}}', _VOLUME, status=500,
    ),
    Row(
        CPP, "clicks, as text", "POST", f"/v1/deepgrow?model={DEEPGROW}",
        '{"foreground":"[[14,9,11]]", "background":"[]"}', _VOLUME, status=500,
    ),
    Row(CPP, "makes polygons", "POST", "/v1/mask2polygon", '{"more_points":10}', _VOLUME, reads="polygons"),
    Row(
        CPP, "moves a vertex in a PNG", "POST", "/v1/fixpolygon",
        '{"propagate_neighbor":1,"dimension":2,"polygonIndex":0,"vertexIndex":2,"vertexOffset": [2,1],'
        f'"prev_poly":{_SQUARE}}}',
        (("image", "image_slice_2D.png", "slice"),), reads="form",
    ),
    Row(
        OLD_CPP, "moves a vertex in a PNG", "POST", "/v1/fixpolygon",
        '{"propagate_neighbor":1,"polygonIndex":0,"vertexIndex":2,'
        f'"poly":[[[2,2],[8,2],[10,9],[2,8]]],"prev_poly":{_SQUARE}}}', _SLICE, reads="form",
    ),
    Row(
        OLD_CPP, "sets extreme points, as text", "POST", f"/v1/dextr3d?model={ANNOTATION}",
        f'{{"sigma":3.0,"points":"{_EXTREME}"}}', _DATAPOINT, status=500,
    ),
)  # fmt: skip


class _Http10(http.client.HTTPConnection):
    _http_vsn, _http_vsn_str = 10, "HTTP/1.0"


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str
    body: bytes


def send(url: str, row: Row, contents: Mapping[str, bytes], session: str, dead: str) -> Answer:
    """Send the row's request, byte for byte as its client does.

    Args:
        contents: of files, by the names that rows have for them.
        session, dead: ids of sessions, see `Row.target`.
    """
    headers, body = dict(row.headers), None
    if row.json is not None:
        body, headers["content-type"] = json.dumps(row.json).encode(), "application/json;charset=utf-8"
    elif row.params is not None or row.files:
        params = () if row.params is None else (Part("params", row.params.encode()),)
        files = tuple(Part(name, contents[content], filename) for name, filename, content in row.files)
        parts = (*params, *files) if row.client.params_first else (*files, *params)
        body, headers["content-type"] = row.client.form(parts)
    kind = _Http10 if row.client.http == "1.0" and body is not None else http.client.HTTPConnection
    connection = kind(urlsplit(url).netloc, timeout=10)
    try:
        connection.request(row.method, row.target.format(session=session, dead=dead), body, headers)
        answer = connection.getresponse()
        return Answer(answer.status, answer.getheader("content-type", ""), answer.read())
    finally:
        connection.close()
