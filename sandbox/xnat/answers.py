"""Answers in XNAT's spelling: Tomcat's error pages, JSON, the viewer plugin's texts."""

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sandbox.xnat import negotiation


def json_answer(content: Any, status: int = 200) -> Response:
    return json_text(json.dumps(content, separators=(",", ":"), ensure_ascii=False), status)


def json_text(text: str, status: int = 200) -> Response:
    return Response(text.encode(), status_code=status, media_type="application/json;charset=UTF-8")


def text(words: str, status: int, label: str) -> Response:
    """As Spring's converter for texts writes it: in the charset of its Content-Type."""
    return Response(words.encode(label.partition("charset=")[2], "replace"), status, {"Content-Type": label})


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


def not_allowed(methods: Iterable[str]) -> Response:
    page = error_page(405)
    page.headers["Allow"] = ", ".join(methods)
    return page


def plugin_error(request: Request, status: int, words: str) -> Response:
    """An error of the viewer plugin. Its Content-Type is JSON for a GET, else as the request accepts. Its text is JSON
    only for one Accept header, and quotes in it are not escaped."""
    if request.headers.get("accept") == negotiation.JSON:
        return text(f'{{ "ResponseMessage":"{words}" }}', status, f"{negotiation.JSON};charset={negotiation.LATIN_1}")
    if request.method in ("GET", "HEAD"):
        return text(words, status, f"{negotiation.JSON};charset={negotiation.LATIN_1}")
    try:
        return text(words, status, negotiation.label_of_text(request))
    except negotiation.Unreadable:
        return text(words, status, f"{negotiation.TEXT};charset={negotiation.LATIN_1}")
