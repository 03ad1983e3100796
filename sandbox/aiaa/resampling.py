"""Resizing of voxel arrays with numpy alone, axis by axis."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Mode = Literal["nearest", "linear", "area"]


def resize(array: Array, shape: Sequence[int], mode: Mode) -> Array:
    """Resize the last ``len(shape)`` axes to ``shape``; ``area`` averages the source cells under each result cell."""
    first = array.ndim - len(shape)
    for axis, size in enumerate(shape, start=first):
        if array.shape[axis] != size:
            array = _resize_axis(array, axis, size, mode)
    return array


def _resize_axis(array: Array, axis: int, size: int, mode: Mode) -> Array:
    length = array.shape[axis]
    if mode == "area":
        edges = np.arange(size + 1) * length / size
        starts, ends = np.floor(edges[:-1]).astype(int), np.ceil(edges[1:]).astype(int)
        sums = np.cumsum(np.moveaxis(array, axis, -1), axis=-1, dtype=np.float64)
        sums = np.concatenate([np.zeros((*sums.shape[:-1], 1)), sums], axis=-1)
        means = (sums[..., ends] - sums[..., starts]) / (ends - starts)
        averaged: Array = np.moveaxis(means, -1, axis).astype(array.dtype)
        return averaged
    centres = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
    if mode == "nearest":
        picked: Array = np.take(array, np.floor(centres + 0.5).astype(int), axis=axis)
        return picked
    low = np.floor(centres).astype(int)
    weight = (centres - low).reshape([-1 if other == axis else 1 for other in range(array.ndim)])
    high = np.minimum(low + 1, length - 1)
    mixed: Array = np.take(array, low, axis=axis) * (1 - weight) + np.take(array, high, axis=axis) * weight
    return mixed.astype(array.dtype)
