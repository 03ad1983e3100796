"""What may go wrong with a server, by who failed. Every message is one line that a person can act on."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable

_SAID_LIMIT = 300  # characters of what a server said


class ClientError(Exception):
    """What was tried, on what, and what the other side said."""


class Unreachable(ClientError):
    """No answer: no such host, nothing listens, TLS failed, the connection broke, or time ran out."""


class NotReady(ClientError):
    """The server, or the proxy before it, says that it cannot serve yet (502, 503, 504)."""


class Refused(ClientError):
    """The server does not let this client do it (401, 403)."""


class LoginRefused(Refused):
    """The credentials themselves were refused: another try may lock the account."""


class Rejected(ClientError):
    """The server understood and said no: other 4xx, or its own error document."""


class Broken(ClientError):
    """The server answered nonsense: HTML where JSON belongs, another shape than documented, a bare 500."""


def said(body: bytes) -> tuple[str, bool]:
    """What a body says for people, on one line, and whether it is the server's own error document.

    Known documents: AIAA's `{"error": {"message": [...], "type": ...}, "success": false}` (recorded in
    https://github.com/NVIDIA/ai-assisted-annotation-client/issues/99), FastAPI's `detail`, and XNAT's
    `ResponseMessage`. Of an HTML page only the title is told.
    """
    text = body.decode(errors="replace").strip()
    if re.match(r"<(!doctype|html|\?xml)", text, re.IGNORECASE):
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        return _line(f"an HTML page{f' titled {html.unescape(title.group(1)).strip()!r}' if title else ''}"), False
    try:
        document = json.loads(text)
    except ValueError:
        return _line(text), False
    if isinstance(document, dict):
        error = document.get("error")
        if isinstance(error, dict):
            message = error.get("message")
            words = message if isinstance(message, list) else [message]
            told = ", ".join(str(word) for word in words if word) or "no reason; the server's log may tell one"
            return _line(f"{error.get('type', 'error')}: {told}"), True
        for key in ("detail", "ResponseMessage", "error"):
            if key in document:
                return _line(str(document[key])), True
    return _line(text), False


def of_status(tried: str, status: int, reason: str, body: bytes, secrets: Iterable[str]) -> ClientError:
    """The exception for an answer that is not what was hoped for."""
    words, own_document = said(body)
    line = f"{tried}: answered {status} {reason}".rstrip() + (f": {words}" if words else "")
    line = redacted(line, secrets)
    if status in (401, 403):
        return Refused(line)
    if status in (502, 503, 504):
        return NotReady(line)
    if status < 500 or own_document:
        return Rejected(line)
    return Broken(line)


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets: servers and proxies echo what they were sent."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SAID_LIMIT else line[:_SAID_LIMIT] + "..."
