"""An AIAA stand-in in this process, on a Triton double: both up in a few hundredths of a second."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest
import requests
from starlette.applications import Starlette

from tests.support.aiaa_stand_in import aiaa_stand_in
from tests.support.triton_double import TritonDouble

ROOT = Path(__file__).resolve().parents[3]
LIVER_CONFIG = ROOT / "models" / "liver_demo" / "config_aiaa.json"
LIVER_MODEL = ROOT / "models" / "liver_demo" / "model.ts"
AFFINE = np.array([[1.0, 0, 0, -30], [0, 1.5, 0, 20], [0, 0, 2.0, 5], [0, 0, 0, 1]])


@dataclass
class Server:
    """A running stand-in as a client sees it, and what stands behind it."""

    url: str
    app: Starlette
    workspace: Path
    triton: TritonDouble

    def get(self, path: str, **options: Any) -> requests.Response:
        return requests.get(self.url + path, timeout=10, **options)

    def put(self, path: str, **options: Any) -> requests.Response:
        return requests.put(self.url + path, timeout=10, **options)

    def delete(self, path: str) -> requests.Response:
        return requests.delete(self.url + path, timeout=10)

    def load(self, name: str, config: Any = None, model: bytes | None = None) -> requests.Response:
        """PUT config and data, as the guide's curl does; the liver demonstration unless told otherwise."""
        files = {"config": ("config_aiaa.json", json.dumps(config or liver_config()), "application/json")}
        data = {"data": ("model.ts", LIVER_MODEL.read_bytes() if model is None else model)}
        return self.put(f"/admin/model/{name}", files={**files, **data})

    def load_ngc(self, ngc_name: str, version: str = "1", name: str | None = None) -> requests.Response:
        body = {"path": f"nvidia/med/{ngc_name}", "version": version}
        return self.put(f"/admin/model/{name or ngc_name}", json=body)

    def load_ngc_form(self, ngc_name: str, version: str = "1", name: str | None = None) -> requests.Response:
        """The form of 4.1: the same JSON as a text part."""
        body = {"path": f"nvidia/med/{ngc_name}", "version": version}
        return self.put(f"/admin/model/{name or ngc_name}", files={"ngc": (None, json.dumps(body))})

    def load_config(self, name: str, config: Any) -> requests.Response:
        """A config without a file, as for a pipeline."""
        part = ("config_aiaa.json", json.dumps(config), "application/json")
        return self.put(f"/admin/model/{name}", files={"config": part})

    def load_archive(self, name: str, archive: bytes) -> requests.Response:
        """An MMAR as a zip, and nothing else."""
        return self.put(f"/admin/model/{name}", files={"data": ("mmar.zip", archive)})

    def infer(self, api: str, model: str, image: bytes | None, params: Any = None, **query: str) -> requests.Response:
        files = {"datapoint": ("image.nii", image)} if image is not None else None
        form = {"params": json.dumps(params or {})}
        return requests.post(
            f"{self.url}/v1/{api}", params={"model": model, **query}, data=form, files=files, timeout=10
        )

    def names(self) -> list[str]:
        return [entry["name"] for entry in self.get("/v1/models").json()]


def liver_config() -> dict[str, Any]:
    config: dict[str, Any] = json.loads(LIVER_CONFIG.read_text())
    return config


def error_of(answer: requests.Response) -> tuple[int, str, list[Any]]:
    """Status, type and message of AIAA's envelope."""
    body = answer.json()
    assert body.keys() == {"error", "success"}
    assert body["success"] is False
    return answer.status_code, body["error"]["type"], body["error"]["message"]


def voxels_of(nifti: bytes) -> npt.NDArray[Any]:
    return np.asarray(nib.Nifti1Image.from_bytes(nifti).dataobj)


@pytest.fixture
def phantom() -> bytes:
    """A NIfTI of 40 x 30 x 20 voxels: -100, and a box of 100 at [10:20, 5:15, 8:16]."""
    voxels = np.full((40, 30, 20), -100, np.int16)
    voxels[10:20, 5:15, 8:16] = 100
    content: bytes = nib.Nifti1Image(voxels, AFFINE).to_bytes()  # type: ignore[no-untyped-call]
    return content


Start = Callable[..., Any]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """``with start(...) as server``: keyword arguments are the stand-in's options; a second one finds the workspace."""
    workspace = tmp_path / "workspace"

    @contextmanager
    def started(**options: Any) -> Iterator[Server]:
        with aiaa_stand_in(workspace, **options) as made:
            yield Server(made.url, made.app, workspace, made.triton)

    return started


@pytest.fixture
def aiaa(start: Start) -> Iterator[Server]:
    with start() as server:
        yield server
