"""What a browser meets at a server that a page of XNAT calls, tried from this machine.

A browser gives a page the answers of another origin only if that allows it, and sends it a PUT only after a question of
its own, the preflight (https://fetch.spec.whatwg.org/#http-cors-protocol). The OHIF viewer reads `/v1/models` and opens
a session with `PUT /session/` (docs/xnat.md). This machine may see another network than clinicians do: so what it does
not reach, or is refused, proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from clients.connection import REDIRECTS
from clients.errors import ClientError
from clients.transport import Answer, Transport

_PATIENCE = 10.0  # seconds


@dataclass(frozen=True)
class Problem:
    """`rule`: the name by which it can be allowed (docs/settings.md). `told`: what is wrong, and what to do."""

    rule: str
    told: str


@dataclass(frozen=True)
class Met:
    """`problems`: what keeps any browser from working. `unknown`: why it cannot be told from here, if so."""

    problems: tuple[Problem, ...] = ()
    unknown: str = ""


def meet(server: str, page: str) -> Met:
    """
    Args:
        server: its address; of a path only scheme, host and port are asked, as by the viewer.
        page: XNAT's address as browsers have it.
    """
    ours, theirs = _origin(page), _origin(server)
    if ours == theirs:
        return Met()  # one gateway serves both: nothing is asked of it
    try:
        with Transport(theirs, read_timeout=_PATIENCE) as transport:
            read = transport.call(
                "GET", "v1", "models", deadline=_PATIENCE, expect=range(200, 600), headers={"Origin": ours}
            )
            if read.status not in (200, *REDIRECTS) and not _allows(read, ours):
                return Met(
                    unknown=f"from this machine, {read.tried}: answered {read.status}, with no word for browsers"
                )
            asked = transport.call(
                "OPTIONS",
                "session",
                "",
                deadline=_PATIENCE,
                expect=range(200, 600),
                headers={"Origin": ours, "Access-Control-Request-Method": "PUT"},
            )
    except ClientError as error:
        return Met(unknown=f"from this machine, {error.line}")
    return Met((*_unread(read, ours), *_unsent(asked, ours)))


def _unread(answer: Answer, origin: str) -> Iterator[Problem]:
    if answer.status in REDIRECTS:
        yield Problem("cors", f"{answer.tried}: redirects to {answer.location}: register the address that it leads to")
    elif not _allows(answer, origin):
        yield Problem(
            "cors",
            f"browsers keep its answers from pages of {origin}, as it {_allowance(answer)}: have the gateway before it "
            "send that origin",
        )


def _unsent(answer: Answer, origin: str) -> Iterator[Problem]:
    """Whether a browser would send an image after this answer to its question."""
    methods = {name.strip().upper() for name in answer.headers.get("Access-Control-Allow-Methods", "").split(",")}
    if not 200 <= answer.status < 300:
        why = f"it answers {answer.status}"
    elif not _allows(answer, origin):
        why = f"it {_allowance(answer)}"
    elif not methods & {"PUT", "*"}:
        why = f"its Access-Control-Allow-Methods is {', '.join(sorted(filter(None, methods))) or 'missing'}"
    else:
        return
    yield Problem(
        "preflight",
        f"browsers send it no image from pages of {origin}, as they ask first ({answer.tried}, for PUT) and {why}: "
        "have the gateway before it answer that with 204, that origin and Access-Control-Allow-Methods: GET, POST, PUT",
    )


def _allows(answer: Answer, origin: str) -> bool:
    return answer.headers.get("Access-Control-Allow-Origin") in ("*", origin)


def _allowance(answer: Answer) -> str:
    allowed = answer.headers.get("Access-Control-Allow-Origin")
    return f"answers Access-Control-Allow-Origin: {allowed}" if allowed else "answers no Access-Control-Allow-Origin"


def _origin(url: str) -> str:
    """As a browser writes it: in lower case, without the port that the scheme has anyway."""
    parts = urlsplit(url)
    host = parts.netloc.lower()
    return f"{parts.scheme}://{host.removesuffix({'http': ':80', 'https': ':443'}.get(parts.scheme, ' '))}"
