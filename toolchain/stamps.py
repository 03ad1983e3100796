"""Notes of what is done already, by the digest of what it was made from: anything changed is done again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from toolchain import layout


def digest(texts: Iterable[str], files: Iterable[Path] = ()) -> str:
    """Of texts, and of files' names and contents, in this order."""
    total = hashlib.sha256()
    for text in texts:
        total.update(f"{text}\0".encode())
    for file in files:
        total.update(f"{file.name}\0".encode())
        total.update(file.read_bytes())
    return total.hexdigest()


def holds(name: str, made_from: str) -> bool:
    stamp = layout.STAMPS / name
    return stamp.is_file() and stamp.read_text() == made_from


def put(name: str, made_from: str) -> None:
    layout.STAMPS.mkdir(parents=True, exist_ok=True)
    write(layout.STAMPS / name, made_from)


def remove(name: str) -> None:
    (layout.STAMPS / name).unlink(missing_ok=True)


def write(path: Path, text: str) -> None:
    """Whole or not at all, also when interrupted."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text)
    partial.replace(path)
