"""Fault injection and a request log, for all stand-ins. The routes under ``/sandbox/`` exist only here.

Use, in a stand-in's ``create_app``::

    plan = FaultPlan()
    Starlette(routes=[*plan.routes(), ...], middleware=[Middleware(FaultInjector, plan=plan), ...])
    app.state.faults = plan            # so that a test in the same process can say app.state.faults.set(...)

Over HTTP:

==========================  =========================================================================
``PUT /sandbox/faults``     replace all faults: a JSON list of objects with the fields of :class:`Fault`
``GET /sandbox/faults``     the faults still planned (a fault with ``times`` used up is gone)
``DELETE /sandbox/faults``  no more faults
``GET /sandbox/requests``   what was asked so far: ``[{"method","path","query","bytes","status"}]``, no bodies
``DELETE /sandbox/requests``  forget them
==========================  =========================================================================

The first fault that matches a request is applied. ``bytes`` counts the request body as it arrived; ``status`` is null
where nothing was answered. Requests under ``/sandbox/`` are neither logged nor disturbed.

``reset`` and ``truncate`` need the connection itself, which :mod:`sandbox.serve` hands over; under another ASGI server
they raise ``KeyError``.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox import fault_answers

CONTROL_PREFIX = "/sandbox/"
TRANSPORT = "sandbox.transport"
"""The ASGI extension under which :mod:`sandbox.serve` gives the connection's ``asyncio.Transport``."""

Kind = Literal["delay", "status", "html", "echo", "hang", "reset", "too_large", "truncate"]

_LOG_LIMIT = 10_000


@dataclass
class Fault:
    """One planned fault.

    path      a shell pattern for the request's path: ``/v1/models*``, ``*``
    query     the same for its query: ``*session_id=*`` hits an inference by session
    kind      ``delay``: answer ``seconds`` later. ``status``: a plain-text answer with ``status``. ``html``: a log-in
              page with ``status`` (200 unless told). ``echo``: an error page with ``status`` (500 unless told) that
              repeats the request in its title: method, path, all headers, credentials in clear text, body, as debug
              pages of frameworks and proxies do. ``hang``: no answer until the client goes away. ``reset``: the
              connection is reset without an answer. ``too_large``: nginx's page with ``status`` (413 unless told),
              before the body is read, and the connection ends: a proxy's refusal of a large upload. ``truncate``: the
              true answer's headers, half of its body.
    method    ``GET``, ``PUT``, ...; ``*`` for any
    times     how many requests it hits; ``None`` for all until it is cleared
    applied   for ``status``, ``html``, ``hang``, ``reset``: the stand-in does what was asked first, its answer is lost
    """

    path: str
    kind: Kind
    method: str = "*"
    times: int | None = None
    seconds: float = 0.0
    status: int = 0
    applied: bool = False
    query: str = "*"

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"unknown kind {self.kind!r}; one of {', '.join(get_args(Kind))}")
        if not self.status:
            self.status = {"html": 200, "echo": 500, "too_large": 413}.get(self.kind, 503)

    def matches(self, method: str, path: str, query: str) -> bool:
        return self.method in ("*", method) and fnmatchcase(path, self.path) and fnmatchcase(query, self.query)


@dataclass
class LoggedRequest:
    """One request that arrived; ``bytes`` is its body's length."""

    method: str
    path: str
    query: str
    bytes: int = 0
    status: int | None = None


class FaultPlan:
    """The faults to come and the requests so far; safe to use from a test's thread beside the server's."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.requests: deque[LoggedRequest] = deque(maxlen=_LOG_LIMIT)

    def set(self, *faults: Fault) -> None:
        """Replace all planned faults; without arguments: no more faults."""
        self.faults = list(faults)

    def take(self, method: str, path: str, query: str = "") -> Fault | None:
        """The fault for this request, counted down; None if it is to be served undisturbed."""
        for fault in self.faults:
            if fault.matches(method, path, query):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults = [other for other in self.faults if other is not fault]
                return fault
        return None

    def routes(self) -> list[Route]:
        return [
            Route(f"{CONTROL_PREFIX}faults", self._faults, methods=["GET", "PUT", "DELETE"]),
            Route(f"{CONTROL_PREFIX}requests", self._requests, methods=["GET", "DELETE"]),
        ]

    async def _faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.set()
        if request.method == "PUT":
            try:
                self.set(*_parse(await request.json()))
            except (TypeError, ValueError) as error:
                return PlainTextResponse(f"not a list of faults: {error}\n", status_code=400)
        return JSONResponse([asdict(fault) for fault in self.faults])

    async def _requests(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.requests.clear()
        return JSONResponse([asdict(entry) for entry in list(self.requests)])


def _parse(planned: Any) -> Iterable[Fault]:
    if not isinstance(planned, list) or not all(isinstance(entry, Mapping) for entry in planned):
        raise TypeError("a JSON list of objects is wanted")
    known = {field.name for field in fields(Fault)}
    for entry in planned:
        if unknown := set(entry) - known:
            raise ValueError(f"unknown field {sorted(unknown)[0]!r}; known: {', '.join(sorted(known))}")
        yield Fault(**entry)


class FaultInjector:
    """ASGI middleware that logs every request and applies the plan; put it before all others."""

    def __init__(self, app: ASGIApp, plan: FaultPlan) -> None:
        self._app = app
        self._plan = plan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PREFIX):
            await self._app(scope, receive, send)
            return
        entry = LoggedRequest(scope["method"], scope["path"], scope["query_string"].decode("latin-1"))
        self._plan.requests.append(entry)

        async def counted_receive() -> Message:
            message = await receive()
            entry.bytes += len(message.get("body", b""))
            return message

        async def noted_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry.status = message["status"]
            await send(message)

        fault = self._plan.take(entry.method, entry.path, entry.query)
        if fault is None:
            await self._app(scope, counted_receive, noted_send)
        else:
            await self._disturb(fault, scope, counted_receive, noted_send)

    async def _disturb(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
            await self._app(scope, receive, send)
            return
        if fault.kind == "truncate":
            start, body = await self._answer(scope, receive)
            await send(start)
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            scope["extensions"][TRANSPORT].close()
            await _wait_for_disconnect(receive)
            return
        if fault.kind == "echo":
            await fault_answers.echo(Request(scope, receive), fault.status, send)
            return
        if fault.kind == "too_large":
            await fault_answers.unread(fault.status, receive, send)
            return
        if fault.applied:
            await self._answer(scope, receive)
        elif fault.kind in ("status", "html"):
            await fault_answers.drain(
                receive
            )  # an answer amid an upload would be a broken pipe for some clients, not that answer
        if fault.kind == "hang":
            await _wait_for_disconnect(receive)
        elif fault.kind == "reset":
            fault_answers.reset(scope["extensions"][TRANSPORT])
            await _wait_for_disconnect(receive)
        elif fault.kind == "html":
            await HTMLResponse(fault_answers.LOGIN_PAGE, status_code=fault.status)(scope, receive, send)
        else:
            await PlainTextResponse(f"fault injected: {fault.status}\n", status_code=fault.status)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        """What the stand-in would have answered: its start message and whole body."""
        sent: list[Message] = []

        async def keep(message: Message) -> None:
            sent.append(message)

        await self._app(scope, receive, keep)
        return sent[0], b"".join(message.get("body", b"") for message in sent[1:])


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
