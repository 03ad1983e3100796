"""How a file is told that AIAA cannot take."""

from __future__ import annotations

_LONGEST = 80  # characters of somebody else's text that are shown


class Unusable(Exception):
    """A file, or what it holds, cannot be used; the message is one line that says why, and what to do."""

    def __init__(self, told: str) -> None:
        super().__init__(one_line(told))


def one_line(text: str) -> str:
    """The text on one line that can be shown and stored: names within a file may hold anything."""
    return " ".join("".join(char if char.isprintable() or char.isspace() else "?" for char in text).split())


def shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def size_in_words(size: int) -> str:
    """Bytes as people say them."""
    return f"{size} bytes" if size < 10_000 else f"{size / 1e6:.2f} MB"
