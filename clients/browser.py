"""What a browser meets at a server that a page of XNAT calls, tried from this machine.

A browser gives a page the answers of another origin only if that allows it, and sends it a PUT only after a question of
its own, the preflight (https://fetch.spec.whatwg.org/#http-cors-protocol). The OHIF viewer reads `/v1/models` and opens
a session with `PUT /session/` (docs/xnat.md). This machine may see another network than clinicians do: so what it does
not reach, or is refused, proves nothing. Nor does what a gateway says to browsers while the server behind it is dead:
what serves is what lists its models.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from clients.aiaa_answers import models_of
from clients.connection import REDIRECTS, Untrusted, reason_of
from clients.errors import Broken, ClientError, of_status
from clients.transport import Answer, Transport

_PATIENCE = 10.0  # seconds


@dataclass(frozen=True)
class Problem:
    """`rule`: the name by which it can be allowed (docs/settings.md). `told`: what is wrong, and what to do."""

    rule: str
    told: str


@dataclass(frozen=True)
class Met:
    """`problems`: what keeps any browser from working. `unknown`: why the server's models were not seen from here, and
    what to do; empty if they were, or a problem says it."""

    problems: tuple[Problem, ...] = ()
    unknown: str = ""


def meet(server: str, page: str, *, ca_file: str | None = None) -> Met:
    """
    Args:
        server: its address; of a path only scheme, host and port are asked, as by the viewer.
        page: XNAT's address as browsers have it.
        ca_file: certificate authority that browsers trust beside the system's.
    """
    try:
        with Transport(_origin(server), ca_file=ca_file, read_timeout=_PATIENCE) as transport:
            return _met(transport, _origin(page))
    except ClientError as error:
        if ca_file and isinstance(error, Untrusted):
            return meet(server, page)
        return Met(unknown=f"from this machine, {error.line}")


def _met(transport: Transport, origin: str) -> Met:
    """
    Raises:
        ClientError: no answer.
    """
    same = origin == transport.base_url  # one gateway serves both: no leave is needed

    def ask(method: str, *parts: str, **headers: str) -> Answer:
        sent = {} if same else {"Origin": origin, **headers}
        return transport.call(method, *parts, deadline=_PATIENCE, expect=range(200, 600), headers=sent)

    read = ask("GET", "v1", "models")
    unknown = _unserved(read)
    if same or (read.status not in (200, *REDIRECTS) and not _allows(read, origin)):
        return Met(unknown=unknown)
    asked = ask("OPTIONS", "session", "", **{"Access-Control-Request-Method": "PUT"})
    problems = (*_unread(read, origin), *_unsent(asked, origin))
    return Met(problems, "" if read.status in REDIRECTS else unknown)


def _unserved(answer: Answer) -> str:
    """Why an answer is no list of models; empty if it is one."""
    if answer.status in REDIRECTS:
        told = f"{answer.tried}: redirects to {answer.location}"
    elif answer.status != 200:
        told = str(of_status(answer.tried, answer.status, reason_of(answer.status), answer.body, answer.secrets))
    else:
        try:
            models_of(answer)
        except Broken as error:
            told = str(error)
        else:
            return ""
    return f"from this machine, {told}: see that AIAA runs there, and that what stands before it passes this on to it"


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
