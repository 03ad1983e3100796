"""HTTP as both clients use it: bounded in time, without redirects, repeated only where that is safe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, stop_before_delay, wait_random_exponential

from clients.connection import (
    FAILURES,
    REDIRECTS,
    ConnectionLost,
    Deadline,
    Session,
    ends_at,
    failure,
    public,
    reason_of,
)
from clients.errors import (
    Broken,
    ClientError,
    NotReady,
    Refused,
    Rejected,
    json_of,
    of_status,
    one_line,
    redacted,
    said,
)

_ATTEMPTS = 4
_POLL = 0.5  # seconds between two looks at a server that is awaited
_SAY_EVERY = 15.0  # seconds between two lines about a wait
_STARTING = (404, 502, 503, 504)  # a web server before its application is there, a proxy before its server is

_LOCATION_LIMIT = 300  # characters of a redirect's target that are told
_ANSWER_LIMIT = 512 << 20  # bytes: far more than any mask, and less than what a compressed answer could grow to
_CHUNK = 1 << 20

_T = TypeVar("_T")


@dataclass(frozen=True)
class Answer:
    """A whole answer. `cookies`: those that it sets. `secrets`: what must not be told of it."""

    tried: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    secrets: tuple[str, ...] = field(default=(), repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """
        Raises:
            Broken: the body is not JSON.
        """
        try:
            return json_of(self.body)
        except ValueError:
            raise self.instead_of("JSON") from None

    def instead_of(self, expected: str) -> Broken:
        """The error for an answer of another shape than `expected`."""
        return Broken(f"{self.tried}: expected {expected}, got: {said(self.body, self.secrets)[0] or 'nothing'}")

    @property
    def answered(self) -> str:
        """What was tried, and what was said to it, for an error."""
        words = said(self.body, self.secrets)[0]
        return f"{self.tried}: answered {self.status}" + (f": {words}" if words else "")

    @property
    def location(self) -> str:
        """Where a redirect points to, as it may be shown."""
        return one_line(redacted(public(self.headers.get("Location", "nowhere")), self.secrets))[:_LOCATION_LIMIT]


class Transport:
    """One server, through pooled connections, for several threads at once.

    Args:
        base_url: scheme, host, port, and a context path if there is one. Credentials in it are not used.
        ca_file: certificate authority for https; None is the system's.
        read_timeout: seconds without a byte after which the server counts as gone.
        secrets: what must not come back in an error, even if the server echoes it.
    """

    def __init__(
        self,
        base_url: str,
        *,
        ca_file: str | None = None,
        connect_timeout: float = 5.0,
        read_timeout: float = 60.0,
        secrets: Iterable[str] = (),
    ) -> None:
        self.base_url = public(base_url).rstrip("/")
        self.secrets = tuple(secret for secret in secrets if secret)
        self._connect_timeout, self._read_timeout = connect_timeout, read_timeout
        self._session = Session()
        self._verify = ca_file or True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    def url(self, *parts: str) -> str:
        """The address of a path, each part percent-encoded; a last part of "" gives a trailing slash."""
        return "/".join([self.base_url, *(quote(part, safe="") for part in parts)])

    def call(
        self,
        method: str,
        *parts: str,
        deadline: float,
        expect: Collection[int] = (200,),
        repeat: bool | None = None,
        query: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Callable[[Deadline], tuple[Any, str]] | None = None,
    ) -> Answer:
        """One request, and the whole answer.

        Args:
            parts: of the path.
            deadline: seconds for all of it, repetitions included. (A server that drips its headers can exceed it: each
                of their bytes has the read timeout.)
            expect: statuses that the caller understands.
            repeat: whether repeating is safe; None: for all methods but POST.
            body: makes the body afresh for each attempt, and its content type.

        Raises:
            Unreachable, NotReady, Refused, Rejected, Broken: see `clients.errors`.
        """
        url = self.url(*parts)
        tried = redacted(f"{method} {url}", self.secrets)
        limit = Deadline(deadline)
        repeats = method != "POST" if repeat is None else repeat

        def attempt() -> Answer:
            answer = self._once(method, url, tried, limit, query, headers, body)
            if answer.status in expect:
                return answer
            if answer.status in REDIRECTS:
                raise Rejected(
                    f"{tried}: redirects to {answer.location}",
                    advice="give the address to which it leads; if that is a log-in page, one without a log-in",
                )
            raise of_status(tried, answer.status, reason_of(answer.status), answer.body, self.secrets)

        return Retrying(
            retry=retry_if_exception_type((ConnectionLost, NotReady)),
            stop=stop_after_attempt(_ATTEMPTS if repeats else 1) | stop_before_delay(deadline),
            wait=wait_random_exponential(multiplier=0.2, max=3),
            reraise=True,
        )(attempt)

    def wait(self, deadline: float, on_wait: Callable[[str], None], *parts: str) -> Answer:
        """GET a path until it answers with a status that is no sign of starting up.

        Args:
            deadline: seconds.
            on_wait: is told now and then what is waited for.

        Raises:
            Unreachable, NotReady, Rejected: the last reason why it did not.
        """
        up = [status for status in range(200, 600) if status not in _STARTING]
        return wait_for(
            lambda left: self.call("GET", *parts, deadline=left, expect=up, repeat=False), deadline, on_wait
        )

    def _once(
        self,
        method: str,
        url: str,
        tried: str,
        limit: Deadline,
        query: Mapping[str, str | int] | None,
        headers: Mapping[str, str] | None,
        body: Callable[[Deadline], tuple[Any, str]] | None,
    ) -> Answer:
        handled = sys.exception()
        data, content_type = body(limit) if body else (None, None)
        sent = {**(headers or {}), **({"Content-Type": content_type} if content_type else {})}
        try:
            left = limit.check()
            # urllib3 sends under the connect timeout, and a server may well pause while it stores an upload.
            patience = self._read_timeout if body else self._connect_timeout
            with self._session.request(
                method,
                url,
                params=query,
                headers=sent,
                data=data,
                stream=True,
                verify=self._verify,  # not the session's, which REQUESTS_CA_BUNDLE would override
                allow_redirects=False,
                timeout=(min(patience, left), min(self._read_timeout, left)),
            ) as response:
                with ends_at(limit, response):
                    content = _content(response, tried)
                limit.check()
                cookies = {cookie.name: cookie.value or "" for cookie in response.cookies}
                return Answer(tried, response.status_code, response.headers, content, self.secrets, cookies)
        except FAILURES as error:
            raise failure(tried, error, limit, self.secrets, handled) from None


def wait_for(
    attempt: Callable[[float], _T],
    deadline: float,
    on_wait: Callable[[str], None],
    watch: Callable[[], None] | None = None,
) -> _T:
    """Try until it succeeds, whatever the error: a server that starts answers anything, 404 and HTML pages too. Only a
    refusal ends it at once, as more tries may lock an account.

    Args:
        attempt: is given the seconds that are left.
        deadline: seconds.
        on_wait: is told now and then what is waited for.
        watch: is called after each attempt that failed; what it raises ends the wait.

    Raises:
        Refused: at once.
        ClientError: the last one, at the deadline.
    """
    limit = Deadline(deadline)
    told = time.monotonic()
    while True:
        try:
            return attempt(max(limit.left, _POLL))
        except Refused:
            raise
        except ClientError as error:
            if limit.left <= _POLL:  # another look would have no time, and tell that instead of the reason
                raise type(error)(f"{error} (waited {deadline - limit.left:.0f} s)", advice=error.advice) from None
            if time.monotonic() - told >= _SAY_EVERY:
                told = time.monotonic()
                on_wait(f"waiting, {limit.left:.0f} s left: {error}")
        if watch:
            watch()
        time.sleep(min(_POLL, limit.left))


def _content(response: requests.Response, tried: str) -> bytes:
    content = bytearray()
    for chunk in response.raw.stream(_CHUNK, decode_content=True):
        content += chunk
        if len(content) > _ANSWER_LIMIT:
            raise Broken(f"{tried}: the answer is larger than {_ANSWER_LIMIT >> 20} MB")
    return bytes(content)
