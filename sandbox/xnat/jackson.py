"""JSON lists of texts as the Java library Jackson 2.13 reads and writes them, which is where Python's differs.

Sources: FasterXML/jackson-core ``ReaderBasedJsonParser``, jackson-databind ``StringCollectionDeserializer``;
NrgXnat/xnat, libs/framework/.../SerializerConfig.java (the features that XNAT turns on for request bodies).
"""

import codecs
import json
import re
from collections.abc import Iterable

Texts = list[str | None]

_SPACE = re.compile(r"[ \t\r\n]*")
_SPACE_AND_COMMENTS = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_STRING = r"(?:[^{quote}\\\x00-\x1f]|\\(?:[\"\\/bfnrt{single}]|u[0-9A-Fa-f]{{4}}))*"
_DOUBLE = re.compile('"(' + _STRING.format(quote='"', single="") + ')"')
_DOUBLE_OR_SINGLE = re.compile('"(' + _STRING.format(quote='"', single="'") + ')"')
_SINGLE = re.compile("'(" + _STRING.format(quote="'", single="'") + ")'")
_SCALAR = re.compile(r"(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?=[\s,\]#]|$)")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)")
_MEANT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_NAMED = {"\b": r"\b", "\t": r"\t", "\n": r"\n", "\f": r"\f", "\r": r"\r", '"': r"\"", "\\": r"\\"}
_WRITTEN = str.maketrans({**{chr(code): f"\\u{code:04X}" for code in range(32)}, **_NAMED})


class NoList(ValueError):
    """The text is not a JSON list of texts; the message is in Jackson's spelling, without its list of positions."""


def read(text: str | bytes, *, lenient: bool) -> Texts | None:
    """The list; None for the JSON value ``null``. Whatever comes after either is not looked at.

    Numbers, ``true`` and ``false`` become texts as they are spelt, ``null`` stays.

    lenient  as request bodies are read: ``'`` for quotes, and comments that begin with ``#``
    Raises NoList.
    """
    if isinstance(text, bytes):
        text = _decoded(text)
    reader = _Reader(text, lenient=lenient)
    if not reader.takes("["):
        if reader.scalar() == "null":
            return None
        raise NoList("Cannot deserialize value of type `java.util.ArrayList<java.lang.String>`")
    texts: Texts = []
    if reader.takes("]"):
        return texts
    while True:
        texts.append(reader.text())
        if reader.takes("]"):
            return texts
        if not reader.takes(","):
            raise reader.fault()


def write(texts: Iterable[str | None]) -> str:
    """Without spaces; only control characters, quotes and backslashes are escaped."""
    return "[" + ",".join("null" if text is None else f'"{text.translate(_WRITTEN)}"' for text in texts) + "]"


class _Reader:
    def __init__(self, text: str, *, lenient: bool) -> None:
        self._text, self._at = text, 0
        self._space = _SPACE_AND_COMMENTS if lenient else _SPACE
        self._strings = (_DOUBLE_OR_SINGLE, _SINGLE) if lenient else (_DOUBLE,)

    def takes(self, mark: str) -> bool:
        self._skip()
        found = self._text.startswith(mark, self._at)
        self._at += len(mark) if found else 0
        return found

    def text(self) -> str | None:
        self._skip()
        for string in self._strings:
            if found := string.match(self._text, self._at):
                self._at = found.end()
                return _unescaped(found[1])
        spelt = self.scalar()
        if spelt is None:
            raise self.fault()
        return None if spelt == "null" else spelt

    def scalar(self) -> str | None:
        """A number, ``true``, ``false`` or ``null`` as it is spelt."""
        self._skip()
        found = _SCALAR.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found[0] if found else None

    def fault(self) -> NoList:
        rest = self._text[self._at :]
        if not rest:
            return NoList("Unexpected end-of-input")
        if rest[0] in "[{":
            return NoList("Cannot deserialize value of type `java.lang.String`")
        return NoList(f"Unexpected character ('{rest[0]}' (code {ord(rest[0])}))")

    def _skip(self) -> None:
        found = self._space.match(self._text, self._at)
        self._at = found.end() if found else self._at


def _decoded(body: bytes) -> str:
    """UTF-8, or UTF-16 or UTF-32 as the first bytes show."""
    try:
        text = body.decode(json.detect_encoding(body))
    except UnicodeDecodeError:
        raise NoList("Invalid UTF-8") from None
    return text.removeprefix(codecs.BOM_UTF8.decode())


def _unescaped(content: str) -> str:
    text = _ESCAPE.sub(lambda found: _named(found[1]), content)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")  # joins halves that belong together


def _named(escape: str) -> str:
    return chr(int(escape[1:], 16)) if len(escape) > 1 else _MEANT.get(escape, escape)
