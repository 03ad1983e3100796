"""Answers that no server should give, as they stand on the wire, and a server that gives them.

Each case is a sound server but for one answer, or for all: so the odd one comes at every step of a longer operation.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.unit.clients.raw_server import Connection, RawServer

_STATUSES = [200] * 12 + [100, 101, 199, 201, 202, 204, 206, 299, 301, 302, 304, 307, 308, 400, 401, 403, 404, 409, 413]
_STATUSES += [416, 418, 422, 429, 440, 451, 499, 500, 501, 502, 503, 504, 511, 599, 600, 999]
PROJECT = {"items": [{"data_fields": {"ID": "LIVER"}}]}
LIST = ["https://aiaa.example.org"]
_BOUNDARY = b"7d01ecf406a6434d8e5a3ed5d7b7b1c6"


@dataclass(frozen=True)
class Odd:
    """`step`: which of a case's requests gets the answer, from 0; None: all of them."""

    step: int | None
    answer: bytes


class OddServer:
    """Serves one case at a time.

    Args:
        sound: what a well-behaved server answers to a request's head, such as `GET /v1/models HTTP/1.1 ...`.
    """

    def __init__(self, sound: Callable[[str], bytes]) -> None:
        self._sound = sound
        self._case = Odd(None, b"")
        self._step = 0
        self._raw = RawServer(self._serve)
        self.url = self._raw.url

    def begin(self, case: Odd) -> None:
        self._case, self._step = case, 0

    def stop(self) -> None:
        self._raw.stop()

    def _serve(self, connection: Connection) -> None:
        head = connection.read().head
        step, self._step = self._step, self._step + 1
        connection.send(self._case.answer if self._case.step in (None, step) else self._sound(head))


@contextmanager
def odd_server(sound: Callable[[str], bytes]) -> Iterator[OddServer]:
    server = OddServer(sound)
    try:
        yield server
    finally:
        server.stop()


def json_answer(document: Any, status: int = 200) -> bytes:
    """A sound one."""
    return text_answer(json.dumps(document), status, "application/json")


def text_answer(text: str, status: int = 200, content_type: str = "text/plain") -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\nConnection: close"
    return head.encode() + b"\r\n\r\n" + body


def sound_xnat(head: str) -> bytes:
    """What a sound XNAT answers, with one project and its list."""
    method, path = head.split()[:2]
    if path == "/data/JSESSION":
        return text_answer("0123456789ABCDEF0123456789ABCDEF")
    if path.startswith("/data/projects"):
        return json_answer(PROJECT)
    if path.startswith("/xapi/ohifaiaa"):
        return json_answer(LIST if method == "GET" else {})
    return json_answer({"version": "1.9.3"} if "buildInfo" in path else ["Administrator", "ALL_DATA_ADMIN"])


def odd(*likely: Any) -> st.SearchStrategy[Odd]:
    """
    Args:
        likely: documents near to which some of the bodies are: as they are, with another value somewhere, without a
            key.
    """
    return st.builds(Odd, st.none() | st.integers(0, 7), answers(*likely))


def answers(*likely: Any) -> st.SearchStrategy[bytes]:
    """Anything that may come over a connection before it ends."""
    return _answers(bodies(*likely)) | st.binary(max_size=80) | st.sampled_from(_NO_ANSWERS)


def bodies(*likely: Any) -> st.SearchStrategy[bytes]:
    """Bodies of any kind: bytes, pages, JSON of any shape, forms."""
    documents = json_values | st.sampled_from(likely or [[]]).flatmap(_mutated) | _error_documents
    return (
        documents.map(lambda document: json.dumps(document).encode())
        | st.sampled_from(_BODIES)
        | st.binary(max_size=60)
        | _forms(documents)
    )


_texts = st.text(st.characters(), max_size=12) | st.sampled_from(
    ["\ud800", "two\nlines", "\x1b[31mred\x07", "\0", "\u2028", "a" * 5000, "<b>", "NaN"]  # a lone surrogate, too
)
_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([10**400, -(10**4000), 2**63, 1e308])
    | _texts
)
json_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4), max_leaves=10
)

# AIAA's own, FastAPI's and XNAT's error documents, with anything in them.
_error_documents = st.one_of(
    st.fixed_dictionaries({"error": st.fixed_dictionaries({"message": json_values, "type": json_values})}),
    st.fixed_dictionaries({"error": st.fixed_dictionaries({"message": json_values}), "success": json_values}),
    st.builds(lambda key, value: {key: value}, st.sampled_from(["detail", "ResponseMessage", "error"]), json_values),
)

_BODIES = [
    b"",
    b"[" * 100_000,
    b"[" * 950 + b"]" * 950,
    b'{"error":{"message":' + b"[" * 900 + b"]" * 900 + b"}}",
    b'[{"name":' + b'{"a":' * 700 + b"1" + b"}" * 701 + b"]",
    b'[{"name":"m","labels":[' + b"[" * 900 + b"]" * 900 + b"]}]",
    b"9" * 5000,
    b"[NaN, Infinity, -Infinity]",
    b'["\\ud800"]',
    b"\xff\xfe[\x00]\x00",
    b"\xef\xbb\xbf[]",
    b"<html><head><title>Log\n in</title></head><body>" + b"x" * 3000 + b"</body></html>",
    b"<title>" + b"<title>" * 500,
    b"<title>\x1b]0;owned\x07&#10;&#0;&#xD800;</title>",
    b"Traceback (most recent call last):\n  File \"x.py\", line 1\nKeyError: 'a'\n",
]

_NO_ANSWERS = [
    b"HTTP/1.1\r\n\r\n",
    b"HTTP/9.9 200 OK\r\n\r\n[]",
    b"HTTP/1.1 abc OK\r\n\r\n[]",
    b"HTTP/1.1 99999 OK\r\n\r\n[]",
    b"HTTP/1.1 200\r\n\r\n[]",
    b"HTTP/1.1 200 \xff\xfe\r\n\r\n[]",
    b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1\r\n" * 150 + b"\r\n[]",
    b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 70_000 + b"\r\n\r\n[]",
    b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + b"HTTP/1.1 200 OK\r\n\r\n[]",
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"\x15\x03\x01\x00\x02\x02\x50",  # a TLS alert
]

_HEADERS = [
    b"Content-Type: application/json",
    b"Content-Type: text/html; charset=utf-8",
    b"Content-Type: text/plain; charset=no-such",
    b"Content-Type: application/octet-stream",
    b"Content-Type: multipart/form-data; boundary=" + _BOUNDARY,
    b"Content-Type: multipart/form-data",
    b"Content-Type: multipart/form-data; boundary=",
    b'Content-Type: multipart/form-data; boundary="\xff\xfe"; boundary*=x',
    b"Content-Type: \xff\xfe",
    b"Content-Type:",
    b"Content-Encoding: gzip",
    b"Content-Encoding: deflate",
    b"Content-Encoding: br, zstd",
    b"Content-Encoding: gzip, gzip, gzip, gzip, gzip, gzip, gzip",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: \xff",
    b"Content-Length: 5",
    b"Content-Length: 100000000000000000000000",
    b"Content-Length: -1",
    b"Content-Length: 1, 2",
    b"Content-Length: \xb2",  # a digit to str.isdigit, none to int
    b"Location: http://[::1",
    b"Location: \xff\xfe/\x00",
    b"Location: /setup",
    b"Location: /app/template/Login.vm\x0b?" + b"a" * 2000,
    b"Location: http://other:notaport/",
    b"Set-Cookie: JSESSIONID=\xff; Path=/\x00; Expires=never; Max-Age=x; Domain=..",
    b"Set-Cookie: =;;;=",
    b"Retry-After: soon",
    b"Connection: Keep-Alive",
    b"no colon here",
    b" folded: 1",
    b"\x00: \x00",
    b": nameless",
]


def _answers(content: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.builds(
        _on_the_wire,
        st.sampled_from(_STATUSES),
        st.lists(st.sampled_from(_HEADERS), max_size=3),
        content,
        st.sampled_from([_as_it_is, _as_it_is, _as_it_is, gzip.compress, zlib.compress, _chunked]),
        st.none() | st.integers(-3, 3),
    )


def _on_the_wire(
    status: int, headers: list[bytes], content: bytes, packed: Callable[[bytes], bytes], off: int | None
) -> bytes:
    """`off`: by how much the length that is told is wrong; None: none is told."""
    body = packed(content)
    lengths = [] if off is None else [b"Content-Length: %d" % max(0, len(body) + off)]
    head = [b"HTTP/1.1 %d X" % status, *headers, *lengths, b"Connection: close"]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def _as_it_is(body: bytes) -> bytes:
    return body


def _chunked(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def _mutated(document: Any) -> st.SearchStrategy[Any]:
    """The document, or one that differs in one place."""
    choices: list[st.SearchStrategy[Any]] = [st.just(document), json_values]
    if isinstance(document, dict) and document:
        choices += [_changed_key(document, key) for key in document]
        choices += [st.just({k: v for k, v in document.items() if k != key}) for key in document]
    if isinstance(document, list) and document:
        choices.append(_mutated(document[0]).map(lambda first: [first, *document[1:]]))
    return st.one_of(choices)


def _changed_key(document: dict[str, Any], key: str) -> st.SearchStrategy[Any]:
    return _mutated(document[key]).map(lambda value: {**document, key: value})


_DISPOSITIONS = [
    b'Content-Disposition: form-data; name="params"',
    b'Content-Disposition: form-data; name="image"; filename="mask.nii.gz"',
    b"Content-Disposition: form-data; name=image; filename*=no-such'en'%ff%fe",
    b"Content-Disposition: form-data; filename*0*=a; filename*x=b; filename*1=c",
    b"Content-Disposition: form-data; filename*''=; name*=params",
    b"Content-Disposition: \xff\xfe",
    b'Content-Disposition: form-data; name="params\r\n',
    b"Content-Disposition",
    b": ",
    b"",
]


def _forms(documents: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    contents = documents.map(lambda document: json.dumps(document).encode()) | st.binary(max_size=20)
    part = st.builds(
        lambda disposition, gap, content: disposition + gap + content,
        st.sampled_from(_DISPOSITIONS),
        st.sampled_from([b"\r\n\r\n", b"\r\n\r\n", b"\r\n\r\n", b"\n\n", b"\r\n"]),
        contents,
    )
    return st.lists(part, max_size=3).map(
        lambda parts: (
            b"".join(b"--" + _BOUNDARY + b"\r\n" + each + b"\r\n" for each in parts) + b"--" + _BOUNDARY + b"--\r\n"
        )
    )
