"""A try of a model: the small synthetic volume that it is sent, and what counts as an answer.

A model may load and yet fail at every inference (a TorchScript file of a newer PyTorch, for one:
https://github.com/NVIDIA/ai-assisted-annotation-client/issues/99).
"""

from __future__ import annotations

import gzip
import io
import math
import zlib
from typing import Any

import nibabel
import numpy

from clients.aiaa import AiaaClient, InferenceResult, ModelEntry
from clients.errors import Broken, Rejected

SHAPE = (64, 64, 64)
_CENTRE = tuple(size // 2 for size in SHAPE)
_RADIUS = 16
_LARGEST = 256 << 20  # bytes of an unpacked mask: 64 channels of the widest voxels
_AIR, _ORGAN = -1000, 60  # Hounsfield units

_FILENAME = "smoke.nii.gz"
# As the viewers send them.
_RESULT_OPTIONS = {"result_extension": ".nii.gz", "result_dtype": "uint16", "result_compress": True}

_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    OverflowError,
    zlib.error,
    nibabel.filebasedimages.ImageFileError,
    nibabel.wrapstruct.WrapStructError,
    nibabel.spatialimages.HeaderDataError,
)


class NoAnswer(Broken):
    """The server answered, but with something that is no result for the volume."""


def run(client: AiaaClient, model: str, deadline: float) -> str:
    """One inference of a model that the server has loaded; what it answered, in words.

    Args:
        model: its name.
        deadline: seconds for the inference.

    Raises:
        Rejected: the server does not list the model, or refused. NoAnswer: its answer is no result for the volume.
        ClientError: the server did not answer, or not as documented.
    """
    entry = client.find(model)
    if entry is None:
        raise Rejected("the server does not list the model", advice="run `bin/pulumi refresh`, then `bin/pulumi up`")
    request = {**params(entry), **_RESULT_OPTIONS}
    result = client.infer(entry, volume(), _FILENAME, deadline, params=request)
    try:
        return judge(result)
    except NoAnswer as error:
        raise NoAnswer(str(error), advice=f"the server's own reason is at {client.url}/logs/?lines=50") from None


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
    return f"mask of {' x '.join(map(str, SHAPE))} voxels, {int(numpy.count_nonzero(mask))} labelled"


def _read(image: bytes) -> Any:
    try:
        data = _unpacked(image) if image.startswith(b"\x1f\x8b") else image
        with numpy.errstate(all="ignore"):  # odd numbers in its header or its voxels
            mask = nibabel.Nifti1Image.from_bytes(data)
            if mask.shape[:3] != SHAPE:
                raise NoAnswer(f"the mask has shape {mask.shape}, the volume {SHAPE}")
            # Before memory is taken for what the header claims.
            if math.prod(mask.shape) > len(data):
                raise NoAnswer(f"the mask of shape {mask.shape} cannot be read as NIfTI: it has {len(data)} bytes")
            return numpy.asanyarray(mask.dataobj)
    except _UNREADABLE as error:
        raise NoAnswer(f"the mask cannot be read as NIfTI: {error}") from None


def _unpacked(image: bytes) -> bytes:
    with gzip.open(io.BytesIO(image)) as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise NoAnswer(f"the mask unpacks to more than {_LARGEST >> 20} MB")
    return data
