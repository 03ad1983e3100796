"""The image of a smoke test, the points that go with it, and what counts as an answer."""

from __future__ import annotations

import contextlib
import gzip
import io
from collections.abc import Iterator
from typing import Any, ClassVar, cast

import nibabel
import numpy
import PIL.Image
import pytest

from clients.aiaa import AiaaClient, InferenceResult, ModelEntry
from clients.smoke_image import points, volume
from clients.smoke_test import NoAnswer, Trial, judge, run
from model_files.config import Declared

IMAGE = Declared()
SHAPE = IMAGE.shape
IMAGES = [
    IMAGE,
    Declared(2, (64, 64, 64)),
    Declared(8, (16, 128, 40)),
    Declared(1, (128, 128, 8)),
    Declared(3, (17, 33, 8)),
    Declared(1, (256, 512)),
    Declared(3, (64, 20)),
]


def nifti(shape: tuple[int, ...] = SHAPE, labelled: int = 0) -> bytes:
    return of_values([1] * labelled, shape)


def of_values(values: list[float], shape: tuple[int, ...] = SHAPE, kind: type = numpy.uint16) -> bytes:
    """A mask whose first voxels have these values."""
    voxels: Any = numpy.zeros(shape, kind)
    voxels.flat[: len(values)] = values
    image = nibabel.Nifti1Image(voxels, numpy.eye(4))  # type: ignore[no-untyped-call]
    return bytes(image.to_bytes())


def png(voxels: Any) -> bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(voxels).save(file, "PNG")
    return file.getvalue()


def entry(kind: str, **meta: str) -> ModelEntry:
    return ModelEntry("m", kind, (), "", "1", meta)


def voxels_of(image: Declared) -> Any:
    return numpy.asanyarray(nibabel.Nifti1Image.from_bytes(gzip.decompress(volume(image))).dataobj)


class TestVolume:
    def test_it_is_the_same_each_time(self) -> None:
        assert volume(IMAGE) == volume(IMAGE)

    def test_it_is_a_ball_in_air_in_hounsfield_units(self) -> None:
        image = nibabel.Nifti1Image.from_bytes(gzip.decompress(volume(IMAGE)))
        voxels = numpy.asanyarray(image.dataobj)
        assert voxels.shape == SHAPE
        assert voxels.dtype == numpy.int16
        assert set(numpy.unique(voxels)) == {-1000, 60}
        # Those to which published configurations resample.
        assert list(image.header["pixdim"][1:4]) == [1.0, 1.0, 1.0]
        assert numpy.count_nonzero(voxels == 60) == pytest.approx(4 / 3 * numpy.pi * 16**3, rel=0.02)

    @pytest.mark.parametrize("image", IMAGES)
    def test_it_has_the_declared_shape_with_several_channels_last(self, image: Declared) -> None:
        voxels = voxels_of(image)
        assert voxels.shape == (image.shape if image.channels == 1 else (*image.shape, image.channels))
        for channel in numpy.moveaxis(voxels.reshape(*image.shape, -1), -1, 0):
            assert set(numpy.unique(channel)) == {-1000, 60}

    @pytest.mark.parametrize("image", IMAGES)
    @pytest.mark.parametrize(("kind", "key"), [("annotation", "points"), ("deepgrow", "foreground")])
    def test_the_points_lie_in_the_ball(self, image: Declared, kind: str, key: str) -> None:
        voxels = voxels_of(image).reshape(*image.shape, -1)
        inside = [point[: len(image.shape)] for point in points(entry(kind), image)[key]]
        assert {int(value) for point in inside for value in voxels[tuple(point)]} == {60}

    @pytest.mark.parametrize("image", IMAGES)
    def test_an_annotation_is_given_the_extreme_points(self, image: Declared) -> None:
        axes = len(image.shape)
        extreme = [point[:axes] for point in points(entry("annotation"), image)["points"]]
        inside = numpy.argwhere(voxels_of(image).reshape(*image.shape, -1)[..., 0] > 0)
        lowest, highest = inside.min(axis=0), inside.max(axis=0)
        assert len(extreme) == 2 * axes
        assert (numpy.min(extreme, axis=0) == lowest).all()
        assert (numpy.max(extreme, axis=0) == highest).all()

    @pytest.mark.parametrize("kind", ["segmentation", "classification", "pipeline", ""])
    def test_other_types_need_no_points(self, kind: str) -> None:
        assert points(entry(kind), IMAGE) == {}

    def test_a_pipeline_of_deepgrow_models_is_given_a_click(self) -> None:
        assert points(entry("pipeline", deepgrow="3D"), IMAGE)["foreground"] == [[32, 32, 32]]

    @pytest.mark.parametrize("kind", ["annotation", "deepgrow"])
    def test_points_in_a_2d_image_have_three_coordinates_too(self, kind: str) -> None:
        flat = points(entry(kind), Declared(1, (256, 128)))
        assert {len(point) for key in flat for point in flat[key]} == {3}
        assert {point[2] for key in flat for point in flat[key]} == {0}

    @pytest.mark.parametrize("channels", [1, 2, 3, 4])
    def test_a_picture_is_a_png_with_a_bright_disc(self, channels: int) -> None:
        picture = PIL.Image.open(io.BytesIO(volume(Declared(channels, (32, 64), "png"))))
        assert picture.format == "PNG"
        voxels = numpy.asarray(picture).reshape(32, 64, -1)
        assert voxels.shape == (32, 64, channels)
        assert (voxels[16, 32] == 200).all()
        assert (voxels[0, 0] == 0).all()


class Server:
    """AIAA as a smoke test knows it, with one model. It is its own session."""

    def __init__(self, config: Any, kind: str = "segmentation") -> None:
        self._config = config
        self._kind = kind
        self.url = "http://aiaa:5000"
        self.left_open = ""
        self.sent: list[tuple[int, ...]] = []

    @property
    def client(self) -> AiaaClient:
        return cast(AiaaClient, self)

    def find(self, name: str) -> ModelEntry:
        return ModelEntry(name, self._kind, (), "", "1", {})

    def config(self, _name: str) -> Any:
        return self._config

    @contextlib.contextmanager
    def session(self, image: bytes, _filename: str, _deadline: float) -> Iterator[Server]:
        self.sent.append(nibabel.Nifti1Image.from_bytes(gzip.decompress(image)).shape)
        yield self

    def infer(self, *_: Any, **__: Any) -> InferenceResult:
        return InferenceResult({}, nifti(self.sent[-1][:3]))


class TestRun:
    CONFIG: ClassVar = {"inference": {"TRITON": {"triton_model_config": {"input": [{"dims": [2, 32, 48, 64]}]}}}}

    def test_the_image_is_as_the_server_says_of_the_models_configuration(self) -> None:
        server = Server(self.CONFIG)
        assert run(server.client, "m", 1.0).found == "mask of 32 x 48 x 64 voxels, no voxel labelled"
        assert server.sent == [(32, 48, 64, 2)]

    @pytest.mark.parametrize("config", [None, {}, {"inference": None}])
    def test_it_is_small_where_the_server_says_nothing(self, config: Any) -> None:
        server = Server(config)
        run(server.client, "m", 1.0)
        assert server.sent == [(64, 64, 64)]

    def test_what_is_declared_goes_before_what_the_server_says(self) -> None:
        server = Server(self.CONFIG)
        run(server.client, "m", 1.0, declared=Declared(1, (16, 16, 16)))
        assert server.sent == [(16, 16, 16)]

    def test_a_trial_is_reported_with_its_time_and_what_is_left(self) -> None:
        assert str(Trial(1.24, "results: a = 1")) == "results: a = 1, in 1.2 s"
        assert str(Trial(1.24, "results: a = 1", "x is left")) == "results: a = 1, in 1.2 s; x is left"


class TestJudge:
    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_a_mask_of_the_volumes_shape_is_an_answer_packed_or_not(self, pack: Any) -> None:
        told = judge(InferenceResult({}, pack(nifti(labelled=7))), IMAGE)
        assert told == "mask of 64 x 64 x 64 voxels, label 1 (7 voxels)"

    @pytest.mark.parametrize(
        ("values", "told"),
        [
            ([2, 1, 1], "labels 1 (2 voxels) and 2 (1 voxel)"),
            ([3, 2, 1], "labels 1 (1 voxel), 2 (1 voxel) and 3 (1 voxel)"),
            (list(range(1, 21)), ", 7 (1 voxel), 8 (1 voxel) and 12 more"),
        ],
    )
    def test_each_label_is_told_with_its_voxels(self, values: list[float], told: str) -> None:
        assert judge(InferenceResult({}, of_values(values)), IMAGE).endswith(told)

    def test_labels_need_not_be_whole_numbers(self) -> None:
        mask = of_values([0.5, numpy.nan], kind=numpy.float32)
        assert "0.5 (1 voxel)" in judge(InferenceResult({}, mask), IMAGE)

    def test_an_empty_mask_is_an_answer_as_a_ball_is_no_organ(self) -> None:
        assert judge(InferenceResult({}, nifti()), IMAGE).endswith(", no voxel labelled")

    @pytest.mark.parametrize("shape", [(64, 32), (64, 32, 1), (64, 32, 2)])
    def test_a_mask_of_a_2d_image_may_have_a_third_axis(self, shape: tuple[int, ...]) -> None:
        message = judge(InferenceResult({}, nifti(shape, 3)), Declared(1, (64, 32)))
        assert message == "mask of 64 x 32 voxels, label 1 (3 voxels)"

    @pytest.mark.parametrize("shape", [(64, 32), (64, 32, 1)])
    def test_a_mask_of_one_slice_may_have_two_axes(self, shape: tuple[int, ...]) -> None:
        answer = judge(InferenceResult({}, nifti(shape, 3)), Declared(1, (64, 32, 1)))
        assert answer == "mask of 64 x 32 x 1 voxels, label 1 (3 voxels)"

    @pytest.mark.parametrize("kind", [numpy.uint8, numpy.uint16])
    def test_a_mask_may_be_a_png(self, kind: type) -> None:
        mask = png(numpy.eye(32, dtype=kind) * 2)
        assert judge(InferenceResult({}, mask), Declared(1, (32, 32))) == "mask of 32 x 32 voxels, label 2 (32 voxels)"
        with pytest.raises(NoAnswer, match="shape"):
            judge(InferenceResult({}, mask), Declared(1, (32, 64)))

    @pytest.mark.parametrize("cut", [8, 20, 40])
    def test_a_png_that_cannot_be_read_is_an_error(self, cut: int) -> None:
        with pytest.raises(NoAnswer, match="cannot be read as PNG"):
            judge(InferenceResult({}, png(numpy.zeros((32, 32), numpy.uint8))[:cut]), Declared(1, (32, 32)))

    def test_a_mask_with_channels_is_an_answer(self) -> None:
        assert judge(InferenceResult({}, nifti((*SHAPE, 2), 3)), IMAGE).endswith("label 1 (3 voxels)")

    @pytest.mark.parametrize("shape", [(64, 64), (32, 64, 64), (2, 64, 64, 64)])
    def test_a_mask_of_another_shape_is_none(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(NoAnswer, match="shape"):
            judge(InferenceResult({}, nifti(shape)), IMAGE)

    @pytest.mark.parametrize(
        ("results", "told"),
        [
            ({"b": 1, "a": "x"}, "results: a = x, b = 1"),
            ({"covid19": 0.9312345}, "results: covid19 = 0.9312"),
            ({"pred": [0.25, True]}, "results: pred = [0.25, true]"),
            (
                {"deep": {"a": 1}, "long": "x" * 50, "many": [1] * 9, "none": None},
                "results: deep, long, many, none = null",
            ),
            ({f"{n:02}": n for n in range(12)}, "06 = 6, 07 = 7, 4 more"),
            ({"a\x1b\n": "b\n\u202ec"}, "results: a? = b ?c"),
        ],
    )
    def test_results_without_a_file_are_told_as_far_as_they_are_short(self, results: Any, told: str) -> None:
        assert judge(InferenceResult(results, None), IMAGE).endswith(told)

    def test_nothing_at_all_is_none(self) -> None:
        with pytest.raises(NoAnswer, match="neither an image nor results"):
            judge(InferenceResult({}, None), IMAGE)

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
            judge(InferenceResult({}, image), IMAGE)
        assert len(str(caught.value).splitlines()) == 1
