"""Clara 3.1: its configs, its entries, its inference, ``PATCH``.

Documented: the schema (3.1's model config page), ``additional_info``, ``PATCH``. Recorded: ``version`` "3", ``padding``
and ``roi`` of annotation models, no ``deepgrow`` (a list kept in oncai/ohif-viewer-xnat), the model's path
(Taiwan-CVAI/HeaortaNet). Inferred: the answer of a ``PATCH``.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import requests

from sandbox.ngc import mmar

from .conftest import Server, Start, error_of, voxels_of

SPLEEN = "clara_ct_seg_spleen_amp"
BOX = (slice(10, 20), slice(5, 15), slice(8, 16))


@pytest.fixture
def clara_3(start: Start) -> Iterator[Server]:
    with start(api="3.1") as server:
        yield server


def spleen_config() -> dict[str, Any]:
    config: dict[str, Any] = json.loads(mmar.files(SPLEEN, "1")["config/config_aiaa.json"])
    return config


def patch(server: Server, name: str, config: Any) -> requests.Response:
    return requests.patch(f"{server.url}/admin/model/{name}", json=config, timeout=10)


def test_an_entry_has_version_3_and_no_more_fields_for_a_segmentation(clara_3: Server) -> None:
    assert clara_3.load_ngc(SPLEEN, name="spleen").json() == {
        "name": "spleen",
        "labels": ["spleen"],
        "description": "A pre-trained model for volumetric (3D) segmentation of the spleen from CT image",
        "version": "3",
        "type": "segmentation",
    }


def test_an_annotation_model_tells_padding_and_roi(clara_3: Server) -> None:
    entry = clara_3.load_ngc("clara_ct_annotation_spleen_amp").json()
    assert (entry["type"], entry["padding"], entry["roi"]) == ("annotation", 20, [128, 128, 128])


def test_a_deepgrow_model_does_not_tell_its_dimensions(clara_3: Server) -> None:
    entry = clara_3.load_ngc("clara_train_deepgrow_aiaa_inference_only").json()
    assert entry["type"] == "deepgrow"
    assert "deepgrow" not in entry


def test_additional_info_is_passed_to_clients_and_meta_data_is_not(clara_3: Server) -> None:
    config = spleen_config()
    config["inference"] |= {"additional_info": {"site": "a"}, "meta_data": {"other": "b"}}
    entry = clara_3.load("m", config).json()
    assert entry["site"] == "a"
    assert "other" not in entry


def test_a_segmentation_runs_and_tells_extreme_points(clara_3: Server, phantom: bytes) -> None:
    clara_3.load_ngc(SPLEEN)
    params = {"result_extension": ".nii"}
    mask = voxels_of(clara_3.infer("segmentation", SPLEEN, phantom, params, output="image").content)
    expected = np.zeros((40, 30, 20), np.uint8)
    expected[BOX] = 1
    np.testing.assert_array_equal(mask, expected)
    assert '"points": [[10,' in clara_3.infer("segmentation", SPLEEN, phantom).content.decode("latin-1")


def test_guided_models_run(clara_3: Server, phantom: bytes) -> None:
    clara_3.load_ngc("clara_ct_annotation_spleen_amp", name="dextr")
    clara_3.load_ngc("clara_train_deepgrow_aiaa_inference_only", name="deepgrow")
    points = [[10, 9, 11], [19, 9, 11], [14, 5, 11], [14, 14, 11], [14, 9, 8], [14, 9, 15]]
    answers = (
        clara_3.infer("dextr3d", "dextr", phantom, {"points": points, "result_extension": ".nii"}, output="image"),
        clara_3.infer("deepgrow", "deepgrow", phantom, {"foreground": points[:1], "result_extension": ".nii"},
                      output="image"),
    )  # fmt: skip
    for answer in answers:
        assert voxels_of(answer.content).shape == (40, 30, 20)


def test_points_may_be_text_as_the_c_plus_plus_client_sends_them(clara_3: Server, phantom: bytes) -> None:
    clara_3.load_ngc("clara_ct_annotation_spleen_amp", name="annotation")
    points = [[10, 9, 11], [19, 9, 11], [14, 5, 11], [14, 14, 11], [14, 9, 8], [14, 9, 15]]
    answers = [
        clara_3.infer("dextr3d", "annotation", phantom, {"points": given}, output="image").content
        for given in (points, json.dumps(points))
    ]
    assert answers[0] == answers[1]


def test_the_published_schema_of_version_2_loads_and_runs(clara_3: Server, phantom: bytes) -> None:
    """As in fzbuzz/Clara-Train-Spleen: the arguments in ``inference`` itself, channels instead of tensors."""
    config = spleen_config() | {"version": "2"}
    config["pre_transforms"].insert(
        2, {"name": "ScaleByResolution", "args": {"fields": "image", "target_resolution": [1.0, 1.0, 1.0]}}
    )
    config["inference"] = {
        "image": "image",
        "scanning_window": True,
        "batch_size": 3,
        "roi": [64, 64, 64],
        "tf": {"input_nodes": {"image": "NV_MODEL_INPUT"}, "output_nodes": {"model": "NV_MODEL_OUTPUT"}},
        "trtis": {
            "input_channels": {"image": 1},
            "output_channels": {"model": 2},
            "gpu_instance_count": 1,
            "max_batch_size": 8,
        },
    }
    assert clara_3.load("m", config).json()["version"] == "2"
    mask = voxels_of(clara_3.infer("segmentation", "m", phantom, {"result_extension": ".nii"}, output="image").content)
    assert mask.shape == (40, 30, 20)
    assert mask[14, 9, 11] == 1
    assert mask[0, 0, 0] == 0


@pytest.mark.parametrize(
    "broken",
    [
        spleen_config() | {"version": 1},
        spleen_config() | {"inference": {"name": "TRTISInference"}},
        spleen_config() | {"inference": {**spleen_config()["inference"], "name": "TFInference"}},
        spleen_config() | {"post_transforms": [{"name": "TresholdArgmax.TresholdArgmax", "args": {"fields": "model"}}]},
    ],
    ids=["version", "no section for the engine in use", "another engine", "a class the server lacks"],
)
def test_a_config_that_cannot_be_loaded_is_a_500_envelope(clara_3: Server, broken: Any) -> None:
    assert error_of(clara_3.load("m", broken))[:2] == (500, "AIAAException")
    assert clara_3.names() == []


def test_the_model_file_keeps_the_name_it_has_in_3_x(clara_3: Server) -> None:
    clara_3.load("m", spleen_config(), b"a graph")
    assert clara_3.get("/admin/model/m").json()["path"] == str(clara_3.workspace / "models" / "m.trt.pb")
    assert (clara_3.workspace / "models" / "m.trt.pb").read_bytes() == b"a graph"


def test_data_may_be_a_zip_with_the_model(clara_3: Server) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("models/model.trt.pb", b"a graph")
    assert clara_3.load("m", spleen_config(), packed.getvalue()).ok
    assert (clara_3.workspace / "models" / "m.trt.pb").read_bytes() == b"a graph"


def test_ngcs_zip_of_a_model_is_loaded_unchanged(clara_3: Server) -> None:
    """Recorded: issue 62 of NVIDIA/ai-assisted-annotation-client."""
    answer = clara_3.load_archive("spleen", mmar.archive(SPLEEN, "1"))
    assert answer.json() == clara_3.load_ngc(SPLEEN, name="spleen").json()


def test_patch_replaces_the_config_and_keeps_the_file(clara_3: Server) -> None:
    clara_3.load("m", spleen_config(), b"a graph")
    answer = patch(clara_3, "m", spleen_config() | {"labels": ["other"]})
    assert answer.json() == clara_3.get("/v1/models").json()[0]
    assert answer.json()["labels"] == ["other"]
    assert (clara_3.workspace / "models" / "m.trt.pb").read_bytes() == b"a graph"
    assert (clara_3.workspace / "triton_models" / "m" / "1" / "model.ts").read_bytes() == b"a graph"


def test_a_patch_that_cannot_be_loaded_leaves_the_model_as_it_was(clara_3: Server) -> None:
    clara_3.load("m", spleen_config())
    before = clara_3.get("/admin/model/m").text
    assert error_of(patch(clara_3, "m", {}))[0] == 500
    assert clara_3.get("/admin/model/m").text == before


def test_a_patch_of_an_unknown_model_or_from_another_host_is_refused(clara_3: Server, start: Start) -> None:
    assert error_of(patch(clara_3, "none", spleen_config()))[:2] == (404, "AIAAException")
    with start(api="3.1", admin_hosts="10.0.0.1") as server:
        assert patch(server, "m", {}).status_code == 403


def test_models_are_there_again_after_a_restart(start: Start, phantom: bytes) -> None:
    with start(api="3.1") as server:
        server.load_ngc(SPLEEN)
        before = server.get("/v1/models").text
    with start(api="3.1") as server:
        assert server.get("/v1/models").text == before
        assert server.infer("segmentation", SPLEEN, phantom).ok
