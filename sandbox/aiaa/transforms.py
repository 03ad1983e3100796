"""The MONAI and AIAA transforms that NVIDIA's published 4.0 configs and the demonstration models name, with numpy.

A transform takes the data dictionary and changes it. Beside an image's array stands its :class:`Geometry` under
``<key>_geometry``: what post-transforms need to bring a result back to the input's grid.

Sources: the configs in NVIDIA/clara-train-examples (GettingStarted/config/config_aiaa.json and
AIAA/deepgrow_2D/config/config_aiaa.json under PyTorch/NoteBooks); the documentation of MONAI's transforms.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from sandbox.aiaa import images
from sandbox.aiaa.resampling import resize

Array = npt.NDArray[Any]
Data = dict[str, Any]
Keys = str | Sequence[str]


@dataclass
class Geometry:
    """Where an image came from. ``shape`` is the file's (i, j[, k]), ``extension`` its format; ``steps`` undo resizing,
    cropping and slicing."""

    affine: npt.NDArray[np.float64]
    shape: tuple[int, ...]
    extension: str = ".nii.gz"
    steps: list[Callable[[Array], Array]] = field(default_factory=list)


def each(keys: Keys) -> Iterable[str]:
    return [keys] if isinstance(keys, str) else keys


def geometry(data: Data, key: str) -> Geometry:
    found: Geometry = data[f"{key}_geometry"]
    return found


def load_image(data: Data, keys: Keys, reader: str = "") -> None:  # noqa: ARG001 - the format is recognized by the content
    for key in each(keys):
        image = images.read(data[key])
        data[key] = image.voxels.astype(np.float32)
        data[f"{key}_geometry"] = Geometry(image.affine, image.voxels.shape[: image.axes], image.extension)


def add_channel(data: Data, keys: Keys) -> None:
    for key in each(keys):
        data[key] = data[key][None]


def as_channel_first(data: Data, keys: Keys, channel_dim: int = -1) -> None:
    for key in each(keys):
        data[key] = np.moveaxis(data[key], channel_dim, 0)


def as_channel_last(data: Data, keys: Keys, channel_dim: int = 0) -> None:
    for key in each(keys):
        data[key] = np.moveaxis(data[key], channel_dim, -1)


def ensure_channel_first(data: Data, keys: Keys) -> None:
    """The axis that follows the file's spatial ones comes first; a file without one gets a channel axis of one."""
    for key in each(keys):
        has_channels = data[key].ndim > len(geometry(data, key).shape)
        data[key] = np.moveaxis(data[key], -1, 0) if has_channels else data[key][None]


def spacing(data: Data, keys: Keys, pixdim: Sequence[float], mode: str = "bilinear") -> None:
    """Resample to a voxel size in mm; the axes after the first are taken for the file's i, j (and k), as MONAI does."""
    for key in each(keys):
        where = geometry(data, key)
        before = data[key].shape[1:]
        sizes = np.linalg.norm(where.affine[:3, :3], axis=0)[: len(before)]
        after = np.maximum(1, np.rint(before * sizes / np.asarray(pixdim[: len(before)]))).astype(int)
        data[key] = resize(data[key], after.tolist(), "nearest" if mode == "nearest" else "linear")
        where.steps.append(partial(resize, shape=before, mode="nearest"))


def scale_intensity_range(
    data: Data, keys: Keys, a_min: float, a_max: float, b_min: float, b_max: float, clip: bool = False
) -> None:
    for key in each(keys):
        scaled = (data[key] - a_min) / (a_max - a_min) * (b_max - b_min) + b_min
        data[key] = np.clip(scaled, b_min, b_max) if clip else scaled


def scale_intensity(data: Data, keys: Keys, minv: float = 0.0, maxv: float = 1.0) -> None:
    for key in each(keys):
        low, high = float(data[key].min()), float(data[key].max())
        data[key] = (data[key] - low) / (high - low or 1.0) * (maxv - minv) + minv


def normalize_intensity(data: Data, keys: Keys, subtrahend: float | None = None, divisor: float | None = None) -> None:
    for key in each(keys):
        mean = data[key].mean() if subtrahend is None else subtrahend
        deviation = data[key].std() if divisor is None else divisor
        data[key] = (data[key] - mean) / (deviation or 1.0)


def resized(data: Data, keys: Keys, spatial_size: Sequence[int], mode: str = "area") -> None:
    for key in each(keys):
        before = data[key].shape[1:]
        how = {"nearest": "nearest", "area": "area"}.get(mode, "linear")
        data[key] = resize(data[key], spatial_size, how)  # type: ignore[arg-type]
        geometry(data, key).steps.append(partial(resize, shape=before, mode="nearest"))


def activations(data: Data, keys: Keys, sigmoid: bool = False, softmax: bool = False) -> None:
    for key in each(keys):
        if sigmoid:
            data[key] = 1.0 / (1.0 + np.exp(-data[key]))
        if softmax:
            axis = _class_axis(data[key])
            powers = np.exp(data[key] - data[key].max(axis=axis, keepdims=True))
            data[key] = powers / powers.sum(axis=axis, keepdims=True)


def as_discrete(
    data: Data, keys: Keys, argmax: bool = False, threshold_values: bool = False, logit_thresh: float = 0.5
) -> None:
    for key in each(keys):
        if argmax:
            data[key] = np.argmax(data[key], axis=_class_axis(data[key]), keepdims=True)
        if threshold_values:
            data[key] = data[key] >= logit_thresh
        data[key] = data[key].astype(np.uint8)


def squeeze_dim(data: Data, keys: Keys, dim: int = 0) -> None:
    for key in each(keys):
        data[key] = np.squeeze(data[key], dim)


def to_numpy(data: Data, keys: Keys) -> None:
    """Nothing to do: everything is numpy here."""


def restored(data: Data, keys: Keys, ref_image: str) -> None:
    """Bring a label volume back to the shape of the image it was computed from."""
    shape = geometry(data, ref_image).shape
    for key in each(keys):
        label = data[key]
        data[key] = resize(label.reshape(label.shape[-len(shape) :]), shape, "nearest")


def largest_component(data: Data, keys: Keys) -> None:
    """Keep the largest piece of the foreground whose voxels touch by faces."""
    for key in each(keys):
        left = data[key] > 0
        largest = np.zeros_like(left)
        while left.sum() > largest.sum():
            piece = _piece_of(left)
            left &= ~piece
            if piece.sum() > largest.sum():
                largest = piece
        data[key] = np.where(largest, data[key], 0)


def extreme_points(data: Data, keys: Keys, result: str = "result", points: str = "points") -> None:
    """Voxels of the foreground, the lowest and the highest along each axis; none for an empty mask."""
    for key in each(keys):
        voxels = np.argwhere(data[key] > 0)
        ends = (
            [voxels[pick(voxels[:, axis])] for axis in range(voxels.shape[1]) for pick in (np.argmin, np.argmax)]
            if len(voxels)
            else []
        )
        data.setdefault(result, {})[points] = [end.tolist() for end in ends]


def bounding_box(data: Data, keys: Keys, result: str = "result", bbox: str = "bbox") -> None:
    """Lowest and highest foreground index along each axis; none for an empty mask."""
    for key in each(keys):
        voxels = np.argwhere(data[key] > 0)
        box = [voxels.min(axis=0).tolist(), voxels.max(axis=0).tolist()] if len(voxels) else []
        data.setdefault(result, {})[bbox] = box


def _class_axis(array: Array) -> int:
    """The classes' axis: the first, or the second where a batch axis of one precedes it (NVIDIA's spleen config)."""
    return 1 if array.shape[0] == 1 and array.ndim > 1 else 0


def _piece_of(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """All voxels that are joined to the first one of the mask: grown by one voxel until nothing is added."""
    piece = np.zeros_like(mask)
    piece.flat[np.argmax(mask)] = True
    size = 0
    while size < (size := int(piece.sum())):
        grown = piece.copy()
        for axis in range(mask.ndim):
            ahead, behind = np.moveaxis(grown, axis, 0), np.moveaxis(piece, axis, 0)
            ahead[1:] |= behind[:-1]
            ahead[:-1] |= behind[1:]
        piece = grown & mask
    return piece
