"""Finding things in a JSON document of which nothing is certain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def found(document: Any, *path: str | int) -> Any:
    """The value at a path of keys and indices; None where the document has no such place."""
    for part in path:
        if isinstance(part, str) and isinstance(document, Mapping):
            document = document.get(part)
        elif isinstance(part, int) and isinstance(document, list) and part < len(document):
            document = document[part]
        else:
            return None
    return document
