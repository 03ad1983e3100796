"""The NGC stand-in as a Starlette application."""

import hmac
import secrets
import tempfile
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from sandbox.faults import FaultInjector, FaultPlan
from sandbox.ngc import download
from sandbox.ngc.answers import refusal
from sandbox.ngc.catalog_api import CatalogApi


def create_app(*, api_key: str | None = None) -> Starlette:
    """NGC with the models of :mod:`sandbox.ngc.catalog`.

    api_key  what ``Authorization: Bearer`` has to bring, or a token for it; None: everything is public, as Clara's
             models are
    ``app.state.faults`` is its :class:`sandbox.faults.FaultPlan`. Its files go when the application does.
    """
    folder = tempfile.TemporaryDirectory(prefix="ngc-")
    plan = FaultPlan()
    token = secrets.token_hex()

    def admits(request: Request) -> bool:
        given = request.headers.get("authorization", "").encode()
        return api_key is None or any(
            hmac.compare_digest(given, f"Bearer {wanted}".encode()) for wanted in (api_key, token)
        )

    def refuses(request: Request) -> Response | None:
        if admits(request):
            return None
        if "authorization" in request.headers:
            return refusal(401, "UNAUTHORIZED", "Invalid credentials")
        return refusal(403, "FORBIDDEN", "Access Denied")

    catalog = CatalogApi(Path(folder.name), refuses, api_key=api_key, token=token)
    app = Starlette(
        routes=[*plan.routes(), *download.routes(Path(folder.name), admits), *catalog.routes()],
        middleware=[Middleware(FaultInjector, plan=plan)],
        exception_handlers={404: _unknown_path},
    )
    app.state.faults = plan
    app.state.folder = folder  # kept as long as the application
    return app


async def _unknown_path(_: Request, __: Exception) -> Response:
    return refusal(404, "NOT_FOUND", "No such resource")
