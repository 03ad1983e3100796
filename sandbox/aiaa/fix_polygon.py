"""``/v1/fixpolygon``: one vertex of a polygon is moved, its neighbours follow.

Two spellings of the parameters are published: ``polygon_index``, ``vertex_offset`` and ``poly`` (Python client), and
``polygonIndex``, ``vertexOffset`` and ``prev_poly`` (C++ client; an older one sends the moved polygons as ``poly``
beside ``prev_poly``, and no offset). Sources: NVIDIA/ai-assisted-annotation-client py_client/client_api.py and
cpp-client/src/client.cpp.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sandbox.aiaa import polygons
from sandbox.aiaa.errors import AIAAException
from sandbox.aiaa.images import Image
from sandbox.aiaa.resampling import Array
from sandbox.aiaa.result import Result

_CAMEL_CASE = {
    "sliceIndex": "slice_index",
    "polygonIndex": "polygon_index",
    "vertexIndex": "vertex_index",
    "vertexOffset": "vertex_offset",
}


def fixed(params: Mapping[str, Any], image: Image) -> Result:
    """All polygons, nested as they came, and their mask in the image's grid."""
    given = {_CAMEL_CASE.get(key, key): value for key, value in params.items()}
    is_volume = given.get("dimension", 2) == 3
    try:
        poly = given["prev_poly"] if "prev_poly" in given else given["poly"]
        volume = poly if is_volume else [poly]
        _move(volume, given, given.get("slice_index", 0) if is_volume else 0)
        mask = _mask(volume, image)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise AIAAException("INVALID_INPUT", f"fixpolygon: {type(error).__name__} {error}") from None
    return Result(Image(mask, image.affine, image.axes, image.extension), {"poly": volume if is_volume else volume[0]})


def _move(volume: list[Any], given: Mapping[str, Any], at: int) -> None:
    index, vertex = given["polygon_index"], given["vertex_index"]
    reach, neighbours = given.get("propagate_neighbor_3d", 0), given.get("propagate_neighbor", 0)
    point = volume[at][index][vertex]
    if "vertex_offset" in given or "prev_poly" not in given:
        offset = given["vertex_offset"]
    else:
        offset = [after - before for after, before in zip(given["poly"][index][vertex], point, strict=True)]
    for k in range(max(0, at - reach), min(len(volume), at + reach + 1)):
        if index < len(volume[k]):
            share = 1 - abs(k - at) / (reach + 1)
            nearest = vertex if k == at else polygons.nearest_vertex(volume[k][index], point)
            volume[k][index] = polygons.move_vertex(volume[k][index], nearest, offset, neighbours, share)


def _mask(volume: list[Any], image: Image) -> Array:
    shape = image.voxels.shape[: image.axes]
    mask: Array = np.zeros(shape, np.uint8)
    for k, shapes in enumerate(volume):
        mask[(..., k) if mask.ndim == 3 else ...] = polygons.to_mask(shapes, (shape[0], shape[1]))
    return mask
