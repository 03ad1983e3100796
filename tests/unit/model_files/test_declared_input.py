"""The image for a smoke test, from what a model's configuration declares."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given

from model_files.config import Declared, declared
from tests.unit.model_files.documents import damaged, documents
from tests.unit.model_files.published import clara_3, deepgrow, pipeline, spleen, step, triton


def of_dims(*dims: Any, kind: str = "segmentation", **more: Any) -> Declared:
    section = {"triton_model_config": triton(list(dims), [1])}
    return declared({"type": kind, "inference": {"TRITON": section}, **more})


def test_the_default_is_a_small_volume_of_one_channel() -> None:
    assert declared({}) == declared(pipeline()) == Declared() == Declared(1, (64, 64, 64))


@pytest.mark.parametrize(
    ("dims", "image"),
    [
        ((1, 96, 64, 32), Declared(1, (96, 64, 32))),
        ((4, 64, 64, 64), Declared(4, (64, 64, 64))),
        ((-1, -1, -1, -1), Declared(1, (64, 64, 64))),
        ((1, 512, 8, -1), Declared(1, (512, 8, 64))),
        ((1, 5, 256, 256), Declared(1, (5, 256, 256))),
        ((1, 512, 512, 64), Declared(1, (512, 512, 64))),
        ((1, 30000, 1, 1), Declared(1, (1024, 1, 1))),
        ((1, 512, 512, 512), Declared(1, (256, 256, 256))),
        ((2, 256, 256, 256), Declared(2, (256, 256, 256))),
        ((4, 256, 256, 256), Declared(4, (128, 128, 128))),
        ((3, 64, 96), Declared(3, (64, 96))),
        ((1, 512, 2048), Declared(1, (512, 1024))),
        ((1, -1, 8), Declared(1, (64, 8))),
        ((40, 64, 64, 64), Declared(8, (64, 64, 64))),
    ],
)
def test_it_has_the_channels_and_the_shape_of_the_input_within_bounds(dims: tuple[int, ...], image: Declared) -> None:
    assert of_dims(*dims) == image


@pytest.mark.parametrize(
    "dims", [(1,), (1, 64), (1, 2, 3, 4, 5), ("1", 64, 64, 64), (1, 64, 64, True), (1, 64.0, 1, 1)]
)
def test_dims_that_are_no_image_say_nothing(dims: tuple[Any, ...]) -> None:
    assert of_dims(*dims) == Declared()


def test_guidance_is_no_channel_of_the_image() -> None:
    assert declared(deepgrow(3)) == Declared(1, (128, 192, 192))
    assert declared(deepgrow(2)) == Declared(1, (256, 256, 8))
    assert of_dims(3, 64, 64, 64, kind="deepgrow").channels == 1
    assert of_dims(2, 64, 64, 64, kind="annotation").channels == 1
    assert of_dims(5, 64, 64, 64, kind="annotation").channels == 4
    assert of_dims(1, 64, 64, 64, kind="deepgrow").channels == 1


def test_the_transform_that_adds_guidance_goes_before_the_type() -> None:
    signal = [step("monai.apps.deepgrow.transforms.AddGuidanceSignald", image="image")]
    points = [step("monai.transforms.AddExtremePointsChanneld", keys="image")]
    assert of_dims(3, 64, 64, 64, kind="annotation", pre_transforms=signal).channels == 1
    assert of_dims(3, 64, 64, 64, kind="others", pre_transforms=points).channels == 2


def test_without_triton_the_region_of_interest_says_how_large() -> None:
    config = spleen()
    del config["inference"]["TRITON"]["triton_model_config"]
    config["inference"]["AIAA"]["args"]["roi"] = [96, 96, 48]
    assert declared(config) == Declared(1, (96, 96, 48))
    del config["inference"]["AIAA"]
    config["inference"]["TRITON"]["args"]["roi"] = [32, 32]
    assert declared(config) == Declared(1, (32, 32))


def test_a_2d_network_is_given_a_volume_where_a_transform_or_a_class_may_slice_it() -> None:
    assert of_dims(1, 256, 256) == Declared(1, (256, 256))
    volume = Declared(1, (256, 256, 8))
    assert of_dims(1, 256, 256, pre_transforms=[step("monai.apps.deepgrow.transforms.Fetch2DSliced")]) == volume
    assert of_dims(1, 256, 256, pre_transforms=[step("my_lib.PickSliced")]) == volume
    assert of_dims(3, 256, 256, kind="deepgrow") == volume
    assert of_dims(1, 256, 256, kind="pipeline") == volume
    section = {"name": "my_net.SliceBySlice", "triton_model_config": triton([1, 256, 256], [1])}
    assert declared({"type": "segmentation", "inference": {"TRITON": section}}) == volume
    section["name"] = "aiaa.inference.TritonInference"
    assert declared({"type": "segmentation", "inference": {"TRITON": section}}) == Declared(1, (256, 256))


@pytest.mark.parametrize(
    "reader",
    [
        step("LoadPng", fields="image"),
        step("ai4med.components.transforms.LoadPng", fields="image"),
        step("monai.transforms.LoadPNGd", keys="image"),
        step("monai.transforms.LoadImaged", keys="image", reader="PILReader"),
        step("monai.transforms.LoadImaged", keys="image", reader="monai.data.PILReader"),
    ],
)
def test_a_model_whose_reader_reads_pictures_is_given_a_png(reader: dict[str, Any]) -> None:
    assert of_dims(1, 256, 256, pre_transforms=[reader]) == Declared(1, (256, 256), "png")
    assert of_dims(3, 512, 320, kind="classification", pre_transforms=[reader]) == Declared(3, (512, 320), "png")
    assert of_dims(6, 256, 256, pre_transforms=[reader]) == Declared(4, (256, 256), "png")
    assert declared({"pre_transforms": [reader]}) == Declared(1, (64, 64), "png")


@pytest.mark.parametrize("reader", ["NibabelReader", "ITKReader", None, 7, ["PILReader"]])
def test_other_readers_are_given_nifti(reader: Any) -> None:
    load = step("monai.transforms.LoadImaged", keys="image", reader=reader)
    assert of_dims(1, 64, 64, 64, pre_transforms=[load]).format == "nifti"


def of_trtis(*dims: int, before: tuple[dict[str, Any], ...] = (), **tensor: Any) -> Declared:
    """Clara 3.x, config version 3."""
    trtis = {"input": [{"name": "NV_MODEL_INPUT", "data_type": "TYPE_FP32", "dims": list(dims), **tensor}]}
    inference = {"image": "image", "name": "TRTISInference", "args": {"roi": [160, 160, 160]}, "trtis": trtis}
    return declared({"version": "3", "type": "segmentation", "pre_transforms": list(before), "inference": inference})


@pytest.mark.parametrize(
    ("dims", "image"),
    [
        ((4, 64, 96, 32), Declared(4, (64, 96, 32))),
        ((64, 96, 32, 4), Declared(4, (64, 96, 32))),
        ((-1, -1, -1, 2), Declared(2, (64, 64, 64))),
        ((2, -1, -1, -1), Declared(2, (64, 64, 64))),
        ((256, 256, 3), Declared(3, (256, 256))),
        ((1, 64, 64, 4), Declared(1, (64, 64, 4))),
    ],
)
def test_clara_3_says_the_channels_first_or_last(dims: tuple[int, ...], image: Declared) -> None:
    assert of_trtis(*dims) == image


def test_where_the_channels_are_is_what_triton_or_the_last_transform_says() -> None:
    assert of_trtis(4, 64, 64, 2).channels == 4
    assert of_trtis(4, 64, 64, 2, format="FORMAT_NHWC").channels == 2
    first, last = step("ConvertToChannelsFirst", fields="image"), step("ConvertToChannelsLast", fields="image")
    assert of_trtis(4, 64, 64, 2, before=(first, last)).channels == 2
    assert of_trtis(4, 64, 64, 2, before=(last, first)).channels == 4
    assert of_trtis(4, 64, 64, 2, before=(last,), format="FORMAT_NCHW").channels == 4
    assert of_trtis(64, 64, 64, 2, before=(first,)).channels == 2


@pytest.mark.parametrize("version", ["2", "3"])
def test_clara_3_says_it_elsewhere(version: str) -> None:
    config = clara_3(version)
    config["inference"]["trtis"]["input_channels"] = {"image": 2}
    assert declared(config) == Declared(2, (160, 160, 160))


@pytest.mark.soak
@given(document=documents() | damaged())
def test_any_document_declares_an_image_within_bounds(document: Any) -> None:
    image = declared(document)
    assert 1 <= image.channels <= 8
    assert len(image.shape) in (2, 3)
    assert all(8 <= size <= (256 if len(image.shape) == 3 else 1024) for size in image.shape)
    assert image.format == "nifti" or (len(image.shape) == 2 and image.channels <= 4)
    assert image.channels * math.prod(image.shape) <= 32 << 20
