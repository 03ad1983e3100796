"""The image that fits what a model's configuration says of its input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from model_files.document import found

_ANY = 64  # voxels along an axis of which nothing is said
_SLICES = 8  # of a volume for a 2D model
_LARGEST = 1024  # voxels along an axis
_LARGEST_OF_MANY = 256  # where the volume that the configuration asks for is too large
_MOST_CHANNELS = 8
_FEW = range(1, _MOST_CHANNELS + 1)
_MOST_VOXELS = 32 << 20  # of all channels: 64 MB as they are sent, and several times that within a server

# The channels that a pre-transform adds to the image (https://docs.monai.io/en/0.8.1/: AddGuidanceSignald of
# monai.apps.deepgrow, AddExtremePointsChanneld), and those of the model types, if no transform says more: deepgrow has
# one for clicks within and one for clicks without, DExtr3D one for the extreme points.
_OF_TRANSFORM = {"addguidancesignal": 2, "addextremepointschannel": 1}
_OF_TYPE = {"deepgrow": 2, "annotation": 1}

# Triton's names for where the channels are, and the transforms that put them there: ConvertToChannelsLast of Clara 3.x
# (https://docs.nvidia.com/clara/clara-train-archive/3.1/nvmidl/apidocs/ai4med/ai4med.components.transforms.html),
# AsChannelLastd of MONAI.
_CHANNELS_LAST = {"FORMAT_NHWC": True, "FORMAT_NCHW": False}
_TO_LAST, _TO_FIRST = ("converttochannelslast", "aschannellast"), ("converttochannelsfirst", "aschannelfirst")

# Readers of pictures: LoadPng of Clara 3.x, LoadPNGd of MONAI before 0.7, and MONAI's LoadImaged with PILReader.
_PNG_READER = "loadpng"
_PICTURE_READERS = ("pilreader",)
_MOST_OF_PNG = 4  # channels that it can have

# Classes for inference that come with AIAA, by their names or the start of these. Other classes are the user's own, and
# may read a volume slice by slice.
_BUILT_IN = ("aiaa.", "TRTISInference", "TFInference", "PTInference")
_SLICED_TYPES = ("deepgrow", "pipeline")  # a click is in one slice of a volume


@dataclass(frozen=True)
class Declared:
    """
    Attributes:
        channels: of the image; guidance that the server adds is not counted.
        shape: voxels along the image's axes, three or two.
        format: the image format that the model reads. A PNG has two axes.
    """

    channels: int = 1
    shape: tuple[int, ...] = (_ANY, _ANY, _ANY)
    format: Literal["nifti", "png"] = "nifti"


def declared(config: Any) -> Declared:
    """An image that the model takes, of a size that any server can take.

    Args:
        config: any JSON document, as it may be what a server says of a model, whose form is documented nowhere.
    """
    channels, sizes = _network_input(config)
    if _reads_pictures(config):
        sizes = (*sizes, _ANY, _ANY)[:2]
        return Declared(min(_image_channels(channels, config), _MOST_OF_PNG), _flat(sizes), "png")
    if not sizes:
        return Declared()
    if len(sizes) == 2 and not _may_slice(config):
        return Declared(_image_channels(channels, config), _flat(sizes))
    return _fitting(_image_channels(channels, config), sizes)


def _network_input(config: Any) -> tuple[Any, Sequence[int]]:
    """The channels and the spatial sizes of the network's input, as far as they are declared: -1 for a variable size,
    and no sizes if none are declared."""
    for section in (("TRITON", "triton_model_config"), ("trtis",)):  # the second: Clara 3.x, config version 3
        tensor = found(config, "inference", *section, "input", 0)
        dims = found(tensor, "dims")
        if _is_shape(dims, (3, 4)):
            last = _has_channels_last(dims, found(tensor, "format"), config)
            return (dims[-1], dims[:-1]) if last else (dims[0], dims[1:])
    # Clara 3.x, config version 2, says how many of a field (https://github.com/fzbuzz/Clara-Train-Spleen has one).
    field = found(config, "inference", "image")
    channels = found(config, "inference", "trtis", "input_channels", field if isinstance(field, str) else "image")
    return channels, _region(config)


def _region(config: Any) -> Sequence[int]:
    """The region of interest: the part of the image that the network processes at a time."""
    for where in (("AIAA", "args"), ("TRITON", "args"), ("args",), ()):  # the last two: Clara 3.x, config version 3, 2
        roi = found(config, "inference", *where, "roi")
        if _is_shape(roi, (2, 3)):
            return list(roi)
    return ()


def _has_channels_last(dims: Sequence[int], form: object, config: Any) -> bool:
    """Whether the last of the dims is the channels: by Triton's config; else by the smaller number; else by the last
    transform that moves the channels."""
    if isinstance(form, str) and form in _CHANNELS_LAST:
        return _CHANNELS_LAST[form]
    if (dims[0] in _FEW) != (dims[-1] in _FEW):
        return dims[-1] in _FEW
    moved = [name for name, _ in _transforms(config) if name.startswith(_TO_LAST + _TO_FIRST)]
    return bool(moved) and moved[-1].startswith(_TO_LAST)


def _reads_pictures(config: Any) -> bool:
    return any(
        name.startswith(_PNG_READER) or str(found(args, "reader")).rpartition(".")[2].lower() in _PICTURE_READERS
        for name, args in _transforms(config)
    )


def _may_slice(config: Any) -> bool:
    """Whether a 2D network may be given slices of a volume."""
    names = [found(config, "inference", *section, "name") for section in (("TRITON",), ("AIAA",), ())]
    own = any(isinstance(name, str) and not name.startswith(_BUILT_IN) for name in names)
    return own or found(config, "type") in _SLICED_TYPES or any("slice" in name for name, _ in _transforms(config))


def _transforms(config: Any) -> list[tuple[str, Any]]:
    """The pre-transforms: their short names in lower case, and their arguments."""
    transforms = found(config, "pre_transforms")
    named = [
        (found(transform, "name"), found(transform, "args"))
        for transform in (transforms if isinstance(transforms, list) else [])
    ]
    return [(name.rpartition(".")[2].lower(), args) for name, args in named if isinstance(name, str)]


def _image_channels(channels: Any, config: Any) -> int:
    """Of the network's channels, those that are the image's; 1 where their number is open."""
    return min(max(channels - _guidance(config), 1), _MOST_CHANNELS) if type(channels) is int else 1


def _is_shape(value: Any, lengths: tuple[int, ...]) -> bool:
    return isinstance(value, list) and len(value) in lengths and all(type(size) is int for size in value)


def _flat(sizes: Sequence[int]) -> tuple[int, ...]:
    return tuple(min(size, _LARGEST) if size > 0 else _ANY for size in sizes)


def _fitting(channels: int, sizes: Sequence[int]) -> Declared:
    """As large as is said, if any server can take that: a network may take nothing else."""
    for largest in (_LARGEST, _LARGEST_OF_MANY, _LARGEST_OF_MANY // 2):
        first, second, *third = (min(size, largest) if size > 0 else _ANY for size in sizes)
        shape = first, second, third[0] if third else _SLICES
        if channels * math.prod(shape) <= _MOST_VOXELS:
            break
    return Declared(channels, shape)


def _guidance(config: Any) -> int:
    """How many of the network's channels are not the image's."""
    for name, _ in _transforms(config):
        for added, channels in _OF_TRANSFORM.items():
            if name.startswith(added):
                return channels
    kind = found(config, "type")
    return _OF_TYPE.get(kind, 0) if isinstance(kind, str) else 0
