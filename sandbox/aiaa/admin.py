"""``/admin/model/{name}``: loading, reading and removing models.

Sources: loading_models.html and server_apis.html of each release, see :mod:`sandbox.aiaa.generations` (the forms of a
PUT; ``PATCH`` in 3.x; ``--admin_hosts``); NVIDIA/ai-assisted-annotation-client issue 62 (an MMAR as a zip on 3.x).
"""

import json
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.aiaa import http
from sandbox.aiaa.errors import AIAAException
from sandbox.aiaa.models import Models
from sandbox.aiaa.options import Options
from sandbox.aiaa.server_log import ServerLog


def routes(options: Options, models: Models, log: ServerLog) -> list[Route]:
    generation = options.generation

    async def get(request: Request) -> Response:
        return http.json_answer(models.config(request.path_params["name"]))

    async def put(request: Request) -> Response:
        name = request.path_params["name"]
        if "json" in request.headers.get("content-type", ""):
            if not generation.ngc_as_body:
                raise AIAAException("INVALID_INPUT", f"{options.api} takes NGC's path as the part 'ngc' of a form")
            return http.json_answer(await run_in_threadpool(models.load_from_ngc, name, *_ngc(await request.body())))
        async with http.form(request) as parts:
            return http.json_answer(await load_form(name, parts))

    async def load_form(name: str, parts: FormData) -> dict[str, Any]:
        config, ngc = http.text(parts, "config"), http.text(parts, "ngc")
        if config is None and ngc is not None:
            if not generation.ngc_as_form:
                raise AIAAException("INVALID_INPUT", f"{options.api} takes NGC's path as a JSON body, not as a form")
            return await run_in_threadpool(models.load_from_ngc, name, *_ngc(ngc))
        data = [upload for upload in http.files(parts) if upload is parts.get("data")]
        async with http.stored(data) as paths:
            model = paths[0][1] if paths else None
            if config is not None:
                return await run_in_threadpool(models.load, name, _parsed(config), model)
            if model is None:
                raise AIAAException("INVALID_INPUT", "neither NGC's path nor a form with 'config' or an MMAR in 'data'")
            if not generation.archives:
                raise AIAAException("INVALID_INPUT", f"{options.api} loads an MMAR archive by its command line only")
            return await run_in_threadpool(models.load_archive, name, model)

    async def patch(request: Request) -> Response:
        config = _parsed(await request.body())
        return http.json_answer(await run_in_threadpool(models.replace_config, request.path_params["name"], config))

    async def delete(request: Request) -> Response:
        return http.json_answer(await run_in_threadpool(models.remove, request.path_params["name"]))

    def guarded(handler: http.Handler) -> http.Handler:
        async def handle(request: Request) -> Response:
            host = request.client.host if request.client else ""
            return await handler(request) if options.admits(host) else Response(status_code=403)

        return handle

    handlers = {"GET": guarded(get), "PUT": guarded(put), "DELETE": guarded(delete)}
    if generation.patch:
        handlers["PATCH"] = guarded(patch)
    return http.routes("/admin/model/{name}", handlers, log)


def _ngc(text: str | bytes) -> tuple[str, str]:
    wanted = _parsed(text)
    if not isinstance(wanted, dict) or not {"path", "version"} <= wanted.keys():
        raise AIAAException("INVALID_INPUT", "a model from NGC needs a JSON object with 'path' and 'version'")
    return str(wanted["path"]), str(wanted["version"])


def _parsed(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise AIAAException("INVALID_INPUT", f"not JSON: {error}") from None
