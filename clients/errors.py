"""What may go wrong with a server, by who failed. Every message is one line that a person can act on."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from typing import Any, Self
from urllib.parse import quote, quote_plus

_SAID_LIMIT = 300  # characters of what a server said
_DEEPEST = 100  # levels of a JSON document; those of our servers have five


class ClientError(Exception):
    """What was tried, on what, and what the other side said; `line` says what to do, too.

    Args:
        told: all but what to do.
        advice: what to do; the default is the kind's, for callers that know no better.
    """

    advice: str = "see the server's log"

    def __init__(self, told: str, *, advice: str = "") -> None:
        super().__init__(one_line(told))
        if advice:
            self.advice = one_line(advice)

    @property
    def line(self) -> str:
        """All that a person who runs a command is shown."""
        return f"{_unended(str(self))}: {self.advice}"

    def with_more(self, *more: str, advice: str = "") -> Self:
        """The same error with a longer message and advice. Empty texts are left out.

        Args:
            more: further facts.
            advice: what else to do.
        """
        longer = type(self)(joined(str(self), *more), advice=joined(self.advice, advice))
        longer.__dict__ = {**vars(self), **vars(longer)}
        return longer


class Unreachable(ClientError):
    """No answer: no such host, nothing listens, TLS failed, the connection broke, or time ran out.

    Attributes:
        may_have_arrived: the server may have got the request; False if there was not even a connection.
    """

    may_have_arrived = True
    advice = "check the address, that the server runs, and that no firewall is in between; then run the command again"


class NotReady(ClientError):
    """The server, or the proxy before it, says that it cannot serve yet (502, 503, 504)."""

    advice = "wait until it is up, then run the command again; its log tells what it waits for"


class GaveUp(NotReady):
    """A proxy waited no longer for the server's answer (504): the server may well be at work still."""

    advice = (
        "see whether it is done meanwhile, then run the command again; the proxy waits too short a time (nginx: "
        "proxy_read_timeout)"
    )


class Refused(ClientError):
    """The server does not let this client do it (401, 403)."""

    advice = "check the account's rights, and whether a proxy before the server lets this machine through"


class LoginRefused(Refused):
    """The credentials themselves were refused: another try may lock the account."""

    advice = "mend the user name or the password"


class Rejected(ClientError):
    """The server understood and said no: other 4xx, or its own error document."""

    advice = "mend what it names, then run the command again; its log may tell more"


class TooLarge(Rejected):
    """What was sent is larger than somebody takes (413): AIAA has no such limit, so it is a proxy."""

    advice = (
        "a proxy in between takes no upload of this size: raise its limit (nginx: client_max_body_size), or give the "
        "server's own address, without the proxy, in its url"
    )


class Broken(ClientError):
    """The server answered nonsense: HTML where JSON belongs, another shape than documented, a bare 500."""

    advice = "check that this is the server's own address and not another's or a proxy's; its log may tell more"


def joined(*parts: str) -> str:
    """Parts of a message as one text; empty parts are left out."""
    *first, last = [part for part in parts if part] or [""]
    return "; ".join([*map(_unended, first), last])


def _unended(text: str) -> str:
    """Without the end of a sentence, because more text follows: AIAA's own messages end with a full stop. Dots that
    show a shortened text stay."""
    return text if text.endswith("...") else text.rstrip(" .;:,")


def one_line(text: str) -> str:
    """The text on one line that can be shown and stored: what comes from a server may hold line ends, commands to the
    terminal, and halves of characters."""
    return " ".join("".join(char if char.isprintable() or char.isspace() else "?" for char in text).split())


def json_of(text: bytes | str) -> Any:
    """The JSON document that a server sent.

    Raises:
        ValueError: it is none; or it is nested so deep that nothing could be done with it.
    """
    try:
        document = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    return _storable(document, _DEEPEST)


def _storable(value: Any, deepest: int) -> Any:
    """The value without halves of surrogate pairs, which JSON can name and UTF-8 cannot hold."""
    if not deepest:
        raise ValueError("nested too deep")
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, list):
        return [_storable(item, deepest - 1) for item in value]
    if isinstance(value, dict):
        return {_storable(key, deepest): _storable(item, deepest - 1) for key, item in value.items()}
    return value


def said(body: bytes, secrets: Iterable[str] = ()) -> tuple[str, bool]:
    """What a body says for people, on one line without the secrets, and whether it is the server's own error document.

    Known documents: AIAA's `{"error": {"message": [...], "type": ...}, "success": false}` (recorded in
    https://github.com/NVIDIA/ai-assisted-annotation-client/issues/99), FastAPI's `detail`, and XNAT's
    `ResponseMessage`. Of an HTML page only the title is told, of an object store's XML
    (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html) only the message.
    """
    words, own_document = _words(body.decode(errors="replace"))
    # Trimmed and cut last: half a secret would not be found any more.
    return shortened(one_line(redacted(words, secrets))), own_document


def shortened(text: str) -> str:
    """What somebody else said, cut to what a person reads."""
    return text if len(text) <= _SAID_LIMIT else text[:_SAID_LIMIT] + "..."


def _words(text: str) -> tuple[str, bool]:
    if text.lstrip().startswith("<?xml") and (message := re.search(r"<Message>(.*?)</Message>", text, re.DOTALL)):
        return html.unescape(message.group(1)).strip(), False
    if text.lstrip().startswith("<"):
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        return "an HTML page" + (f" titled '{html.unescape(title.group(1)).strip()}'" if title else ""), False
    try:
        document = json_of(text)
    except ValueError:
        return text, False
    if isinstance(document, dict):
        error = document.get("error")
        if isinstance(error, dict):
            message = error.get("message")
            parts = message if isinstance(message, list) else [message]
            told = ", ".join(str(part) for part in parts if part) or "no reason; the server's log may tell one"
            return f"{error.get('type', 'error')}: {told}", True
        for key in ("detail", "ResponseMessage", "error"):
            if key in document:
                return str(document[key]), True
    return text, False


def of_status(tried: str, status: int, reason: str, body: bytes, secrets: Iterable[str]) -> ClientError:
    """The exception for an answer that is not what was hoped for."""
    words, own_document = said(body, secrets)
    line = f"{tried}: answered {status} {reason}".rstrip() + (f": {words}" if words else "")
    if status in (401, 403):
        return Refused(line)
    if status in (502, 503, 504):
        return GaveUp(line) if status == 504 else NotReady(line)
    if status == 413:
        return TooLarge(line)
    if status < 500 or own_document:
        return Rejected(line)
    return Broken(line)


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, in whatever form URLs, JSON or HTML write them: servers and proxies echo what they
    were sent."""
    forms = {
        form
        for secret in secrets
        if secret
        for form in (
            secret,
            quote(secret, safe=""),
            quote_plus(secret),
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
            html.escape(secret),
        )
    }
    if not forms:
        return text
    # The longest first, as one may begin with another.
    return re.sub("|".join(map(re.escape, sorted(forms, key=len, reverse=True))), "***", text)
