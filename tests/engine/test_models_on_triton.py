"""A model of every kind and from every place, in one `up`, tried by a real Triton."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
import requests
from pytest_httpserver import HTTPServer

from sandbox.ngc import mmar
from tests.support.external_stack import pipeline_of
from tests.support.free_port import free_port
from tests.support.pulumi_stack import PulumiStack, pulumi_stack

NAME = f"triton-{os.getpid()}"
MMAR = "clara_pt_liver_and_tumor_ct_segmentation"
DEEPGROW = ("clara_pt_deepgrow_2d_annotation", "clara_pt_deepgrow_3d_annotation")
OF_NGC = (
    "clara_pt_spleen_ct_segmentation",
    "clara_pt_spleen_ct_annotation",
    "clara_pt_covid19_3d_ct_classification",
    *DEEPGROW,
)
LATER = "clara_pt_covid19_ct_lung_segmentation"
TYPES = {
    "clara_pt_spleen_ct_segmentation": "segmentation",
    "clara_pt_spleen_ct_annotation": "annotation",
    "clara_pt_covid19_3d_ct_classification": "classification",
    **dict.fromkeys(DEEPGROW, "deepgrow"),
    "both_deepgrow": "pipeline",
    "from_an_mmar": "segmentation",
    "from_a_store": "segmentation",
}


def ngc(name: str) -> dict[str, str]:
    return {"path": f"nvidia/med/{name}", "version": "1"}


def settings(weights_url: str, sha256: str) -> dict[str, Any]:
    server: dict[str, Any] = {"gpus": [], "ulimits": {"memlock": None}, "triton": {"model_timeout": 180}}
    later = {"runtime": "clara-4.1", "launcher": "AIAA start --api 4.1"}
    demo = "models/liver_demo/config_aiaa.json"
    models: dict[str, dict[str, Any]] = {
        "both_deepgrow": {"pipeline": {"config": "models/pipeline.json"}},
        "from_an_mmar": {"mmar": "models/mmar.zip"},
        "from_a_store": {"local": {"config": demo, "data": {"url": weights_url, "sha256": sha256}}},
        **{name: {"ngc": ngc(name)} for name in OF_NGC},
    }
    return {
        "servers": {"main": {**server, "port": free_port()}, "later": {**server, **later, "port": free_port()}},
        "models": {
            **{name: {**model, "servers": ["main"]} for name, model in models.items()},
            LATER: {"ngc": ngc(LATER), "servers": ["later"]},
        },
        "sandbox": {},
    }


def zipped_with_a_folder_on_top(name: str) -> bytes:
    """As one zips an MMAR by hand; AIAA itself would not take it."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for path, content in mmar.files(name, "1").items():
            archive.writestr(f"{name}/{path}", content)
    return written.getvalue()


@pytest.fixture(scope="module")
def stack(engine_with_image: docker.DockerClient) -> Iterator[PulumiStack]:
    """Brought up once."""
    del engine_with_image
    weights = (Path(__file__).parents[2] / "models" / "liver_demo" / "model.ts").read_bytes()
    with HTTPServer() as store:
        store.expect_request("/models/model.ts").respond_with_data(weights)
        url = store.url_for("/models/model.ts")
        with pulumi_stack(settings(url, hashlib.sha256(weights).hexdigest()), name=NAME) as stack:
            (stack.folder / "models" / "mmar.zip").write_bytes(zipped_with_a_folder_on_top(MMAR))
            (stack.folder / "models" / "pipeline.json").write_text(json.dumps(pipeline_of(*DEEPGROW)))
            stack.up()
            yield stack


def test_each_is_on_its_server_and_has_answered(stack: PulumiStack) -> None:
    servers = stack.outputs()["servers"]
    listed = {
        (server, entry["name"]): entry["type"]
        for server in servers
        for entry in requests.get(f"{servers[server]['url']}/v1/models", timeout=30).json()
    }
    assert listed == {**{("main", name): kind for name, kind in TYPES.items()}, ("later", LATER): "segmentation"}
    answers = {
        name.removeprefix("SmokeTest "): resource["outputs"]["answer"]
        for name, resource in stack.resources().items()
        if name.startswith("SmokeTest ")
    }
    assert set(answers) == {f"{server}/{name}" for server, name in listed}
    assert all(answers.values())


def test_verify_tells_that_all_have_passed(stack: PulumiStack) -> None:
    done = subprocess.run(
        [stack.folder / "bin" / "aiaa", "verify", "--json", "--stack", stack.name],
        cwd=stack.folder,
        env=stack.env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["well"]
    assert len(told["tests"]) == len(TYPES) + 1
    assert {test["state"] for test in told["tests"]} == {"passed"}


def test_straight_after_there_is_nothing_to_change_and_nothing_has_drifted(stack: PulumiStack) -> None:
    stack.require_no_changes()


def test_destroy_leaves_nothing_on_the_engine(stack: PulumiStack, engine_with_image: docker.DockerClient) -> None:
    assert things(engine_with_image)
    stack.destroy()
    assert things(engine_with_image) == []


def things(engine: docker.DockerClient) -> list[str]:
    """Containers, networks, volumes and images that bear the stack's name."""
    names = [str(container.name) for container in engine.containers.list(all=True, ignore_removed=True)]
    names += [str(network.name) for network in engine.networks.list()]
    names += [str(volume.name) for volume in engine.volumes.list()]
    names += [tag for image in engine.api.images() for tag in image["RepoTags"] or ()]
    return [name for name in names if f"-{NAME}-" in name]
