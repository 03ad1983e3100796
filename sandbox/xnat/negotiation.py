"""The ``Accept`` header, as Spring 4.3 reads it: the Content-Type of an answer, and whether the header can be read.

Sources: Spring's MimeTypeUtils.java, AbstractMessageConverterMethodProcessor.java and StringHttpMessageConverter.java.
"""

import re
from typing import NamedTuple

from starlette.requests import Request

_NAME = r"[!#$%&'*+.^_`{|}~0-9A-Za-z-]+"
_PARAMETER = rf'{_NAME}=(?:{_NAME}|"[^"]*")'
_KIND = re.compile(rf"(\*/\*|\*|{_NAME}/\*|(?!\*/)({_NAME})/({_NAME}))((?:\s*;\s*{_PARAMETER})*)\s*;?", re.ASCII)
JSON, TEXT, LATIN_1 = "application/json", "text/plain", "ISO-8859-1"


class Unreadable(ValueError):
    """The header is not a list of media types."""


class Accepted(NamedTuple):
    """A media type in lower case, and the charset that it names, or an empty one."""

    kind: str
    charset: str = ""


def accepted(request: Request) -> list[Accepted]:
    """The best first: by ``q``, then those without ``*``. Without a header, everything.

    Raises Unreadable.
    """
    header = request.headers.get("accept", "")
    if not header.strip():
        return [Accepted("*/*")]
    found: list[tuple[float, int, Accepted]] = []
    for part in header.split(","):
        kind = _KIND.fullmatch(part.strip())
        if kind is None:
            raise Unreadable(header)
        name = "*/*" if kind[1] == "*" else kind[1].lower()
        found.append((-_quality(kind[4], header), name.count("*"), Accepted(name, _charset(kind[4], header))))
    return [each for _, _, each in sorted(found, key=lambda each: each[:2])]


def admits_json(request: Request) -> bool:
    """Raises Unreadable."""
    return any(each.kind in (JSON, "application/*", "*/*") for each in accepted(request))


def label_of_text(request: Request) -> str:
    """The Content-Type of a text, which is the one that the request prefers, and its charset.

    Raises Unreadable.
    """
    best = accepted(request)[0]
    if "*" in best.kind:
        return f"{JSON if best.kind == 'application/*' else TEXT};charset={LATIN_1}"
    return f"{best.kind};charset={best.charset or LATIN_1}"


def is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == JSON


def _charset(parameters: str, header: str) -> str:
    found = re.search(r";\s*charset=\"?([^;\"\s]*)", parameters, re.IGNORECASE)
    if found is None:
        return ""
    try:
        "".encode(found[1])
    except LookupError:
        raise Unreadable(header) from None
    return found[1]


def _quality(parameters: str, header: str) -> float:
    found = re.search(r";\s*[qQ]=\"?([^;\"\s]*)", parameters)
    if found is None:
        return 1.0
    try:
        quality = float(found[1])
    except ValueError:
        raise Unreadable(header) from None
    if not 0 <= quality <= 1:
        raise Unreadable(header)
    return quality
