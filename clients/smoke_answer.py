"""What a model answered to a smoke test, in words: whatever a server sends, without much memory."""

from __future__ import annotations

import gzip
import io
import json
import math
import zlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

import nibabel
import numpy
import PIL.Image

from clients.errors import Broken, one_line

_LARGEST = 256 << 20  # bytes of an unpacked mask
_MOST_CHANNELS = 64
_MOST_VALUES = 1000  # that are told from each other: a mask of labels has few
_LABELS_TOLD = 8
_RESULTS_TOLD = 8
_LONGEST = 40  # characters of one result
_LONGEST_IN_ALL = 300

_PNG = b"\x89PNG\r\n\x1a\n"

_UNREADABLE = (
    PIL.Image.DecompressionBombError,
    SyntaxError,  # Pillow's word for a broken PNG
    OSError,
    EOFError,
    TypeError,  # voxels that are no numbers
    ValueError,
    OverflowError,
    zlib.error,
    nibabel.filebasedimages.ImageFileError,
    nibabel.wrapstruct.WrapStructError,
    nibabel.spatialimages.HeaderDataError,
)


class NoAnswer(Broken):
    """The server answered, but with something that is no result for the image."""


class WrongShape(NoAnswer):
    """The mask does not fit the image."""


class NoLabels(NoAnswer):
    """The mask holds values that no label has."""


def mask_in_words(image: bytes, shape: tuple[int, ...], *, for_viewer: bool = False) -> str:
    """A mask's size, and how many voxels have which label.

    Args:
        image: NIfTI, gzipped or not; or PNG.
        shape: of the image that was sent, which the mask has to have; channels may follow.
        for_viewer: it has to be what viewers ask for: NIfTI (`result_extension`), with whole numbers from 0 on
            (`result_dtype`).

    Raises:
        NoAnswer: it cannot be read, has another shape, or is not for a viewer.
    """
    kind = "PNG" if image.startswith(_PNG) else "NIfTI"
    if for_viewer and kind == "PNG":
        raise NoAnswer("the mask is a PNG, where NIfTI was asked for")
    try:
        labelled, values = _counted(image, shape)
    except PIL.UnidentifiedImageError:  # its words name an object in memory
        raise NoAnswer(f"the mask cannot be read as {kind}: it is damaged") from None
    except _UNREADABLE as error:
        raise NoAnswer(f"the mask cannot be read as {kind}: {error}") from None
    if for_viewer and (no_labels := [value for value in values if not _is_label(value)]):
        raise NoLabels(f"the mask holds {_label(no_labels[0])}, which is no label: they are whole numbers from 0 on")
    size = f"mask of {' x '.join(map(str, shape))} voxels"
    if not labelled:
        return f"{size}, no voxel labelled"
    if len(values) > _MOST_VALUES:
        return f"{size}, {labelled} of them with more than {_MOST_VALUES} different values"
    told = [f"{_label(value)} ({count} voxel{'s' if count > 1 else ''})" for value, count in sorted(values.items())]
    more = [f"{len(told) - _LABELS_TOLD} more"] if len(told) > _LABELS_TOLD else []
    return f"{size}, label{'s' if len(told) > 1 else ''} {_listed(told[:_LABELS_TOLD] + more)}"


def results_in_words(params: Mapping[str, Any]) -> str:
    """Names and values, as far as they are short."""
    told = []
    for name, value in sorted(params.items()):
        word = _value(value)
        told.append(f"{one_line(name)[:_LONGEST]} = {word}" if word else one_line(name)[:_LONGEST])
    more = [f"{len(told) - _RESULTS_TOLD} more"] if len(told) > _RESULTS_TOLD else []
    words = f"results: {', '.join(told[:_RESULTS_TOLD] + more)}"
    return words if len(words) <= _LONGEST_IN_ALL else f"{words[:_LONGEST_IN_ALL]}..."


def _counted(image: bytes, shape: tuple[int, ...]) -> tuple[int, Counter[float]]:
    """How many voxels are not 0, and how many have which value; of these, some more than are told are enough."""
    if image.startswith(_PNG):
        return _counted_of_png(image, shape)
    data = _unpacked(image) if image.startswith(b"\x1f\x8b") else image
    labelled, values = 0, Counter[float]()
    while len(shape) > 1 and shape[-1] == 1:  # an axis that some libraries leave out
        shape = shape[:-1]
    axes = len(shape)
    with numpy.errstate(all="ignore"):  # odd numbers in its header or its voxels
        mask = nibabel.Nifti1Image.from_bytes(data)
        if mask.shape[:axes] != shape:
            raise WrongShape(f"the mask has shape {mask.shape}, the image {shape}")
        # Before memory is taken for what the header claims.
        if math.prod(mask.shape) > len(data):
            raise NoAnswer(f"the mask of shape {mask.shape} cannot be read as NIfTI: it has {len(data)} bytes")
        if math.prod(mask.shape[axes:]) > _MOST_CHANNELS:
            raise NoAnswer(f"the mask of shape {mask.shape} has more than {_MOST_CHANNELS} channels")
        for channel in numpy.ndindex(mask.shape[axes:]):
            labelled += _count(numpy.asanyarray(mask.dataobj[(..., *channel)]), values)
    return labelled, values


def _counted_of_png(image: bytes, shape: tuple[int, ...]) -> tuple[int, Counter[float]]:
    values = Counter[float]()
    with PIL.Image.open(io.BytesIO(image), formats=("PNG",)) as picture:
        size = picture.height, picture.width  # before memory is taken for what the header claims
        if size != shape:
            raise WrongShape(f"the mask has shape {size}, the image {shape}")
        return _count(numpy.asarray(picture).astype(numpy.int64), values), values


def _count(voxels: Any, values: Counter[float]) -> int:
    found, counts = numpy.unique(voxels[voxels != 0], return_counts=True)
    if len(values) <= _MOST_VALUES:
        few = slice(_MOST_VALUES + 1)
        values.update(dict(zip(found[few].real.tolist(), counts[few].tolist(), strict=True)))
    return int(counts.sum())


def _unpacked(image: bytes) -> bytes:
    with gzip.open(io.BytesIO(image)) as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise NoAnswer(f"the mask unpacks to more than {_LARGEST >> 20} MB")
    return data


def _is_label(value: float) -> bool:
    return math.isfinite(value) and value >= 0 and value == int(value)


def _label(value: float) -> str:
    return str(int(value)) if math.isfinite(value) and value == int(value) else f"{value:.4g}"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _value(value: Any) -> str:
    """A number, a text, or some of them; "" for what is long or nested."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        words = [_value(item) for item in value[:5]]
        word = f"[{', '.join(words)}]" if len(value) < 5 and all(words) else ""
    elif isinstance(value, int) and abs(value) >= 10**20:
        word = ""
    else:
        word = "" if isinstance(value, dict) else one_line(value if isinstance(value, str) else json.dumps(value))
    return word if len(word) <= _LONGEST else ""
