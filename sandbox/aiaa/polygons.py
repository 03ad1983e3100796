"""Masks as polygons and back, for ``/v1/mask2polygon`` and ``/v1/fixpolygon``.

A polygon is a list of [x, y] voxel indices (x along i, y along j) on the border of a region; a volume has one list of
polygons for each slice k. Protocol: NVIDIA/ai-assisted-annotation-client py_client/client_api.py.
"""

from typing import Any

import contourpy
import numpy as np
import numpy.typing as npt

Polygon = list[list[int]]
Mask = npt.NDArray[Any]


def from_mask(mask: Mask, more_points: float) -> list[list[Polygon]]:
    """Polygons of each slice; about ``more_points`` vertices for each 100 voxels of border, and at least four."""
    volume = mask if mask.ndim == 3 else mask[..., None]
    return [_from_slice(volume[..., index] > 0, more_points) for index in range(volume.shape[2])]


def to_mask(polygons: list[Polygon], shape: tuple[int, int]) -> Mask:
    """Fill polygons of one slice by the even-odd rule, border included."""
    inside = np.zeros(shape, bool)
    border = np.zeros(shape, bool)
    x, y = np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij")
    for polygon in polygons:
        for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            crosses = (y0 > y) != (y1 > y)
            if y0 != y1:
                inside ^= crosses & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
            steps = max(abs(x1 - x0), abs(y1 - y0), 1)
            line = np.rint(np.linspace([x0, y0], [x1, y1], steps + 1)).astype(int)
            line = line[((line >= 0) & (line < shape)).all(axis=1)]
            border[tuple(line.T)] = True
    return (inside | border).astype(np.uint8)


def move_vertex(polygon: Polygon, vertex: int, offset: list[float], neighbours: int, share: float = 1.0) -> Polygon:
    """Move a vertex by [dx, dy], and its neighbours on either side the less the further away they are."""
    moved = np.asarray(polygon, float)
    for distance in range(-neighbours, neighbours + 1):
        weight = share * (1 - abs(distance) / (neighbours + 1))
        moved[(vertex + distance) % len(moved)] += np.asarray(offset[:2], float) * weight
    result: Polygon = np.rint(moved).astype(int).tolist()
    return result


def nearest_vertex(polygon: Polygon, point: list[int]) -> int:
    """Index of the vertex closest to a point."""
    return int(np.argmin(((np.asarray(polygon) - np.asarray(point[:2])) ** 2).sum(axis=1)))


def _from_slice(mask: npt.NDArray[np.bool_], more_points: float) -> list[Polygon]:
    if not mask.any():
        return []
    padded = np.pad(mask, 1)
    lines = contourpy.contour_generator(z=padded.T.astype(float)).lines(0.5)
    return [_thin(_onto_voxels(np.asarray(line), padded), more_points) for line in lines]


def _onto_voxels(line: npt.NDArray[np.float64], padded: npt.NDArray[np.bool_]) -> Polygon:
    """A contour runs half-way between voxels: take the one that is inside, once."""
    low, high = np.floor(line).astype(int), np.ceil(line).astype(int)
    voxels = np.where(padded[low[:, 0], low[:, 1]][:, None], low, high) - 1
    kept = np.append(True, (np.diff(voxels, axis=0) != 0).any(axis=1))
    polygon: Polygon = voxels[kept].tolist()
    return polygon[:-1] if len(polygon) > 1 and polygon[0] == polygon[-1] else polygon


def _thin(polygon: Polygon, more_points: float) -> Polygon:
    wanted = min(len(polygon), max(4, round(len(polygon) * more_points / 100)))
    return [polygon[index] for index in np.linspace(0, len(polygon), wanted, endpoint=False).astype(int)]
