"""What NVIDIA's SDK asks NGC for. Addresses and shapes: ngcsdk 4.37.0; what NGC says beyond them is not recorded."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.ngc import mmar
from sandbox.ngc.app import create_app
from sandbox.ngc.catalog import CATALOG
from sandbox.serve import serve

SPLEEN = "clara_pt_spleen_ct_segmentation"
GUEST, KEYED = f"/v2/models/nvidia/med/{SPLEEN}", f"/v2/org/nvidia/team/med/models/{SPLEEN}"


@pytest.fixture
def ngc() -> Iterator[str]:
    with serve(create_app()) as url:
        yield url


@pytest.fixture
def private() -> Iterator[str]:
    with serve(create_app(api_key="nvapi-k3y")) as url:
        yield url


def get(url: str, **headers: str) -> Any:
    answer = requests.get(url, headers=headers, timeout=10)
    assert answer.status_code == 200
    return answer.json()


def search(url: str, pattern: str, page: int = 0, size: int = 100) -> list[str]:
    asked = json.dumps({"query": f"resourceId:{pattern}", "page": page, "pageSize": size})
    answer = requests.get(f"{url}/v2/search/catalog/resources/MODEL", params={"q": asked}, timeout=10).json()
    assert answer["resultPageTotal"] == -(-answer["results"][0]["totalCount"] // size)
    return [resource["resourceId"] for resource in answer["results"][0]["resources"]]


def test_a_search_finds_models_by_a_pattern_page_by_page(ngc: str) -> None:
    whole = search(ngc, "nvidia/med/*")
    assert whole == [f"nvidia/med/{name}" for name in CATALOG]
    assert search(ngc, "nvidia/med/*", 0, 5) + search(ngc, "nvidia/med/*", 1, 5) == whole[:10]
    assert search(ngc, "nvidia/med/*deepgrow_3d*") == ["nvidia/med/clara_pt_deepgrow_3d_annotation"]
    assert search(ngc, "nvidia/other/*") == []


@pytest.mark.parametrize("model", [GUEST, KEYED])
def test_a_model_and_a_version_are_described(ngc: str, model: str) -> None:
    assert get(ngc + model)["model"]["latestVersionIdStr"] == "2"
    assert get(f"{ngc}{model}/versions/1")["modelVersion"]["status"] == "UPLOAD_COMPLETE"


@pytest.mark.parametrize("model", [GUEST, KEYED])
def test_files_are_listed_with_size_and_checksum(ngc: str, model: str) -> None:
    listed = {file["path"]: file for file in get(f"{ngc}{model}/versions/1/files?page-size=1000")["modelFiles"]}
    for path, content in mmar.files(SPLEEN, "1").items():
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        assert listed.pop(path) == {"path": path, "sizeInBytes": len(content), "sha256_base64": digest}
    assert not listed


@pytest.mark.parametrize("address", [f"/v2/models/org/nvidia/team/med/{SPLEEN}/1/files", f"{KEYED}/1/files"])
def test_a_signed_address_gives_the_file_whole_and_in_parts_and_to_nobody_else(ngc: str, address: str) -> None:
    (signed,) = get(f"{ngc}{address}?path=models/model.ts")["urls"]
    whole = requests.get(signed, timeout=10)
    assert whole.content == mmar.files(SPLEEN, "1")["models/model.ts"]
    part = {"Range": "bytes=100-", "If-Range": whole.headers["etag"]}
    assert requests.get(signed, headers=part, timeout=10).content == whole.content[100:]
    refused = requests.get(signed.partition("?")[0], timeout=10)
    assert (refused.status_code, refused.headers["content-type"]) == (403, "application/xml")


@pytest.mark.parametrize(
    "path",
    [
        "/v2/models/nvidia/med/none",
        f"{GUEST}/versions/9",
        f"{GUEST}/versions/9/files",
        f"/v2/models/org/nvidia/team/med/{SPLEEN}/1/files?path=none",
        "/v2/none",
    ],
)
def test_what_is_not_there_is_refused_in_ngcs_shape(ngc: str, path: str) -> None:
    answer = requests.get(ngc + path, timeout=10)
    assert answer.status_code == 404
    assert answer.json()["requestStatus"]["statusCode"] == "NOT_FOUND"


def test_guests_see_that_there_are_private_models_and_no_more(private: str) -> None:
    assert search(private, "nvidia/med/*")
    answer = requests.get(private + GUEST, timeout=10)
    assert answer.status_code == 403
    assert answer.json()["requestStatus"]["statusDescription"] == "Access Denied"
    assert requests.get(private + KEYED, headers={"Authorization": "Bearer x"}, timeout=10).status_code == 401


def test_a_key_is_good_itself_and_for_a_token(private: str) -> None:
    login = base64.b64encode(b"$oauthtoken:nvapi-k3y").decode()
    token = get(f"{private}/token?service=ngc&scope=group/ngc:nvidia", Authorization=f"Basic {login}")["token"]
    for bearer in ("nvapi-k3y", token):
        assert get(private + KEYED, Authorization=f"Bearer {bearer}")["model"]["name"] == SPLEEN
    wrong = base64.b64encode(b"$oauthtoken:wrong").decode()
    refused = requests.get(f"{private}/token", headers={"Authorization": f"Basic {wrong}"}, timeout=10)
    assert refused.status_code == 401


def test_whose_a_key_is_is_told_to_who_has_it(private: str) -> None:
    asked = f"{private}/v3/keys/get-caller-info"
    assert requests.post(asked, data={"credentials": "nvapi-k3y"}, timeout=10).json()["orgName"] == "radiology"
    assert requests.post(asked, data={"credentials": "wrong"}, timeout=10).status_code == 401
