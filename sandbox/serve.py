"""Run a stand-in: in the foreground for its container, or in a thread for tests."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.faults import TRANSPORT

_START_TIMEOUT = 10.0
_STOP_TIMEOUT = 10.0


class _ConnectionExposingProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which also hands each request its connection: injected faults cut it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner: ASGIApp = self.app

        async def with_connection(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[TRANSPORT] = self.transport
            await inner(scope, receive, send)

        self.app = with_connection


def _config(app: ASGIApp, **options: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_ConnectionExposingProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,  # a request that hangs must not hold up `docker stop`
        **options,
    )


def run(app: ASGIApp, *, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; both end it within about a second."""
    uvicorn.Server(_config(app, host=host, port=port, log_level="info")).run()


@contextmanager
def serve(app: ASGIApp, *, port: int = 0, **options: Any) -> Iterator[str]:
    """Serve on loopback in a thread; yields the base URL without a trailing slash.

    port     0 takes a free one; a number is for a server that must come back under the same URL
    options  more of uvicorn's: with `ssl_certfile` and `ssl_keyfile` it speaks https
    It ends at once and cuts what is still open: the next test is not to wait for a farewell.
    Raises OSError if the port is taken, RuntimeError if the application does not start.
    """
    # The protocol is named, or asyncio would not know it for TCP and leave Nagle's algorithm on: then an answer's body
    # waits 40 ms for the client to acknowledge its headers, on connections that are kept.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    server = uvicorn.Server(_config(app, log_level="warning", **options))
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=_serve_until, args=(stop, server, listener, loop), daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + _START_TIMEOUT
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("the stand-in did not start; its log says why")
            time.sleep(0.001)
        scheme = "https" if options.get("ssl_certfile") else "http"
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with suppress(RuntimeError):  # the loop is closed already if the application failed
            loop.call_soon_threadsafe(stop.set)
        thread.join(_STOP_TIMEOUT)
        listener.close()


def _serve_until(
    stop: asyncio.Event, server: uvicorn.Server, listener: socket.socket, loop: asyncio.AbstractEventLoop
) -> None:
    async def both() -> None:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for connection in list(server.server_state.connections):
            connection.transport.abort()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(both())
