"""The ``Accept`` header, as Spring 4.3 reads it: which label an answer gets, and whether the header can be read at all.

Sources: Spring's MimeTypeUtils.java, AbstractMessageConverterMethodProcessor.java and StringHttpMessageConverter.java.
"""

import re

from starlette.requests import Request

_NAME = r"[!#$%&'*+.^_`{|}~0-9A-Za-z-]+"
_PARAMETER = rf'{_NAME}=(?:{_NAME}|"[^"]*")'
_KIND = re.compile(rf"(\*/\*|\*|{_NAME}/\*|(?!\*/)({_NAME})/({_NAME}))((?:\s*;\s*{_PARAMETER})*)\s*;?", re.ASCII)
JSON, TEXT = "application/json", "text/plain"


class Unreadable(ValueError):
    """The header is no list of media types."""


def accepted(request: Request) -> list[str]:
    """Media types in lower case, the best first: by ``q``, then those without ``*``. Without a header, everything.

    Raises Unreadable.
    """
    header = request.headers.get("accept", "")
    if not header.strip():
        return ["*/*"]
    found: list[tuple[float, int, str]] = []
    for part in header.split(","):
        kind = _KIND.fullmatch(part.strip())
        if kind is None:
            raise Unreadable(header)
        name = "*/*" if kind[1] == "*" else kind[1].lower()
        found.append((-_quality(kind[4], header), name.count("*"), name))
    return [name for _, _, name in sorted(found, key=lambda each: each[:2])]


def admits_json(request: Request) -> bool:
    """Raises Unreadable."""
    return any(kind in (JSON, "application/*", "*/*") for kind in accepted(request))


def label_of_text(request: Request) -> str:
    """What a text is called, which is whatever the request accepts best.

    Raises Unreadable.
    """
    best = accepted(request)[0]
    return {"*/*": TEXT, "application/*": JSON}.get(best, TEXT if best == "text/*" else best)


def is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == JSON


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
