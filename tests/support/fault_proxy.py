"""A proxy between a client and a server that spoils some answers, as gateways, networks and crashes do."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

LATENCY = 0.3  # seconds

_PAGE = b"<!DOCTYPE html>\n<html><head><title>Please log in</title></head><body>Welcome</body></html>\n"
# An error without a reason, as AIAA's documents can be.
_EMPTY = json.dumps({"error": {"message": [], "type": "AIAAException"}, "success": False}).encode()


@dataclass
class FaultProxy:
    """
    Attributes:
        url: its address; another one for each proxy, so that nobody takes one for another.
        fault: a key of `FAULTS`. hits: whether the request of this number, from 0, is spoiled.
        requests: method and path of each that reached the server.
    """

    url: str
    server: tuple[str, int]
    fault: str = ""
    hits: Callable[[int], bool] = lambda _number: False
    requests: list[str] = field(default_factory=list)
    seen: int = 0

    def clear(self) -> None:
        """Spoil nothing any more."""
        self.hits = lambda _number: False
        self.requests.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request; the connection ends after it."""
        try:
            request = await _message(reader)
            if not request:
                return
            number, self.seen = self.seen, self.seen + 1
            if self.hits(number):
                await FAULTS[self.fault](self, request, writer)
            else:
                writer.write(await self.forward(request))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away
        finally:
            writer.close()

    async def forward(self, request: bytes) -> bytes:
        """The server's whole answer."""
        method, path, _ = request.split(b" ", 2)
        self.requests.append(f"{method.decode()} {path.decode()}")
        reader, writer = await asyncio.open_connection(*self.server)
        writer.write(_without_keep_alive(request))
        answer = await reader.read()
        writer.close()
        return _without_keep_alive(answer)


async def _late(proxy: FaultProxy, request: bytes, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(LATENCY)
    writer.write(await proxy.forward(request))


def _instead(status: str, body: bytes, kind: str) -> Callable[..., Awaitable[None]]:
    async def answer(_proxy: FaultProxy, _request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(_answer(status, body, kind))

    return answer


async def _lost(proxy: FaultProxy, request: bytes, writer: asyncio.StreamWriter) -> None:
    """A gateway that does not wait for the answer."""
    await proxy.forward(request)
    writer.write(_answer("504 Gateway Timeout", b"upstream request timeout", "text/plain"))


async def _reset(_proxy: FaultProxy, _request: bytes, writer: asyncio.StreamWriter) -> None:
    linger: socket.socket = writer.get_extra_info("socket")
    linger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # so that closing is a reset
    writer.transport.abort()


async def _reset_after(proxy: FaultProxy, request: bytes, writer: asyncio.StreamWriter) -> None:
    await proxy.forward(request)
    await _reset(proxy, request, writer)


async def _truncated(proxy: FaultProxy, request: bytes, writer: asyncio.StreamWriter) -> None:
    head, _, body = (await proxy.forward(request)).partition(b"\r\n\r\n")
    writer.write(head + b"\r\n\r\n" + body[: len(body) // 2])


FAULTS: dict[str, Callable[[FaultProxy, bytes, asyncio.StreamWriter], Awaitable[None]]] = {
    "latency": _late,
    "502": _instead("502 Bad Gateway", _PAGE, "text/html"),
    "503": _instead("503 Service Unavailable", b"no healthy upstream", "text/plain"),
    "504": _instead("504 Gateway Timeout", b"upstream request timeout", "text/plain"),
    "504 after the server applied it": _lost,
    "reset before the server applied it": _reset,
    "reset after the server applied it": _reset_after,
    "truncated body": _truncated,
    "HTML with status 200": _instead("200 OK", _PAGE, "text/html"),
    "empty error list": _instead("500 Internal Server Error", _EMPTY, "application/json"),
}

_ports: set[int] = set()
"""Of all proxies so far: the kernel gives a port again, and a client may remember what was there."""


@contextmanager
def fault_proxy(server: str) -> Iterator[FaultProxy]:
    """
    Args:
        server: the URL of the real one.
    """
    parts = urlsplit(server)
    assert parts.hostname
    assert parts.port
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    proxy = FaultProxy("", (parts.hostname, parts.port))

    async def start() -> asyncio.Server:
        while True:
            listening = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
            port = listening.sockets[0].getsockname()[1]
            if port not in _ports:
                _ports.add(port)
                return listening
            listening.close()

    async def stop(listening: asyncio.Server) -> None:
        listening.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    listening = asyncio.run_coroutine_threadsafe(start(), loop).result()
    proxy.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(stop(listening), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """A request; empty if the client went away before it sent one."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    length = re.search(rb"^content-length: *(\d+)\r$", head, re.IGNORECASE | re.MULTILINE)
    return head + (await reader.readexactly(int(length.group(1))) if length else b"")


def _without_keep_alive(message: bytes) -> bytes:
    head, _, body = message.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*lines, b"Connection: close", b"", body])


def _answer(status: str, body: bytes, kind: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body
