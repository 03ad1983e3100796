"""`aiaa:Endpoint` and `aiaa:SmokeTest`: a server that answers, a model that answers."""

from __future__ import annotations

import json
import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from pytest_httpserver import HTTPServer

from dynamic_providers.aiaa.endpoint import EndpointProvider
from dynamic_providers.aiaa.smoke_test import SmokeTestProvider, _as_input
from model_files.config import Declared, declared
from sandbox.faults import Fault
from sandbox.ngc import mmar
from tests.support.aiaa_stand_in import AiaaStandIn, aiaa_stand_in
from tests.support.free_port import free_port
from tests.support.provider_host import UNKNOWN, Provider, ProviderFailed, ProviderHost

ROOT = Path(__file__).resolve().parents[2]
SPLEEN = "clara_pt_spleen_ct_segmentation"
ANNOTATION = "clara_pt_spleen_ct_annotation"


@pytest.fixture
def endpoints(host: ProviderHost) -> Provider:
    return host.provider(EndpointProvider)


@pytest.fixture
def smoke_tests(host: ProviderHost) -> Provider:
    return host.provider(SmokeTestProvider)


def endpoint(url: str, **changed: Any) -> dict[str, Any]:
    made = {"server": "main", "url": url, "containers": {"aiaa": "1"}, "logs_of": {}, "docker_host": None}
    return {**made, "timeout": 20, **changed}


def smoke(url: str, model: str = SPLEEN, **changed: Any) -> dict[str, Any]:
    return {"server": "main", "model": model, "url": url, "tested": {"source": "1"}, "timeout": 30, **changed}


def load(aiaa: AiaaStandIn, model: str) -> None:
    body = {"path": f"nvidia/med/{model}", "version": "1"}
    assert requests.put(f"{aiaa.url}/admin/model/{model}", json=body, timeout=10).ok


def test_a_server_that_comes_up_late_is_waited_for(endpoints: Provider, tmp_path: Path) -> None:
    port = free_port()
    done = threading.Event()

    def come_up() -> None:
        time.sleep(1)  # nobody can tell when the wait has begun
        with aiaa_stand_in(tmp_path, port=port):
            done.wait(30)

    late = threading.Thread(target=come_up)
    late.start()
    try:
        assert endpoints.create(endpoint(f"http://127.0.0.1:{port}"))[0] == "main"
    finally:
        done.set()
        late.join()


def test_a_server_that_hangs_is_not_ready_although_its_pages_answer(endpoints: Provider, aiaa: AiaaStandIn) -> None:
    aiaa.app.state.faults.set(Fault("/v1/models", "hang"))
    assert requests.get(f"{aiaa.url}/logs/", timeout=5).ok
    with pytest.raises(ProviderFailed) as failed:
        endpoints.create(endpoint(aiaa.url, timeout=2))
    assert "no answer in time" in str(failed.value)
    assert "\n" not in str(failed.value)


def test_a_server_that_never_answers_is_told_with_why_its_log_cannot_be_read(
    endpoints: Provider, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    inputs = endpoint(url, timeout=1, logs_of={"aiaa": "main-aiaa"}, docker_host=f"unix://{tmp_path}/none.sock")
    with pytest.raises(ProviderFailed) as failed:
        endpoints.create(inputs)
    assert str(failed.value) == (
        f"server main: GET {url}/v1/models: connection failed: Connection refused (waited 1 s); last lines of aiaa "
        f"(container main-aiaa): (its log cannot be read: Docker engine unix://{tmp_path}/none.sock did not answer: No "
        "such file or directory): check the address, that the server runs, and that no firewall is in between; then "
        "run the command again; `bin/aiaa logs main` shows more"
    )


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Fault("/v1/models", "status", status=500), "answered 500 Internal Server Error: fault injected: 500"),
        (Fault("/v1/models", "status", status=404), "answered 404 Not Found: fault injected: 404"),
        (Fault("/v1/models", "html"), "expected JSON, got: an HTML page titled 'Log in'"),
    ],
)
def test_an_external_server_that_is_not_ready_is_reported_in_one_whole_sentence(
    endpoints: Provider, aiaa: AiaaStandIn, answer: Fault, message: str
) -> None:
    """It has no containers whose last lines there are."""
    aiaa.app.state.faults.set(answer)
    with pytest.raises(ProviderFailed) as failed:
        endpoints.create(endpoint(aiaa.url, timeout=1, containers={}))
    line = str(failed.value)
    assert f"{message} (waited 1 s): " in line
    assert not re.search(r"[;:,.]\s*[;:,.]", line.replace("...", ""))
    assert line.endswith("; `bin/aiaa logs main` shows more")


def test_a_server_whose_container_has_ended_is_not_waited_for(endpoints: Provider, httpserver: HTTPServer) -> None:
    container = {
        "Id": "abc",
        "Config": {"Tty": True},
        "State": {"Status": "exited", "ExitCode": 137, "OOMKilled": True},
    }
    httpserver.expect_request("/version").respond_with_json({"ApiVersion": "1.44"})
    for name in ("main-aiaa", "abc"):
        httpserver.expect_request(f"/v1.44/containers/{name}/json").respond_with_json(container)
    httpserver.expect_request("/v1.44/containers/abc/logs").respond_with_data("starting\n\nloading models\n")
    engine = f"tcp://{httpserver.host}:{httpserver.port}"
    inputs = endpoint(
        f"http://127.0.0.1:{free_port()}", timeout=3600, logs_of={"aiaa": "main-aiaa"}, docker_host=engine
    )
    with pytest.raises(ProviderFailed) as failed:
        endpoints.create(inputs)
    assert str(failed.value) == (
        "server main: container main-aiaa exited with code 137 (out of memory), and nothing starts it again; last "
        "lines of aiaa (container main-aiaa): starting | loading models: mend what they say, then run the command "
        "again; `bin/aiaa logs main` shows more"
    )


def test_another_container_means_another_wait(endpoints: Provider, aiaa: AiaaStandIn) -> None:
    id_, state = endpoints.create(endpoint(aiaa.url))
    assert not endpoints.diff(id_, state, endpoint(aiaa.url, timeout=99))
    assert endpoints.diff(id_, state, endpoint(aiaa.url, containers={"aiaa": "2"}))
    assert endpoints.diff(id_, state, endpoint(aiaa.url, containers={"aiaa": UNKNOWN}))
    aiaa.app.state.faults.set(Fault("/v1/models", "status", status=503))
    with pytest.raises(ProviderFailed, match="503"):
        endpoints.update(id_, state, endpoint(aiaa.url, timeout=1, containers={"aiaa": "2"}))


def test_deleting_either_asks_the_server_for_nothing(endpoints: Provider, smoke_tests: Provider) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    endpoints.delete("main", endpoint(nowhere))
    smoke_tests.delete(f"main/{SPLEEN}", smoke(nowhere))


@pytest.mark.parametrize(
    ("model", "answer"),
    [
        (SPLEEN, "mask of 64 x 64 x 64 voxels, label 1 ("),
        ("clara_pt_prostate_mri_segmentation", "mask of 64 x 64 x 64 voxels, label 2 ("),
        ("clara_pt_brain_mri_segmentation", "mask of 64 x 64 x 64 voxels, label 3 ("),
        (ANNOTATION, "mask of 64 x 64 x 64 voxels, label"),
        ("clara_pt_deepgrow_2d_annotation", "mask of 128 x 128 x 8 voxels, label"),
        ("clara_pt_deepgrow_3d_annotation", "mask of 64 x 64 x 64 voxels, label"),
        ("clara_pt_covid19_3d_ct_classification", "results: pred = ["),
    ],
)
def test_a_model_that_answers_passes_its_smoke_test(
    smoke_tests: Provider, aiaa: AiaaStandIn, model: str, answer: str
) -> None:
    """Each is sent the channels and the shape that its configuration declares: the double refuses others."""
    load(aiaa, model)
    id_, state = smoke_tests.create(smoke(aiaa.url, model))
    assert id_ == f"main/{model}"
    assert state["answer"].startswith(answer)
    assert re.search(r", in \d+\.\d s$", state["answer"])
    assert aiaa.triton.inferences[-1].endswith(model)


def test_each_model_that_a_viewer_offers_is_run_in_a_session_which_goes_afterwards(
    smoke_tests: Provider, aiaa: AiaaStandIn
) -> None:
    load(aiaa, SPLEEN)
    aiaa.app.state.faults.requests.clear()
    smoke_tests.create(smoke(aiaa.url))
    asked = [(entry.method, entry.path.rpartition("/")[0], entry.query) for entry in aiaa.app.state.faults.requests]
    session = next(query for method, _, query in asked if method == "POST")
    assert re.fullmatch(rf"model={SPLEEN}&session_id=[0-9a-f-]{{36}}&output=image", session)
    assert [(method, path) for method, path, _ in asked][-3:] == [
        ("PUT", "/session"),
        ("POST", "/v1"),
        ("DELETE", "/session"),
    ]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Fault("/session/", "status", status=500), "Failed to create AIAA Session! Reason: undefined"),
        (Fault("/session/", "html", status=200), "Failed to create AIAA Session! Reason: undefined"),
        (Fault("/v1/*", "status", status=500, query="*session_id=*"), f"Failed to run {SPLEEN}! Reason: undefined"),
        (Fault("/v1/*", "html", query="*session_id=*"), "Error in parsing the mask image"),
    ],
)
def test_a_server_whose_sessions_are_broken_fails_its_smoke_tests_with_what_a_clinician_sees(
    smoke_tests: Provider, aiaa: AiaaStandIn, broken: Fault, message: str
) -> None:
    load(aiaa, SPLEEN)
    aiaa.app.state.faults.set(broken)
    with pytest.raises(ProviderFailed) as failed:
        smoke_tests.create(smoke(aiaa.url))
    assert message in str(failed.value)
    assert "AIAA's last log lines" in str(failed.value)
    assert not re.search(r"[;:,.]\s*[;:]", str(failed.value).replace("...", ""))


def test_a_session_that_cannot_be_closed_is_reported_with_the_answer(smoke_tests: Provider, aiaa: AiaaStandIn) -> None:
    load(aiaa, SPLEEN)
    aiaa.app.state.faults.set(Fault("/session/*", "status", method="DELETE", status=500))
    answer = smoke_tests.create(smoke(aiaa.url))[1]["answer"]
    assert answer.startswith("mask of 64 x 64 x 64 voxels, label 1 (")
    assert "; the session was not closed and ends by itself within 2 hours: " in answer


def test_a_clara_3_1_config_of_version_3_is_tried_with_the_channels_that_it_declares(
    smoke_tests: Provider, tmp_path: Path
) -> None:
    config = json.loads(mmar.files("clara_ct_seg_spleen_amp", "1")["config/config_aiaa.json"])
    tensors = {"data_type": "TYPE_FP32", "dims": [4, 64, 64, 64]}
    trtis: dict[str, Any] = {"max_batch_size": 1}
    for side in ("INPUT", "OUTPUT"):
        trtis[side.lower()] = [{"name": f"NV_MODEL_{side}", **tensors}]
    config["inference"] |= {"trtis": trtis, "args": {}}
    with aiaa_stand_in(tmp_path / "3.1", api="3.1") as aiaa:
        parts: Any = {"config": ("config_aiaa.json", json.dumps(config)), "data": ("model.trt.pb", b"graph")}
        assert requests.put(f"{aiaa.url}/admin/model/mri", files=parts, timeout=10).ok
        inputs = smoke(aiaa.url, "mri", declared=_as_input(declared(config)))
        assert inputs["declared"] == {"channels": 4, "shape": [64, 64, 64]}
        assert smoke_tests.create(inputs)[1]["answer"].startswith("mask of 64 x 64 x 64 voxels")


@pytest.mark.parametrize("reads", ["nifti", "png"])
def test_a_2d_network_is_tried_with_an_image_that_it_reads(
    smoke_tests: Provider, aiaa: AiaaStandIn, reads: str
) -> None:
    config: dict[str, Any] = json.loads((ROOT / "models" / "liver_demo" / "config_aiaa.json").read_text())
    reader = {"reader": "PILReader"} if reads == "png" else {}
    config["pre_transforms"] = [
        {"name": "monai.transforms.LoadImaged", "args": {"keys": "image", **reader}},
        {"name": "monai.transforms.AddChanneld", "args": {"keys": "image"}},
    ]
    section = config["inference"]["TRITON"]
    section["args"] = {}
    for side, channels in (("input", 1), ("output", 2)):
        section["triton_model_config"][side][0]["dims"] = [channels, 256, 128]
    parts: Any = {"config": ("config_aiaa.json", json.dumps(config)), "data": ("model.ts", b"weights")}
    assert requests.put(f"{aiaa.url}/admin/model/flat", files=parts, timeout=10).ok
    inputs = smoke(aiaa.url, "flat", declared=_as_input(declared(config)))
    assert smoke_tests.create(inputs)[1]["answer"].startswith("mask of 256 x 128 voxels, label 1 (")
    assert inputs["declared"].get("format", "nifti") == reads


def test_what_is_declared_of_a_volume_stands_in_the_state_as_before() -> None:
    assert _as_input(Declared(2, (64, 64, 64))) == {"channels": 2, "shape": [64, 64, 64]}
    assert _as_input(Declared(1, (64, 64), "png")) == {"channels": 1, "shape": [64, 64], "format": "png"}


def test_a_server_that_keeps_its_configurations_to_itself_is_sent_the_default_image(
    smoke_tests: Provider, aiaa: AiaaStandIn
) -> None:
    load(aiaa, SPLEEN)
    aiaa.app.state.faults.set(Fault(f"/admin/model/{SPLEEN}", "status", status=403))
    assert smoke_tests.create(smoke(aiaa.url))[1]["answer"].startswith("mask of 64 x 64 x 64 voxels")


def test_a_model_that_fails_at_inference_fails_its_smoke_test(smoke_tests: Provider, aiaa: AiaaStandIn) -> None:
    load(aiaa, SPLEEN)
    aiaa.app.state.faults.set(Fault("/v1/segmentation", "status", status=500))
    with pytest.raises(ProviderFailed) as failed:
        smoke_tests.create(smoke(aiaa.url))
    assert str(failed.value).startswith(f"smoke test of model main/{SPLEEN}: ")
    assert "\n" not in str(failed.value)


def test_a_model_that_is_not_there_fails_its_smoke_test_with_a_way_on(smoke_tests: Provider, aiaa: AiaaStandIn) -> None:
    with pytest.raises(ProviderFailed, match="bin/pulumi refresh"):
        smoke_tests.create(smoke(aiaa.url))


def test_a_smoke_test_is_done_again_when_what_it_tested_changes(smoke_tests: Provider, aiaa: AiaaStandIn) -> None:
    load(aiaa, SPLEEN)
    id_, state = smoke_tests.create(smoke(aiaa.url))
    assert not smoke_tests.diff(id_, state, smoke(aiaa.url, timeout=99))
    assert smoke_tests.diff(id_, state, smoke(aiaa.url, tested={"source": "2"}))
    before = len(aiaa.triton.inferences)
    smoke_tests.update(id_, state, smoke(aiaa.url, tested={"source": "2"}))
    assert len(aiaa.triton.inferences) > before
