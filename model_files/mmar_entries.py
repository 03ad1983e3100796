"""Entries of a zip archive that are not taken, whoever made it: those that lead out of it, are not files, cannot be
opened, or claim to be more than they can be (https://cwe.mitre.org/data/definitions/22.html, .../409.html).

The format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
"""

from __future__ import annotations

import importlib
import stat
import zipfile

from model_files.errors import Unusable, shortened, size_in_words

LARGEST_CONFIG = 4 << 20  # bytes
_ENCRYPTED, _PATCH = 0x1, 0x20  # bits of the entry's flags
# Methods that Python can unpack, with the module that each needs; and the names of other methods.
_UNPACKED = {zipfile.ZIP_STORED: "", zipfile.ZIP_DEFLATED: "zlib", zipfile.ZIP_BZIP2: "bz2", zipfile.ZIP_LZMA: "lzma"}
_OTHERS = {
    1: "Shrink",
    **dict.fromkeys(range(2, 6), "Reduce"),
    6: "Implode",
    9: "Deflate64",
    10: "PKWARE's Implode",
    93: "Zstandard",
    95: "XZ",
    98: "PPMd",
    99: "AES encryption",
}
_BOMB = 200  # times its packed size: weights are noise, and shrink to nine tenths
_HARMLESS = 16 << 20  # bytes that anything may unpack to


def require_safe(entry: zipfile.ZipInfo) -> None:
    """
    Raises:
        Unusable: with the entry's name.
    """
    if told := _unsafe_name(entry.orig_filename) or _unsafe_kind(entry):
        raise Unusable(f"its entry {shortened(repr(entry.orig_filename))} {told}")


def require_readable(entry: zipfile.ZipInfo) -> None:
    """Check that an entry can be unpacked here. Windows Explorer, for example, uses Deflate64 for files of more than
    2 GB, which few other programs can read.

    Raises:
        Unusable: with the entry's name.
    """
    if wrong := _unreadable(entry):
        raise Unusable(f"its entry {shortened(repr(entry.orig_filename))} {wrong}")


def _unreadable(entry: zipfile.ZipInfo) -> str | None:
    again = "pack the archive again with another program, such as `zip -r`, or 7-Zip with the method Deflate"
    if entry.volume:
        return f"is in another file of an archive in several parts: {again}, into one file"
    if entry.flag_bits & _PATCH:
        return f"is a patch of another file: {again}"
    if entry.compress_type not in _UNPACKED:
        method = _OTHERS.get(entry.compress_type, f"a method of number {entry.compress_type}")
        return f"is packed with {method}, which cannot be unpacked here: {again}"
    try:
        importlib.import_module(_UNPACKED[entry.compress_type] or "zipfile")
    except ImportError:
        module = _UNPACKED[entry.compress_type]
        return f"cannot be unpacked here, because this Python has no module {module}: {again}"
    return None


def _unsafe_name(name: str) -> str | None:
    parts = name.split("/")
    again = "pack the MMAR again, from its own folder"
    if "\0" in name or not name:
        return f"has no name that a file could have: {again}"
    if "\\" in name:
        return f"has a backslash in its name, which is no folder here: {again}, with another program"
    if name.startswith("/") or (len(parts[0]) >= 2 and parts[0][1] == ":"):
        return f"has an absolute path: {again}"
    if ".." in parts:
        return f"leads out of the archive: {again}"
    return None


def _unsafe_kind(entry: zipfile.ZipInfo) -> str | None:
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        kind = "a link" if stat.S_ISLNK(mode) else "a special file"
        return f"is {kind}, not a file: pack the MMAR again with the files themselves"
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted: pack the MMAR again without a password"
    if entry.file_size > max(_HARMLESS, entry.compress_size * _BOMB):
        packed, whole = size_in_words(entry.compress_size), size_in_words(entry.file_size)
        return f"claims to unpack from {packed} to {whole}, which no model does: get the MMAR from whom made it"
    return None
