"""The small synthetic volume that a smoke test sends, and what counts as an answer. Knows nothing of Pulumi."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from typing import Any

import nibabel
import numpy

from clients.aiaa import InferenceResult, ModelEntry

SHAPE = (64, 64, 64)
_CENTRE = tuple(size // 2 for size in SHAPE)
_RADIUS = 16
_AIR, _ORGAN = -1000, 60  # Hounsfield units

FILENAME = "smoke.nii.gz"

_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    nibabel.filebasedimages.ImageFileError,
    nibabel.wrapstruct.WrapStructError,
    nibabel.spatialimages.HeaderDataError,
)


class NoAnswer(Exception):
    """The server answered, but with something that is no result for the volume."""


def volume() -> bytes:
    """A ball of soft tissue in air as gzipped NIfTI: int16 Hounsfield units, 64 x 64 x 64 voxels of 2 mm."""
    grid = numpy.indices(SHAPE)
    distance2 = sum((axis - centre) ** 2 for axis, centre in zip(grid, _CENTRE, strict=True))
    voxels = numpy.where(distance2 <= _RADIUS**2, _ORGAN, _AIR).astype(numpy.int16)
    image = nibabel.Nifti1Image(voxels, numpy.diag([2.0, 2.0, 2.0, 1.0]))  # type: ignore[no-untyped-call]
    return gzip.compress(image.to_bytes(), mtime=0)


def params(model: ModelEntry) -> dict[str, Any]:
    """What the model's route needs beside the image: the ball's extreme points, or a click into its middle."""
    x, y, z = _CENTRE
    if model.type == "annotation":
        r = _RADIUS
        return {"points": [[x - r, y, z], [x + r, y, z], [x, y - r, z], [x, y + r, z], [x, y, z - r], [x, y, z + r]]}
    if model.type == "deepgrow":
        return {"foreground": [list(_CENTRE)], "background": [], "current_point": list(_CENTRE)}
    return {}


def judge(result: InferenceResult) -> str:
    """What the model answered, in words.

    An empty mask is an answer: a model trained on patients need not see an organ in a ball.

    Raises:
        NoAnswer: no image where one belongs, one that cannot be read, or one of another shape.
    """
    if result.image is None:
        if not result.params:
            raise NoAnswer("the answer holds neither an image nor results")
        return f"results: {', '.join(sorted(result.params))}"
    mask = _read(result.image)
    if mask.shape[:3] != SHAPE:
        raise NoAnswer(f"the mask has shape {mask.shape}, the volume {SHAPE}")
    return f"mask of {' x '.join(map(str, SHAPE))} voxels, {int(numpy.count_nonzero(mask))} labelled"


def _read(image: bytes) -> Any:
    try:
        data = gzip.decompress(image) if image.startswith(b"\x1f\x8b") else image
        return numpy.asanyarray(nibabel.Nifti1Image.from_bytes(data).dataobj)
    except _UNREADABLE as error:
        raise NoAnswer(f"the mask cannot be read as NIfTI: {' '.join(str(error).split())}") from None


def request_options() -> Mapping[str, Any]:
    """Result options as the viewers send them."""
    return {"result_extension": ".nii.gz", "result_dtype": "uint16", "result_compress": True}
