"""``GET /v1/models``, as recorded of real 4.0 servers and as clients read it."""

from typing import Any

import pytest

from sandbox.ngc.catalog import CATALOG

from .conftest import Server, Start, liver_config


def test_an_empty_server_lists_an_empty_array(aiaa: Server) -> None:
    answer = aiaa.get("/v1/models")
    assert (answer.status_code, answer.text) == (200, "[]")
    assert answer.headers["content-type"] == "application/json"


def test_the_list_is_one_line_with_pythons_separators_exactly_as_recorded(aiaa: Server) -> None:
    aiaa.load_ngc("clara_pt_spleen_ct_segmentation", name="Test")
    aiaa.load_ngc("clara_pt_deepgrow_3d_annotation", name="deepgrow3d")
    assert aiaa.get("/v1/models").text == (
        '[{"name": "Test", "labels": ["spleen"], "description": "A pre-trained model for volumetric (3D) segmentation '
        'of the spleen from CT image", "version": "1", "type": "segmentation"}, '
        '{"name": "deepgrow3d", "labels": [], "description": "3D DeepGrow model based on Unet", "version": "1", '
        '"type": "deepgrow", "deepgrow": "3D"}]'
    )


def test_a_trailing_slash_makes_no_difference(aiaa: Server) -> None:
    aiaa.load("liver_demo")
    assert aiaa.get("/v1/models/").text == aiaa.get("/v1/models").text != "[]"


@pytest.mark.parametrize("version", [1, "1", 2.5])
def test_version_is_always_a_string(aiaa: Server, version: Any) -> None:
    assert aiaa.load("m", liver_config() | {"version": version}).json()["version"] == str(version)


def test_meta_data_of_the_config_is_merged_into_the_entry(aiaa: Server) -> None:
    config = liver_config()
    config["inference"]["meta_data"] = {"managed_by": "a/b", "digest": "abc"}
    aiaa.load("m", config)
    [entry] = aiaa.get("/v1/models").json()
    assert (entry["managed_by"], entry["digest"]) == ("a/b", "abc")


def test_label_and_type_filter_the_list(aiaa: Server) -> None:
    aiaa.load("liver_demo")
    aiaa.load_ngc("clara_pt_spleen_ct_segmentation")
    aiaa.load_ngc("clara_pt_spleen_ct_annotation")
    by_label = aiaa.get("/v1/models", params={"label": "spleen"}).json()
    assert [entry["name"] for entry in by_label] == ["clara_pt_spleen_ct_segmentation", "clara_pt_spleen_ct_annotation"]
    both = aiaa.get("/v1/models", params={"label": "spleen", "type": "annotation"}).json()
    assert [entry["name"] for entry in both] == ["clara_pt_spleen_ct_annotation"]


def test_a_model_filter_answers_one_object_and_no_list(aiaa: Server) -> None:
    aiaa.load("liver_demo")
    assert aiaa.get("/v1/models", params={"model": "liver_demo"}).json()["labels"] == ["liver"]
    assert aiaa.get("/v1/models", params={"model": "other"}).status_code == 404


def test_with_a_lag_the_list_follows_the_load_late(start: Start) -> None:
    with start(list_lag=3600) as server:
        assert server.load("liver_demo").status_code == 200
        assert server.names() == []


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_every_published_ngc_name_loads_with_its_published_type_and_labels(start: Start, name: str) -> None:
    published = CATALOG[name]
    with start(api="3.1" if published.clara == 3 else "4.0") as server:
        answer = server.load_ngc(name)
    assert answer.status_code == 200, answer.text
    entry = answer.json()
    version = "3" if published.clara == 3 else "1"
    assert (entry["type"], entry["labels"], entry["version"]) == (published.type, list(published.labels), version)
    assert entry["description"] == published.description
