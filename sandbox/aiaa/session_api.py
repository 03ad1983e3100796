"""``/session/``: a viewer keeps an image on the server.

Sources: NVIDIA/ai-assisted-annotation-client py_client/client_api.py; the OHIF extension's AIAAClient.js in
NVIDIA/clara-train-examples (``expiry``, ``save_as``, ``update_ts``, ``dicom``).
"""

import json
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.aiaa import http
from sandbox.aiaa.errors import AIAAException
from sandbox.aiaa.server_log import ServerLog
from sandbox.aiaa.sessions import Session, Sessions

_TRUE = ("true", "1", "yes")


def routes(sessions: Sessions, log: ServerLog) -> list[Route]:
    async def create(request: Request) -> Response:
        query = request.query_params
        body: Any = None
        if "json" in request.headers.get("content-type", ""):
            body = json.loads(await request.body() or b"null")
        async with http.form(request) as parts:
            if "dicom" in (body if isinstance(body, dict) else http.params(parts)):
                raise AIAAException("INVALID_INPUT", "fetching an image from a PACS is not possible here")
            async with http.stored(http.files(parts)) as files:
                if not files:
                    raise AIAAException("INVALID_INPUT", "no image was sent")
                uncompress = query.get("uncompress", "").lower() in _TRUE
                expiry = int(query.get("expiry") or 0)
                session = await run_in_threadpool(sessions.create, files, expiry, uncompress=uncompress)
        return http.json_answer(_shown(session))

    async def get(request: Request) -> Response:
        name = request.path_params["session_id"]
        session = sessions.get(name, touch=request.query_params.get("update_ts", "").lower() in _TRUE)
        return http.json_answer(_shown(_alive(session, name)))

    async def close(request: Request) -> Response:
        name = request.path_params["session_id"]
        session = _alive(sessions.get(name), name)
        sessions.remove(name)
        return http.json_answer(_shown(session))

    return [
        *http.routes("/session", {"PUT": create}, log),
        *http.routes("/session/{session_id}", {"GET": get, "DELETE": close}, log),
    ]


def _alive(session: Session | None, name: str) -> Session:
    if session is None:
        raise AIAAException("SESSION_EXPIRED", f"Session {name} is unknown or has expired", status=404)
    return session


def _shown(session: Session) -> dict[str, Any]:
    return {"session_id": session.session_id, "expiry": session.expiry, "last_access": session.last_access}
