"""Answers in XNAT's spelling: Tomcat's error pages, JSON with escaped HTML characters, tables."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

_ESCAPED = {ord(character): f"\\u{ord(character):04X}" for character in "<>&'"}


def json_answer(content: Any, status: int = 200) -> Response:
    """XNAT's JSON writer escapes what HTML would read (NrgXnat/xnat, web/.../configuration/WebConfig.java)."""
    text = json.dumps(content, separators=(",", ":")).translate(_ESCAPED)
    return Response(text, status_code=status, media_type="application/json")


def empty(status: int) -> Response:
    return Response(status_code=status)


def error_page(status: int, reason: str = "") -> Response:
    """Tomcat's page, which stands where no handler answered."""
    title = f"HTTP Status {status} - {HTTPStatus(status).phrase}"
    return HTMLResponse(
        f"<!doctype html><html lang='en'><head><title>{title}</title></head><body><h1>{title}</h1>"
        f"<p>{reason}</p></body></html>",
        status_code=status,
    )


def plugin_error(request: Request, status: int, text: str) -> Response:
    """The viewer plugin's: JSON only for exactly this Accept header, and then without escaping quotes in the text."""
    if request.headers.get("accept") == "application/json":
        return Response(f'{{ "ResponseMessage":"{text}" }}', status_code=status, media_type="application/json")
    return PlainTextResponse(text, status_code=status)


def table(rows: Sequence[dict[str, str]]) -> Response:
    """The ResultSet form of ``/data`` listings; numbers are texts in it."""
    return json_answer({"ResultSet": {"Result": list(rows), "totalRecords": str(len(rows))}})
