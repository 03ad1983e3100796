"""A try of a model: one inference of a synthetic image that fits what the model declares, and what was answered.

A model may load and yet fail at every inference (a TorchScript file of a newer PyTorch, for one:
https://github.com/NVIDIA/ai-assisted-annotation-client/issues/99; or an image with too few channels: issue 92 there).
"""

from __future__ import annotations

import gzip
import time
from dataclasses import dataclass
from typing import Any

import nibabel
import numpy

from clients.aiaa import AiaaClient, InferenceResult, ModelEntry
from clients.errors import Rejected
from clients.smoke_answer import NoAnswer, mask_in_words, results_in_words
from model_files.config import Declared
from model_files.config import declared as declared_by

__all__ = ["NoAnswer", "Trial", "judge", "params", "run", "volume"]

_AIR, _ORGAN = -1000, 60  # Hounsfield units
_VOXEL = 1.0  # mm: what published configurations resample to, which then leaves the shape as it is

_FILENAME = "smoke.nii.gz"
# As the viewers send them.
_RESULT_OPTIONS = {"result_extension": ".nii.gz", "result_dtype": "uint16", "result_compress": True}


@dataclass(frozen=True)
class Trial:
    """
    Attributes:
        seconds: that the inference took.
        found: what the model answered, in words.
    """

    seconds: float
    found: str

    def __str__(self) -> str:
        return f"{self.found}, in {self.seconds:.1f} s"


def run(client: AiaaClient, model: str, deadline: float, *, declared: Declared | None = None) -> Trial:
    """One inference of a model that the server has loaded.

    Args:
        model: its name.
        deadline: seconds for the inference.
        declared: the image that the model takes; None: as the server says of its configuration, if it does.

    Raises:
        Rejected: the server does not list the model, or refused. NoAnswer: its answer is no result for the image.
        ClientError: the server did not answer, or not as documented.
    """
    entry = client.find(model)
    if entry is None:
        raise Rejected("the server does not list the model", advice="run `bin/pulumi refresh`, then `bin/pulumi up`")
    image = declared or declared_by(client.config(model))
    request = {**params(entry, image), **_RESULT_OPTIONS}
    sent = volume(image)
    began = time.monotonic()
    result = client.infer(entry, sent, _FILENAME, deadline, params=request)
    seconds = time.monotonic() - began
    try:
        return Trial(seconds, judge(result, image))
    except NoAnswer as error:
        raise NoAnswer(str(error), advice=f"the server's own reason is at {client.url}/logs/?lines=50") from None


def volume(image: Declared) -> bytes:
    """A ball of soft tissue in air as gzipped NIfTI: int16 Hounsfield units in voxels of 1 mm, the channels last if
    there are several. Along an axis it takes half of the image: in a flat one it is flat."""
    inside = sum(
        (((numpy.arange(size) - size // 2) / _radius(size)) ** 2).reshape([-1 if i == axis else 1 for i in range(3)])
        for axis, size in enumerate(image.shape)
    )
    voxels = numpy.where(inside <= 1, _ORGAN, _AIR).astype(numpy.int16)
    if image.channels > 1:
        voxels = numpy.repeat(voxels[..., None], image.channels, axis=3)
    nifti = nibabel.Nifti1Image(voxels, numpy.diag([_VOXEL, _VOXEL, _VOXEL, 1.0]))  # type: ignore[no-untyped-call]
    return gzip.compress(nifti.to_bytes(), 6, mtime=0)


def params(model: ModelEntry, image: Declared) -> dict[str, Any]:
    """What the model's route needs beside the image: the ball's extreme points, or a click into its middle."""
    centre = [size // 2 for size in image.shape]
    if model.type == "annotation":
        ends = [(axis, sign * _radius(size)) for axis, size in enumerate(image.shape) for sign in (-1, 1)]
        return {"points": [[at + (reach if i == axis else 0) for i, at in enumerate(centre)] for axis, reach in ends]}
    # XNAT's and NVIDIA's viewers offer a pipeline as a deepgrow model where its entry says that it is one.
    if model.type == "deepgrow" or "deepgrow" in model.meta:
        return {"foreground": [centre], "background": [], "current_point": centre}
    return {}


def judge(result: InferenceResult, image: Declared) -> str:
    """What the model answered, in words.

    An empty mask is an answer: a model trained on patients need not see an organ in a ball.

    Raises:
        NoAnswer: no image where one belongs, one that cannot be read, or one of another shape.
    """
    if result.image is not None:
        return mask_in_words(result.image, image.shape)
    if not result.params:
        raise NoAnswer("the answer holds neither an image nor results")
    return results_in_words(result.params)


def _radius(size: int) -> int:
    return size // 4
