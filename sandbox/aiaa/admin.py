"""``/admin/model/{name}``: loading, reading and removing models.

Sources: https://docs.nvidia.com/clara/clara-train-archive/4.0/aiaa/loading_models.html (the JSON form for NGC; config
and data as files) and https://docs.nvidia.com/clara/clara-train-sdk/aiaa/server_apis.html (routes, ``--admin_hosts``).
"""

import json
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.aiaa import http
from sandbox.aiaa.errors import AIAAException
from sandbox.aiaa.models import Models
from sandbox.aiaa.options import Options
from sandbox.aiaa.server_log import ServerLog


def routes(options: Options, models: Models, log: ServerLog) -> list[Route]:
    async def get(request: Request) -> Response:
        return http.json_answer(models.config(request.path_params["name"]))

    async def put(request: Request) -> Response:
        name = request.path_params["name"]
        if "json" in request.headers.get("content-type", ""):
            path, version = _ngc(await request.body())
            return http.json_answer(await run_in_threadpool(models.load_from_ngc, name, path, version))
        async with http.form(request) as parts:
            if (config := http.text(parts, "config")) is None:
                raise AIAAException("INVALID_INPUT", _no_config(set(parts)))
            data = [upload for upload in http.files(parts) if upload is parts.get("data")]
            async with http.stored(data) as paths:
                model = paths[0][1] if paths else None
                return http.json_answer(await run_in_threadpool(models.load, name, _parsed(config), model))

    async def delete(request: Request) -> Response:
        return http.json_answer(await run_in_threadpool(models.remove, request.path_params["name"]))

    def guarded(handler: http.Handler) -> http.Handler:
        async def handle(request: Request) -> Response:
            host = request.client.host if request.client else ""
            return await handler(request) if options.admits(host) else Response(status_code=403)

        return handle

    handlers = {"GET": guarded(get), "PUT": guarded(put), "DELETE": guarded(delete)}
    return http.routes("/admin/model/{name}", handlers, log)


def _ngc(body: bytes) -> tuple[str, str]:
    wanted = _parsed(body)
    if not isinstance(wanted, dict) or not {"path", "version"} <= wanted.keys():
        raise AIAAException("INVALID_INPUT", "a model from NGC needs a JSON object with 'path' and 'version'")
    return str(wanted["path"]), str(wanted["version"])


def _parsed(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise AIAAException("INVALID_INPUT", f"not JSON: {error}") from None


def _no_config(parts: set[str]) -> str:
    if "ngc" in parts:
        return "the multipart form 'ngc' belongs to version 4.1; 4.0 takes the same JSON as the request's body"
    if "data" in parts:
        return "an MMAR archive alone in 'data' is not loaded by this stand-in; send 'config' and 'data'"
    return "neither a JSON body with 'path' and 'version' nor a form with 'config'"
