"""Pipelines: a config that names models of the same server.

Documented: the type, the class, ``args.models`` of models that are loaded, the entry's ``deepgrow`` from ``meta_data``,
and that there is no file. Inferred: the refusal where a part is missing, and how the parts work together.
"""

from typing import Any

import numpy as np
import pytest

from .conftest import Server, Start, error_of, voxels_of

POINT = [14, 9, 11]
CLICK = {"foreground": [POINT], "background": [], "current_point": POINT, "result_extension": ".nii"}
PARTS = ["deepgrow_3d", "deepgrow_2d"]


def pipeline(models: Any = None, **more: Any) -> dict[str, Any]:
    arguments = {"models": PARTS if models is None else models, "batch_size": 4}
    section = {"name": "aiaa.apps.deepgrow.DeepgrowInferencePipeline", "args": arguments}
    return {
        "version": 1,
        "type": "pipeline",
        "labels": [],
        "description": "both",
        "inference": {"meta_data": {"deepgrow": "3D"}, "AIAA": section, "TRITON": section},
    } | more


def load_parts(server: Server) -> None:
    for name in PARTS:
        server.load_ngc(f"clara_pt_{name}_annotation", name=name)


@pytest.fixture
def with_parts(aiaa: Server) -> Server:
    load_parts(aiaa)
    return aiaa


def test_a_pipeline_is_its_config_alone_and_tells_its_dimensions(with_parts: Server) -> None:
    assert with_parts.load_config("p", pipeline()).json() == {
        "name": "p", "labels": [], "description": "both", "version": "1", "type": "pipeline", "deepgrow": "3D"
    }  # fmt: skip
    assert not (with_parts.workspace / "triton_models" / "p").exists()


@pytest.mark.parametrize("models", [PARTS, {"deepgrow_3d": "deepgrow_3d", "deepgrow_2d": "deepgrow_2d"}, PARTS[:1]])
def test_models_may_be_a_list_of_names_or_an_object_with_names(with_parts: Server, models: Any) -> None:
    assert with_parts.load_config("p", pipeline(models)).ok


def test_parts_that_are_not_loaded_are_named_in_the_refusal(aiaa: Server) -> None:
    status, kind, message = error_of(aiaa.load_config("p", pipeline()))
    assert (status, kind, aiaa.names()) == (500, "AIAAException", [])
    assert "deepgrow_3d, deepgrow_2d" in message[1]


@pytest.mark.parametrize("models", [[], ["deepgrow_2d"], ["p"]])
def test_without_a_3d_model_or_with_itself_it_is_refused(with_parts: Server, models: list[str]) -> None:
    with_parts.load_config("p", pipeline())
    assert error_of(with_parts.load_config("p", pipeline(models)))[:2] == (500, "AIAAException")


def test_a_class_that_nvidias_pipeline_names_is_lacking_in_4_0_as_recorded_and_not_in_4_1(start: Start) -> None:
    config = pipeline(post_transforms=[{"name": "aiaa.transforms.LargestCCd", "args": {"keys": "pred"}}])
    with start(api="4.0") as server:
        load_parts(server)
        assert error_of(server.load_config("p", config))[2][0] == "CLASS_INIT_ERROR"
    with start(api="4.1") as server:
        assert server.names() == PARTS
        assert server.load_config("p", config).ok


def test_the_current_slice_is_the_2d_models_and_the_rest_the_3d_models(with_parts: Server, phantom: bytes) -> None:
    with_parts.load_config("p", pipeline())
    with_parts.triton.inferences.clear()
    masks = {
        name: voxels_of(with_parts.infer("deepgrow", name, phantom, CLICK, output="image").content)
        for name in ("p", "deepgrow_3d", "deepgrow_2d")
    }
    assert with_parts.triton.inferences == ["deepgrow_3d", "deepgrow_2d", "deepgrow_3d", "deepgrow_2d"]
    expected = masks["deepgrow_3d"].copy()
    expected[..., POINT[2]] = masks["deepgrow_2d"][..., POINT[2]]
    np.testing.assert_array_equal(masks["p"], expected)
    assert len(set(np.nonzero(masks["p"])[2])) > 1


def test_the_2d_model_is_given_the_points_of_that_slice_alone(with_parts: Server, phantom: bytes) -> None:
    with_parts.load_config("p", pipeline())
    elsewhere = [20, 20, 3]
    clicks = CLICK | {"foreground": [elsewhere, POINT], "spatial_size": [64, 64, 64]}
    mask = voxels_of(with_parts.infer("deepgrow", "p", phantom, clicks, output="image").content)
    alone = voxels_of(with_parts.infer("deepgrow", "deepgrow_2d", phantom, CLICK, output="image").content)
    np.testing.assert_array_equal(mask[..., POINT[2]], alone[..., POINT[2]])


def test_a_pipeline_of_a_3d_model_alone_gives_that_models_mask(with_parts: Server, phantom: bytes) -> None:
    with_parts.load_config("p", pipeline(PARTS[:1]))
    first, second = (
        with_parts.infer("inference", name, phantom, CLICK, output="image") for name in ("p", "deepgrow_3d")
    )
    assert first.content == second.content


def test_a_part_that_went_away_is_named_when_the_pipeline_is_run(with_parts: Server, phantom: bytes) -> None:
    with_parts.load_config("p", pipeline())
    with_parts.delete("/admin/model/deepgrow_2d")
    assert "deepgrow_2d" in error_of(with_parts.infer("deepgrow", "p", phantom, CLICK))[2][1]
    assert "p" in with_parts.names()


def test_a_pipeline_is_there_again_after_a_restart_and_goes_when_it_is_removed(start: Start, phantom: bytes) -> None:
    with start() as server:
        load_parts(server)
        server.load_config("p", pipeline())
    with start() as server:
        assert server.names() == [*PARTS, "p"]
        assert server.infer("deepgrow", "p", phantom, CLICK).ok
        assert server.delete("/admin/model/p").ok
        assert server.names() == PARTS


def test_a_pipeline_in_place_of_a_model_leaves_none_of_its_files(with_parts: Server) -> None:
    with_parts.load("p")
    assert with_parts.load_config("p", pipeline()).ok
    assert not (with_parts.workspace / "triton_models" / "p").exists()
    assert not (with_parts.workspace / "models" / "p.ts").exists()
