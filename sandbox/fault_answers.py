"""The answers of :mod:`sandbox.faults`: pages that come from somewhere else than the server, and a cut connection."""

import asyncio
import socket
import struct
from base64 import b64decode
from html import escape
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import Receive, Send

LOGIN_PAGE = "<!DOCTYPE html>\n<html><head><title>Log in</title></head><body><form>Please log in</form></body></html>\n"
_NGINX = "nginx/1.18.0"


async def echo(request: Request, status: int, send: Send) -> None:
    """An error page that repeats the request, its credentials in clear text."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    clear = b64decode(credentials).decode(errors="replace") if scheme.lower() == "basic" else ""
    body = (await request.body()).decode(errors="replace")
    told = escape(f"{request.method} {request.url} {dict(request.headers)} {clear} {body}")
    page = HTMLResponse(f"<html><head><title>Error at {told}</title></head><body>{told}</body></html>", status)
    await page(request.scope, request.receive, send)


async def unread(status: int, receive: Receive, send: Send) -> None:
    """nginx's error page before the request's body is read.

    The client may still be sending: as nginx does (its ``lingering_close``), what comes is thrown away for as long as
    it comes, since closing at once would be a reset to many a client, and the answer lost.
    """
    phrase = "Request Entity Too Large" if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else HTTPStatus(status).phrase
    title = f"{status} {phrase}"
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        f"<hr><center>{_NGINX}</center>\r\n</body>\r\n</html>\r\n"
    ).encode()
    headers = {"server": _NGINX, "content-type": "text/html", "content-length": str(len(page)), "connection": "close"}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": page, "more_body": True})
    await drain(receive)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def drain(receive: Receive) -> None:
    """Read the request's body to its end, or until the client goes away."""
    while (await receive()).get("more_body", False):
        pass


def reset(transport: asyncio.Transport) -> None:
    """Close with a TCP reset instead of an orderly end: what a crashed server or a firewall looks like."""
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
