"""HTTP as both clients use it: bounded in time, without redirects, repeated only where that is safe."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

import requests
import urllib3
from requests.auth import AuthBase
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from clients.errors import Broken, ClientError, NotReady, Refused, Unreachable, of_status, redacted

# Not a browser's: XNAT answers browsers with redirects and asks them for CSRF tokens.
USER_AGENT = "xnat-aiaa/0.1"

_ATTEMPTS = 4
_CHUNK = 64 * 1024
_POLL = 0.5  # seconds between two looks at a server that is awaited
_SAY_EVERY = 15.0  # seconds between two lines about a wait
_ANY = [status for status in range(200, 600) if status not in (502, 503, 504)]


_T = TypeVar("_T")


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    tried: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """
        Raises:
            Broken: the body is not JSON.
        """
        try:
            return json.loads(self.body)
        except ValueError:
            kind = "an HTML page" if self.body.lstrip()[:1] == b"<" else f"{self.body[:80]!r}"
            raise Broken(f"{self.tried}: expected JSON, got {kind}: is this the right server and port?") from None


class _NoLogin(AuthBase):
    """Keeps requests from taking credentials for this host out of ~/.netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class Deadline:
    """A point in time until which a call may take."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    def check(self) -> None:
        if not self.left:
            raise requests.Timeout(f"no end after {self._seconds:.0f} s")


class Transport:
    """One server, through pooled connections. Not for several threads at once.

    Args:
        base_url: scheme, host, port, and a context path if there is one.
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
        self.base_url = base_url.rstrip("/")
        self.secrets = tuple(secret for secret in secrets if secret)
        self._connect_timeout, self._read_timeout = connect_timeout, read_timeout
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
        self._session.auth = _NoLogin()
        self._session.verify = ca_file or True

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
            deadline: seconds for all of it, repetitions included.
            expect: statuses that the caller understands.
            repeat: whether repeating is safe; None: for all methods but POST.
            body: makes the body afresh for each attempt, and its content type.

        Raises:
            Unreachable, NotReady, Refused, Rejected, Broken: see `clients.errors`.
        """
        tried = redacted(f"{method} {_public(self.url(*parts))}", self.secrets)
        limit = Deadline(deadline)

        def attempt() -> Answer:
            return self._once(method, self.url(*parts), tried, limit, query, headers, body)

        repeats = method != "POST" if repeat is None else repeat
        answer: Answer
        try:
            answer = Retrying(
                retry=retry_if_exception_type((_Transient, NotReady)),
                stop=lambda state: not repeats or not limit.left or stop_after_attempt(_ATTEMPTS)(state),
                wait=wait_random_exponential(multiplier=0.2, max=3),
                reraise=True,
            )(lambda: self._ready(attempt(), expect))
        except _Transient as error:
            raise Unreachable(str(error)) from None
        if answer.status not in expect:
            raise of_status(tried, answer.status, _reason(answer.status), answer.body, self.secrets)
        return answer

    def wait(self, deadline: float, on_wait: Callable[[str], None], *parts: str) -> Answer:
        """GET a path until it answers with a status that is no sign of starting up.

        Args:
            deadline: seconds.
            on_wait: is told now and then what is waited for.

        Raises:
            Unreachable, NotReady: the last reason why it did not.
        """
        return wait_for(
            lambda left: self.call("GET", *parts, deadline=left, expect=_ANY, repeat=False), deadline, on_wait
        )

    def _ready(self, answer: Answer, expect: Collection[int]) -> Answer:
        if answer.status in (502, 503, 504) and answer.status not in expect:
            raise of_status(answer.tried, answer.status, _reason(answer.status), answer.body, self.secrets)
        return answer

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
        data, content_type = body(limit) if body else (None, None)
        sent = {**(headers or {}), **({"Content-Type": content_type} if content_type else {})}
        try:
            limit.check()
            with self._session.request(
                method,
                url,
                params=query,
                headers=sent,
                data=data,
                stream=True,
                allow_redirects=False,
                timeout=(min(self._connect_timeout, limit.left), min(self._read_timeout, limit.left)),
            ) as response:
                content = b"".join(_chunks(response, limit))
                return Answer(tried, response.status_code, response.headers, content)
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            raise Unreachable(f"{tried}: no answer in time: it may hang, or still be at work") from None
        except requests.exceptions.SSLError as error:
            raise Unreachable(f"{tried}: TLS failed: {_cause(error)}") from None
        except (requests.ConnectionError, urllib3.exceptions.HTTPError, OSError) as error:
            raise _Transient(redacted(f"{tried}: no connection: {_cause(error)}", self.secrets)) from None
        except (requests.RequestException, ValueError) as error:
            raise Unreachable(redacted(f"{tried}: {error}", self.secrets)) from None


class _Transient(Exception):
    """A connection that was refused, reset or cut off: worth another attempt."""


def wait_for(attempt: Callable[[float], _T], deadline: float, on_wait: Callable[[str], None]) -> _T:
    """Try until it succeeds; the last error is raised at the deadline.

    Args:
        attempt: is given the seconds that are left.
        deadline: seconds.
        on_wait: is told now and then what is waited for.
    """
    limit = Deadline(deadline)
    told = time.monotonic()
    while True:
        try:
            return attempt(max(limit.left, _POLL))
        except ClientError as error:
            if isinstance(error, Refused) or not limit.left:
                raise type(error)(f"{error} (waited {deadline - limit.left:.0f} s)") from None
            if time.monotonic() - told >= _SAY_EVERY:
                told = time.monotonic()
                on_wait(f"waiting, {limit.left:.0f} s left: {error}")
        time.sleep(min(_POLL, limit.left))


def _chunks(response: requests.Response, limit: Deadline) -> Iterator[bytes]:
    """The body as it comes, so that a server that drips is held to the deadline."""
    while chunk := response.raw.read1(_CHUNK):
        limit.check()
        yield chunk


def _public(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _reason(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""


def _cause(error: BaseException) -> str:
    """The innermost reason, without the wrappings of three libraries."""
    while True:
        inner = (
            getattr(error, "reason", None)
            or error.__context__
            or next((arg for arg in getattr(error, "args", ()) if isinstance(arg, BaseException)), None)
        )
        if not isinstance(inner, BaseException):
            break
        error = inner
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(words).split())
