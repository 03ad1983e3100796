"""Run a stand-in: in the foreground for its container, or in a thread for tests."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,  # a request that hangs must not hold up `docker stop`
        **options,
    )


def run(app: ASGIApp, *, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; both end it within about a second."""
    uvicorn.Server(_config(app, host=host, port=port, log_level="info")).run()


@contextmanager
def serve(app: ASGIApp, *, port: int = 0) -> Iterator[str]:
    """Serve on loopback in a thread; yields the base URL without a trailing slash.

    port  0 takes a free one; a number is for a server that must come back under the same URL
    Raises OSError if the port is taken, RuntimeError if the application does not start.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    server = uvicorn.Server(_config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + _START_TIMEOUT
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            listener.close()
            raise RuntimeError("the stand-in did not start; its log says why")
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_STOP_TIMEOUT)
        listener.close()
