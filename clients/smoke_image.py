"""The image of a smoke test, and the points that a user would click in the image."""

from __future__ import annotations

import gzip
import io
from typing import Any

import nibabel
import numpy
import PIL.Image

from clients.aiaa_answers import ModelEntry
from model_files.config import Declared

_AIR, _ORGAN = -1000, 60  # Hounsfield units
_DARK, _BRIGHT = 0, 200  # of a picture
_VOXEL = 1.0  # mm: published configurations resample to this size, so the shape stays the same
_AXES = 3  # of a point, whatever the image has


def volume(image: Declared) -> bytes:
    """A ball of soft tissue in air as gzipped NIfTI: int16 Hounsfield units in voxels of 1 mm, the channels last if
    there are several; in a 2D image it is a disc. Along each axis it takes half of the image.
    In a PNG the disc is bright on dark, in 8 bits."""
    inside = sum(
        (((numpy.arange(size) - size // 2) / _radius(size)) ** 2).reshape(
            [-1 if other == axis else 1 for other in range(len(image.shape))]
        )
        for axis, size in enumerate(image.shape)
    )
    if image.format == "png":
        file = io.BytesIO()
        PIL.Image.fromarray(_channels(numpy.where(inside <= 1, _BRIGHT, _DARK), image, numpy.uint8)).save(file, "PNG")
        return file.getvalue()
    voxels = _channels(numpy.where(inside <= 1, _ORGAN, _AIR), image, numpy.int16)
    nifti = nibabel.Nifti1Image(voxels, numpy.diag([_VOXEL, _VOXEL, _VOXEL, 1.0]))  # type: ignore[no-untyped-call]
    return gzip.compress(nifti.to_bytes(), 6, mtime=0)


def filename(image: Declared) -> str:
    """The name in the form: XNAT's viewer uses one name for all images."""
    return "image.png" if image.format == "png" else "image.nii.gz"


def points(model: ModelEntry, image: Declared) -> dict[str, Any]:
    """The ball's extreme points for a model of annotation, a click into its middle for one of deepgrow."""
    centre = _in_3d([size // 2 for size in image.shape])
    if model.type == "annotation":
        ends = [(axis, sign * (size // 4)) for axis, size in enumerate(image.shape) for sign in (-1, 1)]
        return {"points": [[at + (reach if i == axis else 0) for i, at in enumerate(centre)] for axis, reach in ends]}
    # NVIDIA's viewer offers a pipeline as a deepgrow model, too.
    if model.type == "deepgrow" or (model.type == "pipeline" and "deepgrow" in model.meta):
        return {"foreground": [centre], "background": []}
    return {}


def _channels(values: Any, image: Declared, kind: type) -> Any:
    voxels = values.astype(kind)
    return numpy.repeat(voxels[..., None], image.channels, axis=-1) if image.channels > 1 else voxels


def _in_3d(point: list[int]) -> list[int]:
    return point + [0] * (_AXES - len(point))


def _radius(size: int) -> int:
    return max(size // 4, 1)
