"""Paths that never reach a handler, and other names of the same handlers.

Sources: Spring Security 4.2's StrictHttpFirewall.java, whose refusals XNAT does not catch (500); Tomcat 9, which
refuses encoded slashes itself (https://tomcat.apache.org/tomcat-9.0-doc/security-howto.html); NrgXnat/xnat,
web/.../initialization/XnatWebAppInitializer.java, for the prefixes of Spring's dispatcher and of Restlet's.
"""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.faults import CONTROL_PREFIX
from sandbox.xnat import answers

_BY_TOMCAT = re.compile(rb"%2f|%5c|%00|\\", re.IGNORECASE)
_BY_FIREWALL = re.compile(rb"//|;|%3b|%25|%2e|/\.\.?(?:/|$)|[^\x20-\x7e]", re.IGNORECASE)
_DISPATCHED = re.compile(r"^/(?:admin|pages|schemas)(?=/)")
_DATA = re.compile(r"^/(?:REST|data)(?:/archive)?(?=/)")


class Firewall:
    """ASGI middleware: refuses a path because of its spelling, for every user."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("raw_path", b"").partition(b"?")[0]
        if scope["type"] != "http" or path.startswith(CONTROL_PREFIX.encode()):
            await self._app(scope, receive, send)
        elif _BY_TOMCAT.search(path):
            await answers.error_page(400)(scope, receive, send)
        elif _BY_FIREWALL.search(path):
            await answers.error_page(500)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class Dispatcher:
    """ASGI middleware: Spring's one dispatcher answers below four prefixes alike, and with ``.json`` at the end too;
    what is below ``/data`` also answers below ``/REST`` and ``/data/archive``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            own = _DATA.sub("/data", _DISPATCHED.sub("/xapi", scope["path"]))
            if own.startswith("/xapi/"):
                own = own.removesuffix(".json")
            scope = {**scope, "path": own, "raw_path": own.encode()}
        await self._app(scope, receive, send)
