"""`aiaa:Endpoint` and `aiaa:SmokeTest`: a server that answers, a model that answers."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from pytest_httpserver import HTTPServer

from dynamic_providers.aiaa.endpoint import EndpointProvider
from dynamic_providers.aiaa.smoke_test import SmokeTestProvider
from sandbox.faults import Fault
from tests.support.aiaa_stand_in import AiaaStandIn, aiaa_stand_in
from tests.support.free_port import free_port
from tests.support.provider_host import UNKNOWN, Provider, ProviderFailed, ProviderHost

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
