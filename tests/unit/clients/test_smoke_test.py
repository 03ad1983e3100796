"""The volume of a smoke test, the points that go with it, and what counts as an answer."""

from __future__ import annotations

import gzip
from typing import Any

import nibabel
import numpy
import pytest

from clients.aiaa import InferenceResult, ModelEntry
from clients.smoke_test import SHAPE, NoAnswer, judge, params, volume


def nifti(shape: tuple[int, ...] = SHAPE, labelled: int = 0) -> bytes:
    voxels = numpy.zeros(shape, numpy.uint16)
    voxels.flat[:labelled] = 1
    image = nibabel.Nifti1Image(voxels, numpy.eye(4))  # type: ignore[no-untyped-call]
    return bytes(image.to_bytes())


def entry(kind: str) -> ModelEntry:
    return ModelEntry("m", kind, (), "", "1", {})


class TestVolume:
    def test_it_is_the_same_each_time(self) -> None:
        assert volume() == volume()

    def test_it_is_a_ball_in_air_in_hounsfield_units(self) -> None:
        image = nibabel.Nifti1Image.from_bytes(gzip.decompress(volume()))
        voxels = numpy.asanyarray(image.dataobj)
        assert voxels.shape == SHAPE
        assert voxels.dtype == numpy.int16
        assert set(numpy.unique(voxels)) == {-1000, 60}
        assert list(image.header["pixdim"][1:4]) == [2.0, 2.0, 2.0]

    @pytest.mark.parametrize(("kind", "key"), [("annotation", "points"), ("deepgrow", "foreground")])
    def test_the_points_lie_in_the_ball(self, kind: str, key: str) -> None:
        voxels = numpy.asanyarray(nibabel.Nifti1Image.from_bytes(gzip.decompress(volume())).dataobj)
        points = params(entry(kind))[key]
        assert {int(voxels[tuple(point)]) for point in points} == {60}

    def test_an_annotation_is_given_the_six_extreme_points(self) -> None:
        points = params(entry("annotation"))["points"]
        voxels = numpy.asanyarray(nibabel.Nifti1Image.from_bytes(gzip.decompress(volume())).dataobj)
        inside = numpy.argwhere(voxels > 0)
        lowest, highest = inside.min(axis=0), inside.max(axis=0)
        assert len(points) == 6
        assert (numpy.min(points, axis=0) == lowest).all()
        assert (numpy.max(points, axis=0) == highest).all()

    @pytest.mark.parametrize("kind", ["segmentation", "classification", "pipeline", ""])
    def test_other_types_need_no_points(self, kind: str) -> None:
        assert params(entry(kind)) == {}


class TestJudge:
    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_a_mask_of_the_volumes_shape_is_an_answer_packed_or_not(self, pack: Any) -> None:
        assert judge(InferenceResult({}, pack(nifti(labelled=7)))) == "mask of 64 x 64 x 64 voxels, 7 labelled"

    def test_an_empty_mask_is_an_answer_as_a_ball_is_no_organ(self) -> None:
        assert judge(InferenceResult({}, nifti())).endswith(", 0 labelled")

    def test_a_mask_with_channels_is_an_answer(self) -> None:
        assert judge(InferenceResult({}, nifti((*SHAPE, 2)))).startswith("mask")

    @pytest.mark.parametrize("shape", [(64, 64), (32, 64, 64), (2, 64, 64, 64)])
    def test_a_mask_of_another_shape_is_none(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(NoAnswer, match="shape"):
            judge(InferenceResult({}, nifti(shape)))

    def test_results_without_a_file_are_an_answer(self) -> None:
        assert judge(InferenceResult({"b": 1, "a": 2}, None)) == "results: a, b"

    def test_nothing_at_all_is_none(self) -> None:
        with pytest.raises(NoAnswer, match="neither an image nor results"):
            judge(InferenceResult({}, None))

    @pytest.mark.parametrize(
        "image",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"<html></html>", id="a-page"),
            pytest.param(nifti()[:200], id="half-a-header"),
            pytest.param(nifti()[:2000], id="half-an-image"),
            pytest.param(gzip.compress(nifti())[:-20], id="cut-gzip"),
            pytest.param(gzip.compress(nifti())[:-8] + b"\0" * 8, id="damaged-gzip"),
            pytest.param(b"\x1f\x8b\x08\x00garbage of all kinds", id="no-gzip"),
            pytest.param(gzip.compress(b"no image"), id="gzip-of-something-else"),
            pytest.param(b"\0" * 400, id="zeros"),
        ],
    )
    def test_a_file_that_cannot_be_read_is_none(self, image: bytes) -> None:
        with pytest.raises(NoAnswer, match="cannot be read") as caught:
            judge(InferenceResult({}, image))
        assert len(str(caught.value).splitlines()) == 1
