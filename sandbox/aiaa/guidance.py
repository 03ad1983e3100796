"""Transforms that turn a user's points into input channels, and the result back into a mask of the whole image.

They stand for ``monai.apps.deepgrow.transforms`` as NVIDIA's deepgrow configs use them. There the image is (k, i, j):
``AsChannelFirstd`` put the slices first. Points come from the client as (i, j, k).

Sources: MONAI's documentation of monai.apps.deepgrow; NVIDIA/clara-train-examples' deepgrow_2D and deepgrow_3D configs.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sandbox.aiaa.errors import AIAAException
from sandbox.aiaa.transforms import Array, Data, Keys, each, geometry

Points = npt.NDArray[np.int64]
Guidance = tuple[Points, Points]
"""Foreground and background points, one per row, as indices into the image as it is by now."""


def add_guidance_from_points(
    data: Data,
    ref_image: str,
    guidance: str = "guidance",
    foreground: str = "foreground",
    background: str = "background",
    dimensions: int = 2,
) -> None:
    """Points of the request become guidance; for ``dimensions`` 2 only those in the slice of the first one."""
    shape = np.roll(geometry(data, ref_image).shape, 1)
    factor = np.asarray(data[ref_image].shape) / shape
    both = tuple(
        (np.roll(np.asarray(data.get(key) or [], float).reshape(-1, 3), 1, axis=1) * factor).astype(np.int64)
        for key in (foreground, background)
    )
    if not sum(map(len, both)):
        raise AIAAException("INVALID_INPUT", f"this model needs points: neither {foreground} nor {background} has any")
    if dimensions == 2:
        index = int((both[0] if len(both[0]) else both[1])[0, 0])
        data[f"{guidance}_slice"] = index
        both = tuple(points[points[:, 0] == index][:, 1:] for points in both)
    data[guidance] = both


def fetch_2d_slice(data: Data, keys: Keys, guidance: str = "guidance") -> None:
    """The slice (i, j) that the points are in."""
    index = data[f"{guidance}_slice"]
    for key in each(keys):
        whole = data[key].shape
        data[key] = data[key][index]

        def put_back(label: Array, whole: tuple[int, ...] = whole) -> Array:
            volume = np.zeros((whole[0], *label.shape), label.dtype)
            volume[index] = label
            return volume

        geometry(data, key).steps.insert(0, put_back)


def crop_to_guidance(data: Data, keys: Keys, guidance: str, spatial_size: Sequence[int], margin: int = 20) -> None:
    """Crop around the points: ``spatial_size`` about their centre, or their box with a margin where that is larger.

    A ``spatial_size`` shorter than the image's axes counts for the last ones; the leading ones are kept whole. One in
    the request goes before the config's.
    """
    points = np.concatenate(data[guidance])
    spatial_size = data.get("spatial_size") or spatial_size
    for key in each(keys):
        shape = np.asarray(data[key].shape[1:])
        whole = len(shape) - len(spatial_size)
        wanted = np.asarray([*shape[:whole], *spatial_size])
        low, high = points.min(axis=0) - margin, points.max(axis=0) + margin + 1
        if np.all((high - low)[whole:] <= wanted[whole:]):
            low = (points.min(axis=0) + points.max(axis=0)) // 2 - wanted // 2
            high = low + wanted
        low[:whole], high[:whole] = 0, shape[:whole]
        low, high = np.clip(low, 0, shape - 1), np.clip(high, 1, shape)
        window = tuple(slice(start, end) for start, end in zip(low, high, strict=True))
        data[key] = data[key][(slice(None), *window)]

        def put_back(label: Array, shape: Any = shape, window: Any = window) -> Array:
            volume = np.zeros(shape, label.dtype)
            volume[window] = label
            return volume

        geometry(data, key).steps.append(put_back)
        data[guidance] = tuple(part - low for part in data[guidance])
        data[f"{guidance}_shape"] = high - low


def resize_guidance(data: Data, guidance: str, ref_image: str) -> None:
    """Move the points as ``Resized`` moved the cropped image."""
    factor = np.asarray(data[ref_image].shape[1:]) / data[f"{guidance}_shape"]
    data[guidance] = tuple((part * factor).astype(np.int64) for part in data[guidance])


def add_guidance_signal(data: Data, image: str = "image", guidance: str = "guidance", sigma: float = 2.0) -> None:
    """Two more channels: a bump of height 1 at each foreground, and at each background, point."""
    shape = data[image].shape[1:]
    channels = [_bumps(points, shape, sigma) for points in data[guidance]]
    data[image] = np.concatenate([data[image], *(channel[None] for channel in channels)]).astype(np.float32)


def restore_label(data: Data, keys: Keys, ref_image: str, mode: str = "nearest") -> None:  # noqa: ARG001
    """Undo resizing, cropping, resampling and slicing, last first; the result is (k, i, j)."""
    for key in each(keys):
        label = data[key][0]
        for undo in reversed(geometry(data, ref_image).steps):
            label = undo(label)
        data[key] = label


def _bumps(points: Points, shape: tuple[int, ...], sigma: float) -> Array:
    signal = np.zeros(shape, np.float32)
    for point in points:
        bump = np.ones((), np.float32)
        for centre, size in zip(point, shape, strict=True):
            bump = np.multiply.outer(bump, np.exp(-(((np.arange(size) - centre) / sigma) ** 2) / 2))
        np.maximum(signal, bump, out=signal)
    return signal
