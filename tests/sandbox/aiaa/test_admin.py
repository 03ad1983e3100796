"""``/admin/model/{name}``: the forms of 4.0, its answers, and what stays when a load fails."""

import json
from typing import Any

import pytest

from .conftest import LIVER_MODEL, Server, Start, error_of, liver_config, voxels_of


def test_a_load_answers_the_public_entry_of_the_model(aiaa: Server) -> None:
    answer = aiaa.load("liver_demo")
    assert answer.status_code == 200
    assert answer.json() == aiaa.get("/v1/models").json()[0]


def test_the_guides_json_form_loads_from_ngc_under_any_name(aiaa: Server) -> None:
    answer = aiaa.load_ngc("clara_pt_deepgrow_3d_annotation", name="deepgrow3d")
    assert answer.text == (
        '{"name": "deepgrow3d", "labels": [], "description": "3D DeepGrow model based on Unet", "version": "1", '
        '"type": "deepgrow", "deepgrow": "3D"}'
    )


def test_another_ngc_version_is_another_model_under_the_same_name(aiaa: Server) -> None:
    aiaa.load_ngc("clara_pt_spleen_ct_segmentation", "1")
    before = (aiaa.workspace / "models" / "clara_pt_spleen_ct_segmentation.ts").read_bytes()
    assert aiaa.load_ngc("clara_pt_spleen_ct_segmentation", "2").json()["version"] == "2"
    assert (aiaa.workspace / "models" / "clara_pt_spleen_ct_segmentation.ts").read_bytes() != before
    assert len(aiaa.names()) == 1


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("nvidia/med/clara_pt_none", "1"),
        ("nvidia/med/clara_pt_spleen_ct_segmentation", "9"),
        ("clara_pt_spleen_ct_segmentation", "1"),
    ],
)
def test_an_unknown_ngc_path_or_version_is_a_500_envelope(aiaa: Server, path: str, version: str) -> None:
    answer = aiaa.put("/admin/model/m", json={"path": path, "version": version})
    assert error_of(answer)[:2] == (500, "AIAAException")
    assert aiaa.names() == []


def test_the_config_part_needs_no_content_type(aiaa: Server) -> None:
    parts = {"config": (None, json.dumps(liver_config())), "data": ("model.ts", LIVER_MODEL.read_bytes())}
    assert aiaa.put("/admin/model/m", files=parts).status_code == 200


def test_a_class_the_server_lacks_is_answered_exactly_as_recorded(aiaa: Server) -> None:
    config = liver_config()
    config["post_transforms"] = [{"name": "aiaa.transforms.LargestCCd", "args": {"keys": "pred"}}]
    answer = aiaa.load("m", config)
    assert answer.status_code == 500
    assert answer.text == (
        '{"error":{"message":["CLASS_INIT_ERROR","Instantiation of class LargestCCd failed: '
        'module \'aiaa.transforms\' has no attribute \'LargestCCd\'."],"type":"AIAAException"},"success":false}\n'
    )


@pytest.mark.parametrize(
    "broken",
    [
        "no object",
        {key: value for key, value in liver_config().items() if key != "labels"},
        liver_config() | {"type": "unheard_of"},
        liver_config() | {"pre_transforms": [{"name": "monai.transforms.LoadImaged", "args": {"no_such": 1}}]},
        liver_config() | {"inference": {"TRITON": {"triton_model_config": {"no_such_field": 1}}}},
        liver_config() | {"inference": {"TRITON": {"triton_model_config": {"max_batch_size": 1}}}},
        liver_config() | {"inference": {"TRITON": {"name": "aiaa.inference.TritonInference"}}},
        liver_config() | {"inference": {"AIAA": {"name": "aiaa.inference.PyTorchInference"}}},
    ],
)
def test_a_config_that_cannot_be_loaded_is_a_500_envelope_and_nothing_reaches_triton(aiaa: Server, broken: Any) -> None:
    status, kind, message = error_of(aiaa.load("m", broken))
    assert (status, kind, len(message)) == (500, "AIAAException", 2)
    assert list((aiaa.workspace / "triton_models").iterdir()) == []


def test_a_class_of_ones_own_is_loaded_without_a_file_if_it_is_in_the_workspaces_lib(
    aiaa: Server, phantom: bytes
) -> None:
    """Documented: where it belongs. Inferred: the refusal. It is not run here."""
    config = liver_config() | {"inference": {"TRITON": {"name": "my_inference.Mine"}}}
    status, _, message = error_of(aiaa.load_config("m", config))
    assert (status, message[0]) == (500, "CLASS_INIT_ERROR")
    (aiaa.workspace / "lib").mkdir()
    (aiaa.workspace / "lib" / "my_inference.py").touch()
    assert aiaa.load_config("m", config).status_code == 200
    assert aiaa.names() == ["m"]
    assert error_of(aiaa.infer("segmentation", "m", phantom))[:2] == (500, "AIAAException")


def test_a_name_with_other_characters_is_refused_with_400(aiaa: Server) -> None:
    assert error_of(aiaa.load("no%20blank"))[0] == 400


def test_put_fails_with_an_envelope_when_triton_does_not_serve_the_model_in_time(start: Start) -> None:
    with start(triton_model_timeout=0.2) as server:
        server.triton.frozen = True
        assert error_of(server.load("m")) == (500, "TimeoutError", ["Unable to get status for 'm'"])
        assert server.names() == []


def test_a_replacement_that_triton_does_not_take_leaves_the_old_model_in_place(start: Start, phantom: bytes) -> None:
    with start(triton_model_timeout=0.2) as server:
        server.load("m")
        before = voxels_of(
            server.infer("segmentation", "m", phantom, {"result_extension": ".nii"}, output="image").content
        )
        server.triton.frozen = True
        assert server.load("m", liver_config() | {"version": 2}, b"other").status_code == 500
        assert server.get("/v1/models").json()[0]["version"] == "1"
        server.triton.frozen = False
        after = voxels_of(
            server.infer("segmentation", "m", phantom, {"result_extension": ".nii"}, output="image").content
        )
        assert (after == before).all()
        assert (server.workspace / "triton_models" / "m" / "1" / "model.ts").read_bytes() == LIVER_MODEL.read_bytes()


def test_put_again_replaces_the_config_and_the_file(aiaa: Server) -> None:
    aiaa.load("m")
    aiaa.load("m", liver_config() | {"labels": ["other"], "version": 7}, b"another file")
    [entry] = aiaa.get("/v1/models").json()
    assert (entry["labels"], entry["version"]) == (["other"], "7")
    assert (aiaa.workspace / "triton_models" / "m" / "1" / "model.ts").read_bytes() == b"another file"


def test_get_shows_the_stored_config_with_name_and_path(aiaa: Server) -> None:
    aiaa.load("m")
    shown = aiaa.get("/admin/model/m").json()
    assert shown == liver_config() | {"name": "m", "path": str(aiaa.workspace / "models" / "m.ts")}


def test_get_and_delete_of_an_unknown_model_are_404_envelopes(aiaa: Server) -> None:
    for answer in (aiaa.get("/admin/model/none"), aiaa.delete("/admin/model/none")):
        assert error_of(answer)[:2] == (404, "AIAAException")


def test_delete_removes_the_entry_and_the_files_of_that_model_alone(aiaa: Server) -> None:
    aiaa.load("m")
    aiaa.load("kept")
    assert aiaa.delete("/admin/model/m").status_code == 200
    assert aiaa.names() == ["kept"]
    assert [path.name for path in (aiaa.workspace / "triton_models").iterdir()] == ["kept"]
    assert [path.name for path in (aiaa.workspace / "models").iterdir()] == ["kept.ts"]
    assert aiaa.delete("/admin/model/m").status_code == 404


def test_admin_hosts_keeps_other_hosts_out_of_admin_alone(start: Start) -> None:
    with start(admin_hosts="10.0.0.1,10.0.0.2") as server:
        assert server.load("m").status_code == 403
        assert server.get("/admin/model/m").status_code == 403
        assert server.delete("/admin/model/m").status_code == 403
        assert server.get("/v1/models").status_code == 200
    with start(admin_hosts="10.0.0.1, 127.0.0.1") as server:
        assert server.load("m").status_code == 200
