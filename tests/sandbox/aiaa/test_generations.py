"""Which forms of a load each release of Clara takes, and which it refuses.

Documented: NGC's path as a JSON body in 3.x and 4.0, as the form part ``ngc`` in 4.1; config and data in all; an MMAR
as a zip in 3.x, in 4.x by the command line; ``PATCH`` in 3.x. Recorded: an archive uploaded to 3.x. Inferred: that a
release refuses what its documentation does not have, and the envelope that it does so with.
"""

import io
import zipfile

import nibabel as nib
import numpy as np
import pytest
import requests

from sandbox.ngc import mmar

from .conftest import Server, Start, error_of, liver_config, voxels_of

CLARA_3 = "clara_ct_seg_spleen_amp"
CLARA_4 = "clara_pt_spleen_ct_segmentation"
APIS = ("3.1", "4.0", "4.1", "lenient")


def ngc_name(api: str) -> str:
    return CLARA_3 if api == "3.1" else CLARA_4


def is_refusal(server: Server, answer: requests.Response) -> bool:
    status, kind, message = error_of(answer)
    return (status, kind, message[0], server.names()) == (500, "AIAAException", "INVALID_INPUT", [])


@pytest.mark.parametrize(("api", "takes"), [("3.1", True), ("4.0", True), ("4.1", False), ("lenient", True)])
def test_ngcs_path_as_a_json_body(start: Start, api: str, takes: bool) -> None:
    with start(api=api) as server:
        answer = server.load_ngc(ngc_name(api))
        assert answer.ok if takes else is_refusal(server, answer)


@pytest.mark.parametrize(("api", "takes"), [("3.1", False), ("4.0", False), ("4.1", True), ("lenient", True)])
def test_ngcs_path_as_a_part_of_a_form(start: Start, api: str, takes: bool) -> None:
    with start(api=api) as server:
        answer = server.load_ngc_form(ngc_name(api))
        assert answer.ok if takes else is_refusal(server, answer)


@pytest.mark.parametrize("api", APIS)
def test_config_and_data_are_taken_by_all(start: Start, api: str) -> None:
    files = mmar.files(ngc_name(api), "1")
    config, model = files.values()
    with start(api=api) as server:
        parts = {"config": ("c.json", config, "application/json"), "data": ("model", model)}
        answer = server.put("/admin/model/m", files=parts)
        assert answer.json() == server.get("/v1/models").json()[0]


@pytest.mark.parametrize(("api", "takes"), [("3.1", True), ("4.0", False), ("4.1", False), ("lenient", False)])
def test_an_mmar_as_a_zip_alone(start: Start, api: str, takes: bool) -> None:
    with start(api=api) as server:
        answer = server.load_archive("m", mmar.archive(ngc_name(api), "1"))
        assert answer.ok if takes else is_refusal(server, answer)


@pytest.mark.parametrize("api", ["4.0", "4.1", "lenient"])
def test_patch_is_not_there_in_4_x(start: Start, api: str) -> None:
    with start(api=api) as server:
        answer = requests.patch(server.url + "/admin/model/m", json={}, timeout=10)
    assert answer.status_code == 405
    assert "Method Not Allowed" in answer.text


@pytest.mark.parametrize("api", ["4.0", "4.1"])
def test_a_model_of_clara_3_is_none_for_4_x(start: Start, api: str) -> None:
    """Documented of 4.1: the name has to begin with clara_pt."""
    with start(api=api) as server:
        answer = (server.load_ngc if api == "4.0" else server.load_ngc_form)(CLARA_3)
        assert error_of(answer)[:2] == (500, "AIAAException")
        assert server.names() == []


def test_a_config_of_clara_4_is_none_for_3_1(start: Start) -> None:
    with start(api="3.1") as server:
        assert error_of(server.load("m"))[:2] == (500, "AIAAException")


@pytest.mark.parametrize("content", [b"no zip", b""])
def test_data_alone_that_is_no_zip_is_an_envelope(start: Start, content: bytes) -> None:
    with start(api="3.1") as server:
        assert error_of(server.load_archive("m", content))[:2] == (500, "AIAAException")


def test_an_archive_with_a_folder_above_the_mmar_fails(start: Start) -> None:
    """Documented: NVIDIA's notebook says that such a zip has to be unpacked first."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in mmar.files(CLARA_3, "1").items():
            archive.writestr(f"{CLARA_3}/{path}", content)
    with start(api="3.1") as server:
        status, kind, message = error_of(server.load_archive("m", packed.getvalue()))
        assert (status, kind, server.names()) == (500, "AIAAException", [])
    assert "its root has to be the MMAR" in message[1]


def test_the_largest_component_is_found_by_later_servers_only(start: Start) -> None:
    """Recorded: 4.0 lacks ``LargestCCd``. Inferred: 4.1, whose notebook loads a config that names it, has it."""
    config = liver_config()
    config["post_transforms"].insert(4, {"name": "aiaa.transforms.LargestCCd", "args": {"keys": "pred"}})
    with start(api="4.0") as server:
        assert error_of(server.load("m", config))[2][0] == "CLASS_INIT_ERROR"
    voxels = np.full((40, 30, 20), -100, np.int16)
    voxels[2:5, 2:5, 2:5] = voxels[10:20, 5:15, 8:16] = voxels[30:33, 20:23, 2:5] = 100
    image = nib.Nifti1Image(voxels, np.eye(4)).to_bytes()  # type: ignore[no-untyped-call]
    with start(api="4.1") as server:
        assert server.load("m", config).ok
        answer = server.infer("segmentation", "m", image, {"result_extension": ".nii"}, output="image")
    assert voxels_of(answer.content).sum() == 10 * 10 * 8
