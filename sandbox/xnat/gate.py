"""Who may pass: credentials, sessions, set-up and start-up, before any handler runs.

Sources: NrgXnat/xnat, web/.../security/{XnatBasicAuthenticationFilter,XnatInitCheckFilter}.java,
XnatExpiredPasswordFilter.java there, and web/.../initialization/SecurityConfig.java.
"""

import re
import secrets
import time
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.faults import CONTROL_PREFIX
from sandbox.xnat import answers
from sandbox.xnat.accounts import User
from sandbox.xnat.sessions import Session
from sandbox.xnat.site import Phase, Site

Handler = Callable[[Request], Awaitable[Response]]

_BROWSER = re.compile("Mozilla|AppleWebKit|MSIE|Opera")
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_EXPIRED_PAGE = "/app/template/XDATScreen_UpdateUser.vm"


class StartUp:
    """ASGI middleware: until the web application is there, Tomcat answers 404 to everything."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app, self._site = app, site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        starting = self._site.phase is Phase.TOMCAT
        if scope["type"] == "http" and starting and not scope["path"].startswith(CONTROL_PREFIX):
            await answers.error_page(404)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class ContextPath:
    """ASGI middleware: the web application answers below its context path alone; elsewhere, Tomcat answers 404."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._app, self._path = app, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not self._path or path.startswith(CONTROL_PREFIX):
            await self._app(scope, receive, send)
        elif path.startswith(f"{self._path}/"):
            own = path.removeprefix(self._path)
            await self._app({**scope, "path": own, "raw_path": own.encode()}, receive, send)
        else:
            await answers.error_page(404)(scope, receive, send)


class Gate:
    """Makes routes that only those with a session reach; their handlers find it with `session_of`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(
        self, path: str, handlers: Mapping[str, Handler], *, before_set_up: bool = False, of_plugin: bool = False
    ) -> list[Route]:
        """Routes for a path with and without a trailing slash.

        before_set_up  also while the site is not initialised
        of_plugin      only where the plugin is installed, and not before the plugins' part of the start
        """

        async def admitted(request: Request) -> Response:
            if user_of(request).has_to_change_password:
                return self._redirect(_EXPIRED_PAGE)
            if not (self._site.initialized or before_set_up):
                admin = user_of(request).is_administrator
                return self._redirect("/setup" if admin else "/app/template/Unconfigured.vm")
            if of_plugin and not self._site.has_lists:
                return answers.error_page(404)
            if request.method == "OPTIONS":
                return answers.empty(200)
            handler = handlers.get("GET" if request.method == "HEAD" else request.method)
            return await handler(request) if handler else answers.not_allowed(handlers)

        async def endpoint(request: Request) -> Response:
            """Of all methods: without a login, each of them is a 401."""
            try:
                session, new = self._session(request)
            except _NotCredentials:
                return answers.error_page(500)
            if session is None:
                answer = self._refusal(request)
            else:
                request.state.session = session
                answer = await admitted(request)
            self.hand_out(answer, session, known=session is not None and not new)
            return answer

        return [Route(spelling, endpoint, methods=_METHODS) for spelling in (path, f"{path}/")]

    def _session(self, request: Request) -> tuple[Session | None, bool]:
        """The request's session, and whether it was opened for it: a cookie's, else a new one for Basic credentials.

        Beside a session of the same user, the credentials are not even looked at.

        Raises _NotCredentials.
        """
        given = _basic(request)
        session = self._site.sessions.find(request.cookies.get("JSESSIONID", ""))
        if given is None and session is None and not self._site.options.require_login:
            return Session(secrets.token_hex(16).upper(), User("guest", ""), 0), True  # not one that counts
        if given is None or (session and session.user.name == self._site.accounts.account_of(given[0])):
            return session, False
        user = self._site.accounts.log_in(*given)
        return (self._site.sessions.open(user), True) if user else (None, False)

    def _refusal(self, request: Request) -> Response:
        """Only a request without credentials gets a ``WWW-Authenticate`` header."""
        if _basic(request) is not None:
            message = "Your login attempt failed: wrong name or password, a locked account, or too many sessions."
            return answers.error_page(401, message)
        if _BROWSER.search(request.headers.get("user-agent", "")):
            return self._redirect("/app/template/Login.vm")
        page = answers.error_page(401)
        page.headers["WWW-Authenticate"] = 'Basic realm="XNAT Protected Area"'
        return page

    def _redirect(self, path: str) -> Response:
        return RedirectResponse(self._site.options.context_path + path, status_code=302)

    def hand_out(self, answer: Response, session: Session | None, *, known: bool = False) -> None:
        """The cookies of an answer.

        session  None for that of somebody who is not logged in
        known    the request came with its cookie
        """
        if not known:
            id_ = session.id if session else secrets.token_hex(16).upper()
            self._set_cookie(answer, f"JSESSIONID={id_}", "; HttpOnly")
        now, lasts = time.time() * 1000, self._site.options.session_timeout * 1000
        self._set_cookie(answer, f'SESSION_EXPIRATION_TIME="{now:.0f},{lasts:.0f}"')

    def _set_cookie(self, answer: Response, cookie: str, attributes: str = "") -> None:
        secure = "; Secure" if self._site.secure_cookie else ""
        answer.headers.append("Set-Cookie", f"{cookie}; Path={self._site.options.context_path}/{secure}{attributes}")


def session_of(request: Request) -> Session:
    session: Session = request.state.session
    return session


def user_of(request: Request) -> User:
    return session_of(request).user


class _NotCredentials(ValueError):
    """The header is Basic's, and there is no name and password in it."""


def _basic(request: Request) -> tuple[str, str] | None:
    """None without a header that begins with ``Basic `` in exactly this spelling.

    Raises _NotCredentials.
    """
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme != "Basic":
        return None
    try:
        name, colon, password = b64decode(value, validate=True).decode(errors="replace").partition(":")
    except ValueError:
        raise _NotCredentials from None
    if not colon:
        raise _NotCredentials
    return name, password
