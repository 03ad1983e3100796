"""``/v1``: listing models, inference, polygons.

Sources: NVIDIA/ai-assisted-annotation-client py_client/client_api.py and cpp-client/src (what clients send and take),
slicer-plugin SegmentEditorEffect.py, NVIDIA/clara-train-examples nvidia-aiaa/src/AIAAService/AIAAClient.js.
"""

from pathlib import Path
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.aiaa import fix_polygon, http, images, polygons
from sandbox.aiaa.errors import AIAAException
from sandbox.aiaa.images import Image
from sandbox.aiaa.models import Models
from sandbox.aiaa.result import Result
from sandbox.aiaa.server_log import ServerLog
from sandbox.aiaa.sessions import Sessions

INFERENCE_PATHS = ("/v1/segmentation", "/v1/dextr3d", "/v1/deepgrow", "/v1/inference")


def routes(models: Models, sessions: Sessions, log: ServerLog) -> list[Route]:
    async def list_models(request: Request) -> Response:
        query = request.query_params
        if "model" in query:
            return http.json_answer(_only(models, query["model"]))
        label, kind = query.get("label"), query.get("type")
        wanted = [
            entry
            for entry in models.entries()
            if (not label or label in entry["labels"]) and (not kind or kind == entry["type"])
        ]
        return http.json_answer(wanted)

    async def infer(request: Request) -> Response:
        query = request.query_params
        log.info("aiaa.www.api.api_v1", f"{request.url.path} model={query.get('model')}")
        async with http.form(request) as parts:
            params = http.params(parts)
            uploads = [] if query.get("session_id") else http.files(parts)
            async with http.stored(uploads) as files:
                image = _input(sessions, query.get("session_id"), [path for _, path in files])
                result = await run_in_threadpool(models.infer, query.get("model", ""), image, params)
        return await run_in_threadpool(_answer, result, params, as_image=query.get("output") == "image")

    async def mask_to_polygon(request: Request) -> Response:
        async with http.form(request) as parts:
            params = http.params(parts)
            async with http.stored(http.files(parts)) as files:
                mask = images.read(_input(sessions, None, [path for _, path in files]))
        ratio = float(params.get("more_points", 10))
        return http.json_answer(await run_in_threadpool(polygons.from_mask, images.without_channels(mask), ratio))

    async def move_vertex(request: Request) -> Response:
        async with http.form(request) as parts:
            params = http.params(parts)
            async with http.stored(http.files(parts)) as files:
                image = images.read(_input(sessions, None, [path for _, path in files]))
        result = await run_in_threadpool(fix_polygon.fixed, params, image)
        return await run_in_threadpool(_answer, result, {}, as_image=False)

    made = http.routes("/v1/models", {"GET": list_models}, log)
    for path in INFERENCE_PATHS:
        made += http.routes(path, {"POST": infer}, log)
    made += http.routes("/v1/mask2polygon", {"POST": mask_to_polygon}, log)
    return made + http.routes("/v1/fixpolygon", {"POST": move_vertex}, log)


def _only(models: Models, name: str) -> dict[str, Any]:
    for entry in models.entries():
        if entry["name"] == name:
            return entry
    raise AIAAException("MODEL_NOT_FOUND", f"Model {name} is not loaded", status=404)


def _input(sessions: Sessions, session_id: str | None, files: list[Path]) -> Path:
    if session_id:
        if (session := sessions.get(session_id, touch=True)) is None:
            raise AIAAException("SESSION_EXPIRED", f"Session {session_id} is unknown or has expired", status=440)
        return sessions.path(session)
    if not files:
        raise AIAAException("INVALID_INPUT", "neither an image nor a session_id was sent")
    return files[0]


def _answer(result: Result, params: dict[str, Any], *, as_image: bool) -> Response:
    """The multipart answer; the file alone for ``output=image``; plain JSON where a model makes no file."""
    if result.image is None:
        return http.json_answer(result.params)
    extension = params.get("result_extension") or result.image.extension
    voxels = result.image.voxels.astype(params.get("result_dtype") or np.uint8)
    image = Image(voxels, result.image.affine, result.image.axes)
    content = images.write(image, extension, compress=bool(params.get("result_compress", True)))
    if as_image:
        return Response(content, media_type="application/octet-stream")
    return http.multipart_answer(result.params, f"result{extension}", content)
