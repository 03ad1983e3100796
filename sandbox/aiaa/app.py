"""The AIAA stand-in as a Starlette application."""

import json
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from sandbox.aiaa import admin, api_v1, http, session_api
from sandbox.aiaa.models import Models
from sandbox.aiaa.options import Options
from sandbox.aiaa.server_log import ServerLog
from sandbox.aiaa.sessions import Sessions
from sandbox.aiaa.workspace import Workspace, write_whole
from sandbox.faults import FaultInjector, FaultPlan

_DEFAULT_LOG_LINES = 300


def create_app(options: Options, *, echo_log: bool = False) -> Starlette:
    """An AIAA server on ``options.workspace``, with the models that it had when it was last stopped.

    echo_log  log lines go to stdout too, as a container wants it
    ``app.state.faults`` is its :class:`sandbox.faults.FaultPlan`, ``app.state.sessions`` its sessions.
    Raises PermissionError if the workspace is not writable. Triton need not be there yet.
    """
    workspace = Workspace(options.workspace)
    workspace.create()
    workspace.check_writable()
    log = ServerLog(workspace.log, echo=echo_log)
    write_whole(workspace.run_config, json.dumps(asdict(options), default=str, indent=2).encode())
    models = Models(options, workspace, log)
    sessions = Sessions(workspace.sessions)
    plan = FaultPlan()

    async def logs(request: Request) -> Response:
        lines = request.query_params.get("lines", "")
        return PlainTextResponse(log.tail(int(lines) if lines.isdigit() else _DEFAULT_LOG_LINES))

    async def browser(_: Request) -> Response:
        return HTMLResponse(_API_BROWSER)

    app = Starlette(
        routes=[
            *plan.routes(),
            *http.routes("/", {"GET": browser}, log),
            *http.routes("/docs", {"GET": browser}, log),
            *http.routes("/logs", {"GET": logs}, log),
            *api_v1.routes(models, sessions, log),
            *session_api.routes(sessions, log),
            *admin.routes(options, models, log),
        ],
        middleware=[
            Middleware(FaultInjector, plan=plan),
            Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"]),
        ],
        exception_handlers={404: _not_found, 405: _not_allowed},
    )
    app.router.redirect_slashes = False
    app.state.faults = plan
    app.state.sessions = sessions
    return app


async def _not_found(_: Request, __: Exception) -> Response:
    return http.html_page(404)


async def _not_allowed(_: Request, error: Exception) -> Response:
    page = http.html_page(405)
    if isinstance(error, HTTPException):
        page.headers.update(error.headers or {})
    return page


_ROUTES = (
    ("GET", "/v1/models", "list of models; filters label, type, model"),
    ("POST", "/v1/segmentation", "segment an image or a session's image"),
    ("POST", "/v1/dextr3d", "annotate from extreme points"),
    ("POST", "/v1/deepgrow", "annotate from clicks"),
    ("POST", "/v1/inference", "run any model"),
    ("POST", "/v1/mask2polygon", "polygons of a mask"),
    ("POST", "/v1/fixpolygon", "move a polygon's vertex"),
    ("PUT", "/session/", "keep an image on the server"),
    ("GET, DELETE", "/session/{session_id}", "a session"),
    ("GET, PUT, DELETE", "/admin/model/{model}", "load, show, remove a model"),
    ("GET", "/logs/?lines=N", "the server's log"),
)

_API_BROWSER = (
    "<!DOCTYPE html>\n<html><head><title>AIAA Server APIs (stand-in)</title></head><body>\n"
    "<h1>AIAA Server APIs</h1>\n<p>A stand-in for NVIDIA's AIAA, for development and tests.</p>\n<table>\n"
    + "".join(f"<tr><td>{verb}</td><td><code>{path}</code></td><td>{what}</td></tr>\n" for verb, path, what in _ROUTES)
    + "</table>\n</body></html>\n"
)
