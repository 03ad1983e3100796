"""``/v1/mask2polygon`` and ``/v1/fixpolygon``, as NVIDIA's Python client uses them."""

import gzip
import io
import json
from typing import Any

import nibabel as nib
import numpy as np
import PIL.Image
import pytest
import requests

from sandbox.aiaa import polygons

from .conftest import Server, voxels_of
from .test_inference import parts_of


def nifti(voxels: np.ndarray) -> bytes:
    content: bytes = nib.Nifti1Image(voxels, np.eye(4)).to_bytes()  # type: ignore[no-untyped-call]
    return content


@pytest.fixture
def mask() -> np.ndarray:
    """12 x 12 x 3: a box in slice 0, nothing in slice 1, a box and a single voxel in slice 2."""
    voxels = np.zeros((12, 12, 3), np.uint8)
    voxels[2:6, 3:9, 0] = 1
    voxels[1:4, 1:4, 2] = 1
    voxels[8, 8, 2] = 1
    return voxels


def test_mask2polygon_lists_polygons_slice_by_slice(aiaa: Server, mask: np.ndarray) -> None:
    form = {"params": json.dumps({"more_points": 10})}
    answer = requests.post(aiaa.url + "/v1/mask2polygon", data=form, files={"datapoint": nifti(mask)}, timeout=10)
    assert answer.status_code == 200
    assert [len(shapes) for shapes in answer.json()] == [1, 0, 2]
    corners = np.asarray(answer.json()[0][0])
    assert (corners.min(axis=0).tolist(), corners.max(axis=0).tolist()) == ([2, 3], [5, 8])


def test_more_points_means_more_vertices(mask: np.ndarray) -> None:
    few, many = (len(polygons.from_mask(mask, ratio)[0][0]) for ratio in (10, 100))
    assert few < many


def test_with_all_points_a_mask_comes_back_from_its_polygons(mask: np.ndarray) -> None:
    shapes = polygons.from_mask(mask, 100)
    again = np.stack([polygons.to_mask(shape, (12, 12)) for shape in shapes], axis=-1)
    np.testing.assert_array_equal(again, mask)


@pytest.mark.parametrize("mode", ["L", "RGB", "1"])
def test_mask2polygon_takes_a_picture_in_whatever_colours(aiaa: Server, mode: str) -> None:
    mask = np.zeros((12, 16), np.uint8)
    mask[3:7, 5:12] = 255
    file = io.BytesIO()
    PIL.Image.fromarray(mask).convert(mode).save(file, "PNG")
    parts: Any = {"datapoint": ("mask.png", file.getvalue()), "params": (None, '{"more_points": 100}')}
    (shapes,) = requests.post(aiaa.url + "/v1/mask2polygon", files=parts, timeout=10).json()
    assert [[min(at), max(at)] for at in zip(*shapes[0], strict=True)] == [[3, 6], [5, 11]]


def test_fixpolygon_2d_moves_the_vertex_and_answers_polygons_and_mask(aiaa: Server) -> None:
    square = [[2, 2], [8, 2], [8, 8], [2, 8]]
    params = {
        "poly": [square],
        "vertex_offset": [2, 1],
        "dimension": 2,
        "polygon_index": 0,
        "vertex_index": 2,
        "propagate_neighbor": 0,
    }
    form = {"params": json.dumps(params)}
    image = nifti(np.zeros((12, 12), np.uint8))
    answer = requests.post(aiaa.url + "/v1/fixpolygon", data=form, files={"datapoint": image}, timeout=10)
    fixed, filename, content = parts_of(answer)
    assert fixed["poly"] == [[[2, 2], [8, 2], [10, 9], [2, 8]]]
    assert filename.endswith(".nii.gz")
    result = voxels_of(gzip.decompress(content))
    assert (result[9, 8], result[10, 9], result[11, 11]) == (1, 1, 0)


def test_fixpolygon_3d_moves_neighbouring_slices_less(aiaa: Server) -> None:
    square = [[2, 2], [8, 2], [8, 8], [2, 8]]
    params = {
        "poly": [[square], [square], [square]],
        "vertex_offset": [2, 2],
        "dimension": 3,
        "slice_index": 1,
        "polygon_index": 0,
        "vertex_index": 2,
        "propagate_neighbor": 0,
        "propagate_neighbor_3d": 1,
    }
    form = {"params": json.dumps(params)}
    image = nifti(np.zeros((12, 12, 3), np.uint8))
    answer = requests.post(aiaa.url + "/v1/fixpolygon", data=form, files={"datapoint": image}, timeout=10)
    poly = parts_of(answer)[0]["poly"]
    assert [shapes[0][2] for shapes in poly] == [[9, 9], [10, 10], [9, 9]]


def test_fixpolygon_of_a_vertex_that_is_not_there_is_an_envelope(aiaa: Server) -> None:
    params = {"poly": [[[1, 1]]], "vertex_offset": [1, 1], "polygon_index": 3, "vertex_index": 0}
    form = {"params": json.dumps(params)}
    image = nifti(np.zeros((4, 4), np.uint8))
    answer = requests.post(aiaa.url + "/v1/fixpolygon", data=form, files={"datapoint": image}, timeout=10)
    assert (answer.status_code, answer.json()["error"]["type"]) == (500, "AIAAException")
