"""A file from the web: one that was cut off goes on where it was, in this run or the next.

Only the version that the part is of is gone on with, by the `ETag` or `Last-Modified` of the answer that it began with
(`Range` and `If-Range`, RFC 9110 sections 14.2 and 13.1.5). A server that has another version, or knows no ranges,
answers with the whole file, and the part begins anew.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from clients.connection import FAILURES, REDIRECTS, ConnectionLost, Deadline, Session, ends_at, failure, reason_of
from clients.errors import Broken, NotReady, Refused, Rejected, Unreachable, of_status, said
from clients.partial_file import ANOTHER_FILE, PartialFile
from clients.progress import Progress

_ATTEMPTS = 4  # in a row that bring nothing
_HOPS = 5  # redirects
_CONNECT_TIMEOUT, _READ_TIMEOUT = 5.0, 60.0  # seconds
_CHUNK = 1 << 18  # bytes; a run that is killed loses one
_PAGE = 1 << 16  # bytes of an answer that is no file


def download(
    url: str,
    target: Path,
    *,
    deadline: float,
    sha256: str | None = None,
    size: int | None = None,
    headers: Mapping[str, str] | None = None,
    ca_file: str | None = None,
    tell: Callable[[str], None],
) -> None:
    """Fetch a file; the target is there when all of it is, and is the right one.

    Args:
        url: http or https. Up to five redirects are followed, never from https to http.
        target: in a folder that is there; a file of this name is replaced.
        deadline: seconds, for all of it. What is there by then is kept for the next call.
        sha256: of the file, in hex; None takes what comes.
        size: bytes that it must have; None is what the server says.
        headers: credentials. They go to the host of `url` and to no other.
        ca_file: certificate authority for https; None is the system's.
        tell: is given a line now and then (`clients.progress`).

    Raises:
        Unreachable, NotReady, Refused, Rejected, Broken: see `clients.errors`; no query of an address is told, as that
            of a signed one is a key to the file.
        ClientError: this machine cannot store it, or another run is at it.
    """
    source = _Source(url, headers or {}, ca_file, Deadline(deadline))
    with PartialFile(target, source.tried) as part, Session() as session:
        _Download(source, part, size, tell).run(session)
        part.finish(size, sha256)


class _Source:
    """Where the file comes from, and how its answers are judged."""

    def __init__(self, url: str, headers: Mapping[str, str], ca_file: str | None, limit: Deadline) -> None:
        self.limit = limit
        self._url, self._headers, self._verify = url, headers, ca_file or True
        self.tried = f"GET {_shown(url)}"
        self.secrets = {*headers.values(), *(value.split()[-1] for value in headers.values() if value.strip())}

    @contextlib.contextmanager
    def answer(self, session: requests.Session, going_on: Mapping[str, str]) -> Iterator[requests.Response]:
        """The answer at the end of the redirects, its body unread."""
        url = self._url
        for _ in range(_HOPS + 1):
            left = self.limit.check()
            self.secrets.add(urlsplit(url).query)
            mine = self._headers if _origin(url) == _origin(self._url) else {}
            with session.get(
                url,
                headers={**mine, **going_on},
                stream=True,
                verify=self._verify,  # not the session's, which REQUESTS_CA_BUNDLE would override
                allow_redirects=False,
                timeout=(min(_CONNECT_TIMEOUT, left), min(_READ_TIMEOUT, left)),
            ) as response:
                location = response.headers.get("Location")
                if response.status_code not in REDIRECTS or not location:
                    yield response
                    return
            onward = urljoin(url, location)
            if urlsplit(url).scheme == "https" != urlsplit(onward).scheme:
                told = f"{self.tried}: redirects from https to {_shown(onward)}, which anybody on the way can change"
                raise Rejected(told, advice="give an address that stays on https")
            url = onward
        raise Rejected(f"{self.tried}: redirects more than {_HOPS} times", advice="give the address that it leads to")

    def tried_at(self, response: requests.Response) -> str:
        """What was tried, with where it led."""
        led = _shown(response.url)
        return self.tried if led == _shown(self._url) else f"{self.tried}, which leads to {led}"

    def judge(self, response: requests.Response) -> None:
        """
        Raises:
            Refused, NotReady, Rejected, Broken: the answer is no file, nor part of one.
        """
        tried, status = self.tried_at(response), response.status_code
        if status not in (200, 206, 416):
            error = of_status(tried, status, reason_of(status), response.raw.read(_PAGE), self.secrets)
            if isinstance(error, Refused):
                error.advice = "give credentials that may read it, or a new address if this signed one has expired"
            elif status in (404, 410):
                error.advice = "check the address: nothing is there, or not for everybody"
            raise error
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if status == 200 and kind in ("text/html", "application/xhtml+xml"):
            words, _ = said(response.raw.read(_PAGE), self.secrets)
            advice = "open it in a browser: it may ask for a login, or a proxy may have put its own page there"
            raise Broken(f"{tried}: answered {words} in place of the file", advice=advice)
        if (encoding := response.headers.get("Content-Encoding", "identity")) != "identity":
            raise Broken(f"{tried}: sends the file as {encoding}, which it was not asked for")

    def failure(self, error: Exception, tried: str, part: PartialFile) -> Unreachable:
        """What is told of an exchange that failed; `ConnectionLost` if another may not."""
        if not self.limit.left:
            again = "run the command again: it goes on from there; or allow more time"
            return Unreachable(f"{tried}: not done in time; {part.size >> 20} MB are here and kept", advice=again)
        failed = failure(tried, error, self.limit, self.secrets)
        # A server that says nothing more may well go on on another connection.
        return ConnectionLost(str(failed)) if isinstance(error, (TimeoutError, requests.Timeout)) else failed


@dataclass
class _Download:
    """
    Attributes:
        fruitless: attempts in a row after which no more was there than ever before.
        most: bytes that were there at most.
    """

    source: _Source
    part: PartialFile
    size: int | None
    tell: Callable[[str], None]
    progress: Progress | None = None
    fruitless: int = 0
    most: int = 0

    def run(self, session: requests.Session) -> None:
        Retrying(
            retry=retry_if_exception_type((ConnectionLost, NotReady)),
            stop=self._is_hopeless,
            wait=wait_random_exponential(multiplier=0.2, max=3),
            reraise=True,
        )(self._attempt, session)

    def _is_hopeless(self, state: RetryCallState) -> bool:
        return self.fruitless >= _ATTEMPTS or state.upcoming_sleep >= self.source.limit.left

    def _attempt(self, session: requests.Session) -> None:
        try:
            self._fetch(session)
        finally:
            self.fruitless = 0 if self.part.size > self.most else self.fruitless + 1
            self.most = max(self.most, self.part.size)

    def _fetch(self, session: requests.Session) -> None:
        part, tried = self.part, self.source.tried
        going_on = {"Range": f"bytes={part.size}-", "If-Range": part.version} if part.size and part.version else {}
        try:
            with self.source.answer(session, going_on) as response:
                tried = self.source.tried_at(response)
                self.source.judge(response)
                whole = self._fit(response, tried)
                if response.status_code != 416:
                    self._receive(response, whole, tried)
                if whole is not None and part.size != whole:
                    raise ConnectionLost(f"{tried}: cut off after {part.size} of {whole} bytes")
        except FAILURES as error:
            raise self.source.failure(error, tried, part) from None

    def _fit(self, response: requests.Response, tried: str) -> int | None:
        """Makes the part fit the answer. Returns the bytes of the whole file, if they are known."""
        if response.status_code == 200:
            length = response.headers.get("Content-Length", "")
            whole = int(length) if length.isdecimal() else None
            self.part.begin_anew(_version_of(response.headers))
        else:
            start, whole = _content_range(response.headers.get("Content-Range", ""))
            another = _version_of(response.headers, like=self.part.version) not in ("", self.part.version)
            if another or self.part.size != (whole if response.status_code == 416 else start):
                self.part.begin_anew()
                raise ConnectionLost(f"{tried}: answered another part of the file than the one asked for")
        if self.size is not None and whole not in (None, self.size):
            self.part.begin_anew()
            raise Broken(f"{tried}: has {whole} bytes, and should have {self.size}", advice=ANOTHER_FILE)
        if whole is not None:
            self.part.need(whole - self.part.size)
        self._follow(whole)
        return whole

    def _follow(self, whole: int | None) -> None:
        what = f"downloading {self.part.target.name}"
        if self.progress is None:
            self.progress = Progress(what, whole, self.tell)
            if self.part.size:
                self.tell(f"{what}: going on after {self.part.size >> 20} MB")
        self.progress.at(self.part.size)

    def _receive(self, response: requests.Response, whole: int | None, tried: str) -> None:
        most = whole if whole is not None else self.size
        with ends_at(self.source.limit, response):
            for chunk in response.raw.stream(_CHUNK, decode_content=False):
                self.part.add(chunk)
                if self.progress:
                    self.progress.at(self.part.size)
                if most is not None and self.part.size > most:
                    self.part.begin_anew()
                    raise Broken(f"{tried}: sends more than {most} bytes", advice=ANOTHER_FILE)
        self.source.limit.check()


def _shown(url: str) -> str:
    """An address as it may be told: without credentials, and without the query, which of a signed one is a key."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that is none"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _version_of(headers: Mapping[str, str], like: str = "") -> str:
    """What If-Range may be given, a strong ETag or a date; or the one of them that is `like` another."""
    tag, date = headers.get("ETag", ""), headers.get("Last-Modified", "")
    if like:
        return tag if like.startswith('"') else date
    return tag if tag.startswith('"') else date


def _content_range(header: str) -> tuple[int | None, int | None]:
    """The first byte and the size of the whole file, of `bytes 5-9/10` or `bytes */10`."""
    found = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", header.strip())
    first, whole = found.groups() if found else (None, None)
    return (int(first) if first else None), (int(whole) if whole and whole != "*" else None)
