"""The XNAT stand-in as a Starlette application."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faults import CONTROL_PREFIX, FaultInjector, FaultPlan
from sandbox.xnat import answers, pages
from sandbox.xnat.aiaa_api import AiaaApi
from sandbox.xnat.config_api import ConfigApi
from sandbox.xnat.data_api import DataApi
from sandbox.xnat.firewall import Dispatcher, Firewall
from sandbox.xnat.gate import ContextPath, Gate, StartUp
from sandbox.xnat.imaging_api import ImagingApi
from sandbox.xnat.options import Options
from sandbox.xnat.proxy import Proxy
from sandbox.xnat.site import Site
from sandbox.xnat.viewer_api import ViewerApi
from sandbox.xnat.xapi import BUILD_INFO, Xapi


def create_app(options: Options, site: Site | None = None) -> Starlette:
    """An XNAT with its viewer plugin; all of it is in memory.

    site  what there is already; without it a fresh one
    ``app.state.faults`` is its :class:`sandbox.faults.FaultPlan`, ``app.state.site`` its :class:`Site`.
    """
    site = site or Site(options)
    gate = Gate(site)
    plan = FaultPlan()

    async def landing(_: Request) -> Response:
        return pages.landing(site)

    async def login(_: Request) -> Response:
        return pages.login()

    async def build_info(_: Request) -> Response:
        return answers.json_answer(BUILD_INFO)

    async def restart(_: Request) -> Response:
        site.restart()
        return answers.empty(204)

    middleware = [
        Middleware(FaultInjector, plan=plan),
        Middleware(StartUp, site=site),
        Middleware(Firewall),
        Middleware(ContextPath, path=options.context_path),
        Middleware(Dispatcher),
    ]
    if options.proxy_timeout is not None:
        middleware.insert(1, Middleware(Proxy, seconds=options.proxy_timeout))
    app = Starlette(
        routes=[
            *plan.routes(),
            Route(f"{CONTROL_PREFIX}restart", restart, methods=["POST"]),
            Route("/", landing),
            Route("/app/template/Login.vm", login),
            Route("/xapi/siteConfig/buildInfo", build_info),
            *AiaaApi(site).routes(gate),
            *ViewerApi(site).routes(gate),
            *Xapi(site).routes(gate),
            *ConfigApi(site).routes(gate),
            *DataApi(site).routes(gate),
            *ImagingApi(site).routes(gate),
        ],
        middleware=middleware,
        exception_handlers={404: _page, 405: _page},
    )
    app.router.redirect_slashes = False
    app.state.faults = plan
    app.state.site = site
    return app


async def _page(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for statuses only
    page = answers.error_page(error.status_code)
    page.headers.update(error.headers or {})
    return page
