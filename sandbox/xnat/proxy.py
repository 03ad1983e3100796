"""A proxy before XNAT that does not wait for ever, as nginx does by default (``proxy_read_timeout``)."""

import asyncio

from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PAGE = "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n<hr>nginx\r\n</body>\r\n</html>\r\n"


class Proxy:
    """ASGI middleware: 504 after ``seconds``, while what is behind it goes on with its work."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app, self._seconds = app, seconds
        self._working: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given_up = False

        async def until_given_up(message: Message) -> None:
            if not given_up:
                await send(message)

        work = asyncio.ensure_future(self._behind(scope, receive, until_given_up))
        self._working.add(work)  # the loop itself keeps no task alive
        work.add_done_callback(self._working.discard)
        done, _ = await asyncio.wait({work}, timeout=self._seconds)
        if done:
            work.result()
        else:
            given_up = True
            await HTMLResponse(_PAGE, status_code=504)(scope, receive, send)

    async def _behind(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)
