"""What a file is, by its first bytes, where it is not what it should be."""

from __future__ import annotations

from pathlib import Path

HEAD = 512  # bytes that are enough to tell
ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_LFS = b"version https://git-lfs.github.com/spec/"  # https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
_MAGIC = {
    b"\x1f\x8b": "a gzip archive: unpack it, and give what is inside",
    b"BZh": "a bzip2 archive: unpack it, and give what is inside",
    b"\xfd7zXZ": "an xz archive: unpack it, and give what is inside",
    b"7z\xbc\xaf": "a 7z archive: unpack it, and give what is inside",
    b"Rar!": "a rar archive: unpack it, and give what is inside",
    b"\x89HDF": "an HDF5 file, as Keras writes it",
    b"\x93NUMPY": "a NumPy array",
}


def head_of(path: Path) -> bytes:
    """
    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return file.read(HEAD)


def no_file(head: bytes) -> str | None:
    """What the file is if it only stands for the real one, and what to do; None if it may be the real file."""
    if not head:
        return "is empty: copy or download it again"
    if head.startswith(_LFS):
        return "is Git LFS's pointer to the file, not the file: run `git lfs pull`"
    if _start(head)[:14].lower().startswith((b"<!doctype html", b"<html")):
        return "is a web page, probably a failed download: download it again (a log-in may be needed)"
    return None


def stray(head: bytes) -> str | None:
    """What a file is that somebody did not mean to give, and what to do; None if it is not one of those."""
    start = _start(head)
    if wrong := no_file(head):
        return wrong
    if start.startswith(b"<"):
        return "is a web page, probably a failed download: download it again (a log-in may be needed)"
    if start.startswith(b"{"):
        return "is JSON, perhaps the error of a download that failed: download it again"
    if head.startswith(_EMPTY_ZIP):
        return "is a zip archive with nothing in it: make it again"
    if head[257:262] == b"ustar":
        return "is a tar archive: unpack it, and give what is inside"
    if not head.strip(b"\0"):
        return "begins with zeros, as a copy that was cut off leaves it: copy it again"
    return next((f"is {what}" for magic, what in _MAGIC.items() if head.startswith(magic)), None)


def _start(head: bytes) -> bytes:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()
