"""The image that fits what a model's configuration says of its input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from model_files.document import found

_ANY = 64  # voxels along an axis of which nothing is said
_SLICES = 8  # of a volume for a 2D model
_SMALLEST, _LARGEST = 16, 256  # voxels along an axis
_MOST_CHANNELS = 8
_MOST_VOXELS = 32 << 20  # of all channels: 64 MB as they are sent, and several times that within a server

# The channels that a pre-transform adds to the image (https://docs.monai.io/en/0.8.1/: AddGuidanceSignald of
# monai.apps.deepgrow, AddExtremePointsChanneld), and those of the model types, if no transform says more: deepgrow has
# one for clicks within and one for clicks without, DExtr3D one for the extreme points.
_OF_TRANSFORM = {"AddGuidanceSignal": 2, "AddExtremePointsChannel": 1}
_OF_TYPE = {"deepgrow": 2, "annotation": 1}


@dataclass(frozen=True)
class Declared:
    """
    Attributes:
        channels: of the image; guidance that the server adds is not counted.
        shape: voxels along the image's three axes.
    """

    channels: int = 1
    shape: tuple[int, int, int] = (_ANY, _ANY, _ANY)


def declared(config: Any) -> Declared:
    """An image that the model takes, of a size that any server can take.

    Args:
        config: any JSON document, as it may be what a server says of a model, whose form is documented nowhere.
    """
    dims = found(config, "inference", "TRITON", "triton_model_config", "input", 0, "dims")
    if _is_shape(dims, (3, 4)):
        return _fitting(_image_channels(dims[0], config), dims[1:])
    # Clara 3.x says how many of a field (https://github.com/fzbuzz/Clara-Train-Spleen has one of its configs).
    field = found(config, "inference", "image")
    channels = found(config, "inference", "trtis", "input_channels", field if isinstance(field, str) else "image")
    for where in (("AIAA", "args"), ("TRITON", "args"), ("args",), ()):  # the last two: Clara 3.x, config version 3, 2
        roi = found(config, "inference", *where, "roi")
        if _is_shape(roi, (2, 3)):
            return _fitting(_image_channels(channels, config), roi)
    return Declared()


def _image_channels(channels: Any, config: Any) -> int:
    """Of the network's channels, those that are the image's; 1 where their number is open."""
    return min(max(channels - _guidance(config), 1), _MOST_CHANNELS) if type(channels) is int else 1


def _is_shape(value: Any, lengths: tuple[int, ...]) -> bool:
    return isinstance(value, list) and len(value) in lengths and all(type(size) is int for size in value)


def _fitting(channels: int, sizes: Sequence[int]) -> Declared:
    for largest in (_LARGEST, _LARGEST // 2):
        first, second, *third = (min(max(size, _SMALLEST), largest) if size > 0 else _ANY for size in sizes)
        shape = first, second, third[0] if third else _SLICES
        if channels * math.prod(shape) <= _MOST_VOXELS:
            break
    return Declared(channels, shape)


def _guidance(config: Any) -> int:
    """How many of the network's channels are not the image's."""
    transforms = found(config, "pre_transforms")
    for transform in transforms if isinstance(transforms, list) else []:
        name = found(transform, "name")
        short = name.rpartition(".")[2] if isinstance(name, str) else ""
        for added, channels in _OF_TRANSFORM.items():
            if short.startswith(added):
                return channels
    kind = found(config, "type")
    return _OF_TYPE.get(kind, 0) if isinstance(kind, str) else 0
