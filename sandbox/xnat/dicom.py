"""A small invented CT series as DICOM files: a bright ball in the dark, nobody's.

Source: DICOM PS3.5 and PS3.10 (https://dicom.nema.org/medical/dicom/current/output/html/part10.html): explicit VR,
little endian.
"""

import struct
from collections.abc import Iterator
from hashlib import sha256

_SIZE = 16  # pixels of a side, and slices
_CT_IMAGE_STORAGE, _EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"
_LONG = (b"OB", b"OW")


def uid(*parts: str) -> str:
    """The same for the same parts."""
    return f"2.25.{int.from_bytes(sha256('/'.join(parts).encode()).digest()[:15])}"


def series(session: str, patient: str, scan: str, date: str) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files of one scan.

    session, patient  what XNAT calls the session and its subject
    date              as XNAT writes it
    """
    for number in range(1, _SIZE + 1):
        yield f"{number:03d}.dcm", _file(session, patient, scan, date.replace("-", ""), number)


def _file(session: str, patient: str, scan: str, date: str, number: int) -> bytes:
    instance = uid(session, scan, str(number))
    meta = b"".join(
        [
            _element(0x0002, 0x0001, b"OB", b"\x00\x01"),
            _element(0x0002, 0x0002, b"UI", _CT_IMAGE_STORAGE),
            _element(0x0002, 0x0003, b"UI", instance),
            _element(0x0002, 0x0010, b"UI", _EXPLICIT_LITTLE_ENDIAN),
            _element(0x0002, 0x0012, b"UI", uid("XNAT stand-in")),
        ]
    )
    elements: list[tuple[int, int, bytes, str | int | bytes]] = [
        (0x0008, 0x0016, b"UI", _CT_IMAGE_STORAGE),
        (0x0008, 0x0018, b"UI", instance),
        (0x0008, 0x0020, b"DA", date),
        (0x0008, 0x0060, b"CS", "CT"),
        (0x0010, 0x0010, b"PN", patient),
        (0x0010, 0x0020, b"LO", session),
        (0x0018, 0x0050, b"DS", "2"),
        (0x0020, 0x000D, b"UI", uid(session)),
        (0x0020, 0x000E, b"UI", uid(session, scan)),
        (0x0020, 0x0011, b"IS", scan if scan.isdigit() else "0"),
        (0x0020, 0x0013, b"IS", str(number)),
        (0x0020, 0x0032, b"DS", rf"0\0\{2 * number}"),
        (0x0020, 0x0037, b"DS", r"1\0\0\0\1\0"),
        (0x0020, 0x0052, b"UI", uid(session, "frame")),
        (0x0028, 0x0002, b"US", 1),
        (0x0028, 0x0004, b"CS", "MONOCHROME2"),
        (0x0028, 0x0010, b"US", _SIZE),
        (0x0028, 0x0011, b"US", _SIZE),
        (0x0028, 0x0030, b"DS", r"2\2"),
        (0x0028, 0x0100, b"US", 16),
        (0x0028, 0x0101, b"US", 16),
        (0x0028, 0x0102, b"US", 15),
        (0x0028, 0x0103, b"US", 1),
        (0x0028, 0x1052, b"DS", "0"),
        (0x0028, 0x1053, b"DS", "1"),
        (0x7FE0, 0x0010, b"OW", _pixels(number)),
    ]
    length = _element(0x0002, 0x0000, b"UL", struct.pack("<I", len(meta)))
    return bytes(128) + b"DICM" + length + meta + b"".join(_element(*each) for each in elements)


def _element(group: int, number: int, kind: bytes, value: str | int | bytes) -> bytes:
    data = struct.pack("<H", value) if isinstance(value, int) else value
    data = data.encode() if isinstance(data, str) else data
    if len(data) % 2:
        data += b"\x00" if kind in (b"UI", b"OB") else b" "
    length = struct.pack("<HI", 0, len(data)) if kind in _LONG else struct.pack("<H", len(data))
    return struct.pack("<HH", group, number) + kind + length + data


def _pixels(number: int) -> bytes:
    middle, radius = (_SIZE - 1) / 2, _SIZE / 3
    ball = (
        (row - middle) ** 2 + (column - middle) ** 2 + (number - 1 - middle) ** 2 < radius**2
        for row in range(_SIZE)
        for column in range(_SIZE)
    )
    return b"".join(struct.pack("<h", 60 if inside else -1000) for inside in ball)
