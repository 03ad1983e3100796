"""What all of AIAA's routes share: answers as AIAA writes them, forms as clients send them.

Sources: recorded bodies in visiont3lab/clara-train-examples AIAA.ipynb and NVIDIA/ai-assisted-annotation-client issues
76, 85, 92, 99; what clients send: that repository's py_client/client_api.py and cpp-client/src/client.cpp, and the OHIF
extension in NVIDIA/clara-train-examples (nvidia-aiaa/src/AIAAService).
"""

import json
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from sandbox.aiaa.errors import AIAAException, envelope
from sandbox.aiaa.server_log import ServerLog

_LONGEST_NAME = 200  # bytes

Handler = Callable[[Request], Awaitable[Response]]

_PAGES = {
    404: (
        "Not Found",
        "The requested URL was not found on the server. "
        "If you entered the URL manually please check your spelling and try again.",
    ),
    405: ("Method Not Allowed", "The method is not allowed for the requested URL."),
}


def json_answer(content: Any) -> Response:
    """JSON as ``/v1/models`` writes it: Python's default separators, all on one line."""
    return Response(json.dumps(content), media_type="application/json")


def html_page(status: Literal[404, 405]) -> Response:
    """The page that Werkzeug, Flask's HTTP library, gives for what no route takes."""
    title, text = _PAGES[status]
    return HTMLResponse(
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">\n'
        f"<title>{status} {title}</title>\n<h1>{title}</h1>\n<p>{text}</p>\n",
        status_code=status,
    )


def multipart_answer(params: dict[str, Any], filename: str, content: bytes) -> Response:
    """``multipart/form-data`` with a JSON part ``params`` and a file part ``image``."""
    boundary = uuid.uuid4().hex
    head = (
        f"--{boundary}\r\n"
        'Content-Disposition: form-data; name="params"\r\n'
        "Content-Type: application/json\r\n\r\n"
        f"{json.dumps(params)}\r\n"
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="image"; filename="{filename}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return Response(body, media_type=f"multipart/form-data; boundary={boundary}")


def routes(path: str, handlers: dict[str, Handler], log: ServerLog) -> list[Route]:
    """Routes for a path with and without a trailing slash; whatever a handler raises becomes AIAA's envelope."""

    async def endpoint(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        try:
            return await handlers[method](request)
        except Exception as error:  # noqa: BLE001 - AIAA answers every failure with its envelope
            if not isinstance(error, AIAAException):
                log.error("aiaa.www.api.api_v1", f"{request.method} {request.url.path}: {type(error).__name__} {error}")
            return envelope(error)

    plain = path.rstrip("/")
    return [Route(spelling, endpoint, methods=list(handlers)) for spelling in (plain, f"{plain}/") if spelling]


@asynccontextmanager
async def form(request: Request) -> AsyncIterator[FormData]:
    """The request's form; parts may be large, and none for a request without a form."""
    if "form" not in request.headers.get("content-type", "").lower():
        yield FormData()
        return
    async with request.form(max_part_size=64 * 1024 * 1024) as parts:
        yield parts


def files(parts: FormData) -> list[UploadFile]:
    """All file parts: clients name them ``datapoint``, ``image``, ``image0`` and so on."""
    return [part for _, part in parts.multi_items() if isinstance(part, UploadFile)]


def text(parts: FormData, name: str) -> str | None:
    """A part as text, if there is one; some clients send JSON parts with a file name."""
    part = parts.get(name)
    return part.file.read().decode() if isinstance(part, UploadFile) else part


def params(parts: FormData) -> dict[str, Any]:
    """The ``params`` part: a JSON object. It is empty if the part is missing, is empty, or is
    ``null``, which XNAT's viewer and NVIDIA's OHIF plugin send beside a session's image."""
    try:
        given = json.loads((text(parts, "params") or "").strip() or "null")
    except ValueError as error:
        raise AIAAException("INVALID_INPUT", f"params is not JSON: {error}") from None
    if given and not isinstance(given, dict):
        raise AIAAException("INVALID_INPUT", "params is not a JSON object")
    return given or {}


@asynccontextmanager
async def stored(uploads: list[UploadFile]) -> AsyncIterator[list[tuple[str, Path]]]:
    """Uploaded files on disk, as long as they are needed, as (name, path). Their names are those of the request, for
    messages."""
    with tempfile.TemporaryDirectory(prefix="aiaa-") as folder:
        paths = [
            (upload.filename or "", Path(folder) / str(index) / plain_name(upload.filename, index))
            for index, upload in enumerate(uploads)
        ]
        for upload, (_, path) in zip(uploads, paths, strict=True):
            await run_in_threadpool(_save, upload, path)
        yield paths


def plain_name(sent: str | None, index: int) -> str:
    """A file name for the ``index``-th file of a request: the name in the request, if it is a valid file name."""
    name = Path((sent or "").replace("\\", "/")).name
    return (
        name
        if name not in ("", "..") and name.isprintable() and len(name.encode()) <= _LONGEST_NAME
        else f"image{index}"
    )


def _save(upload: UploadFile, path: Path) -> None:
    path.parent.mkdir()
    with path.open("wb") as file:
        shutil.copyfileobj(upload.file, file)
