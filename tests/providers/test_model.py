"""`aiaa:Model`: models on an AIAA server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from clients.aiaa import AiaaClient
from dynamic_providers.aiaa.model import ModelProvider
from sandbox.faults import Fault
from tests.support.aiaa_stand_in import AiaaStandIn, aiaa_stand_in
from tests.support.free_port import free_port
from tests.support.model_props import OWNER, local, ngc
from tests.support.provider_host import PROJECT, UNKNOWN, Provider, ProviderFailed, ProviderHost
from tests.support.triton_double import TritonDouble

OWN_MOUNTS = ("unshare", "--mount", "--user", "--map-root-user", "--kill-child")


@pytest.fixture
def models(host: ProviderHost) -> Provider:
    return host.provider(ModelProvider)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A config and weights that a test may change."""
    return shutil.copytree(PROJECT / "models" / "liver_demo", tmp_path / "files")


def listed(aiaa: AiaaStandIn) -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in requests.get(f"{aiaa.url}/v1/models", timeout=5).json()}


def uploads(aiaa: AiaaStandIn) -> int:
    return sum(entry.method == "PUT" for entry in aiaa.app.state.faults.requests)


def put_by_hand(aiaa: AiaaStandIn, files: Path, name: str, mark: dict[str, str] | None = None) -> None:
    config = json.loads((files / "config_aiaa.json").read_text())
    config["inference"]["meta_data"] = mark or {}
    parts: dict[str, Any] = {
        "config": ("config_aiaa.json", json.dumps(config), "application/json"),
        "data": ("model.ts", (files / "model.ts").read_bytes()),
    }
    assert requests.put(f"{aiaa.url}/admin/model/{name}", files=parts, timeout=10).ok


@pytest.mark.parametrize("kind", ["local", "ngc"])
def test_a_model_is_loaded_read_and_unloaded(models: Provider, aiaa: AiaaStandIn, files: Path, kind: str) -> None:
    inputs = local(aiaa.url, files) if kind == "local" else ngc(aiaa.url)
    assert models.check(inputs) == {}
    id_, state = models.create(inputs)
    assert id_ == f"main/{inputs['model']}"
    assert (state["type"], state["version"]) == ("segmentation", "1")
    assert listed(aiaa).keys() == {inputs["model"]}
    read_id, read_state, read_inputs = models.read(id_, state)
    assert (read_id, read_state) == (id_, state)
    assert not models.diff(id_, read_state, inputs)
    assert not models.diff(id_, read_state, read_inputs)
    models.delete(id_, state)
    assert listed(aiaa) == {}
    assert models.read(id_, state)[0] == ""
    models.delete(id_, state)


def test_a_model_from_files_carries_the_stacks_mark(models: Provider, aiaa: AiaaStandIn, files: Path) -> None:
    models.create(local(aiaa.url, files))
    assert listed(aiaa)["liver_demo"]["managed_by"] == OWNER


def test_creating_again_after_a_kill_uploads_nothing(models: Provider, aiaa: AiaaStandIn, files: Path) -> None:
    id_, state = models.create(local(aiaa.url, files))
    again, same = models.create(local(aiaa.url, files))
    assert (again, same | {"ensured_at": ""}) == (id_, state | {"ensured_at": ""})
    assert uploads(aiaa) == 1


@pytest.mark.parametrize("mark", [None, {"managed_by": "xnat-aiaa/other"}])
def test_a_model_of_somebody_else_is_not_replaced(
    models: Provider, aiaa: AiaaStandIn, files: Path, mark: dict[str, str] | None
) -> None:
    put_by_hand(aiaa, files, "liver_demo", mark)
    with pytest.raises(ProviderFailed) as failed:
        models.create(local(aiaa.url, files))
    assert "adopt: true" in str(failed.value)
    assert "\n" not in str(failed.value)
    assert listed(aiaa)["liver_demo"].get("managed_by") == (mark or {}).get("managed_by")
    models.create(local(aiaa.url, files, adopt=True))
    assert listed(aiaa)["liver_demo"]["managed_by"] == OWNER


def test_another_address_uploads_nothing(models: Provider, tmp_path: Path, files: Path) -> None:
    with aiaa_stand_in(tmp_path / "workspace") as aiaa:
        id_, state = models.create(local(aiaa.url, files))
    with aiaa_stand_in(tmp_path / "workspace") as moved:
        news = local(moved.url, files)
        assert models.diff(id_, state, news)
        assert models.update(id_, state, news)["url"] == moved.url
        assert uploads(moved) == 0


def test_a_new_workspace_gets_its_models_again(models: Provider, tmp_path: Path, files: Path) -> None:
    with aiaa_stand_in(tmp_path / "old") as aiaa:
        id_, state = models.create(local(aiaa.url, files))
    with aiaa_stand_in(tmp_path / "new") as empty:
        news = local(empty.url, files, generation="two")
        assert models.diff(id_, state, news)
        models.update(id_, state, news)
        assert listed(empty).keys() == {"liver_demo"}


def test_changed_weights_are_loaded_in_place_of_the_old(models: Provider, aiaa: AiaaStandIn, files: Path) -> None:
    id_, state = models.create(local(aiaa.url, files))
    shutil.copy(PROJECT / "sandbox/ngc/models/segmentation_1to1.ts", files / "model.ts")
    news = local(aiaa.url, files)
    assert models.diff(id_, state, news)
    models.update(id_, state, news)
    assert listed(aiaa)["liver_demo"]["digest"] == f"{news['config_digest']}.{news['weights_digest']}"


def test_another_layout_of_the_config_is_no_change(models: Provider, aiaa: AiaaStandIn, files: Path) -> None:
    id_, state = models.create(local(aiaa.url, files))
    config = files / "config_aiaa.json"
    config.write_text(json.dumps(json.loads(config.read_text()), indent=8))
    assert not models.diff(id_, state, local(aiaa.url, files))


def test_a_file_that_changed_after_the_preview_is_not_uploaded(
    models: Provider, aiaa: AiaaStandIn, files: Path
) -> None:
    planned = local(aiaa.url, files)
    shutil.copy(PROJECT / "sandbox/ngc/models/segmentation_1to1.ts", files / "model.ts")
    with pytest.raises(ProviderFailed, match="run the command again"):
        models.create(planned)
    assert listed(aiaa) == {}


def by_hand(files: Path, **changed: Any) -> Path:
    """The files as somebody else would change them."""
    config = json.loads((files / "config_aiaa.json").read_text()) | changed
    (files / "config_aiaa.json").write_text(json.dumps(config))
    return files


@pytest.mark.parametrize(
    ("changed", "marked", "told"),
    [
        ({}, False, "other files than ours were loaded"),
        ({"labels": ["tumour"]}, True, "labels is ['tumour'], was ['liver']"),
        ({"version": "7"}, True, "version is '7', was '1'"),
        (
            {"labels": ["tumour"], "version": "7"},
            False,
            "other files than ours were loaded; labels is ['tumour'], was ['liver']; version is '7', was '1'",
        ),
    ],
    ids=["weights", "labels", "version", "all"],
)
def test_drift_is_told_in_words_and_repaired(
    models: Provider,
    host: ProviderHost,
    aiaa: AiaaStandIn,
    files: Path,
    tmp_path: Path,
    changed: dict[str, Any],
    marked: bool,
    told: str,
) -> None:
    inputs = local(aiaa.url, files)
    id_, state = models.create(inputs)
    mark = {key: listed(aiaa)["liver_demo"][key] for key in ("managed_by", "digest")} if marked else None
    put_by_hand(aiaa, by_hand(shutil.copytree(files, tmp_path / "theirs"), **changed), "liver_demo", mark)
    _, drifted, live = models.read(id_, state)
    assert live["drift"] == told
    assert host.said().strip().endswith(f"model main/liver_demo: {told}; the next `up` loads it again")
    assert models.diff(id_, drifted, inputs)
    repaired = models.update(id_, drifted, inputs)
    assert listed(aiaa)["liver_demo"]["managed_by"] == OWNER
    assert listed(aiaa)["liver_demo"]["labels"] == ["liver"]
    assert repaired["ensured_at"] > state["ensured_at"]  # a reason for another smoke test
    assert not models.diff(id_, repaired, inputs)


def test_a_model_that_is_gone_is_told_in_words(
    models: Provider, host: ProviderHost, aiaa: AiaaStandIn, files: Path
) -> None:
    id_, state = models.create(local(aiaa.url, files))
    assert requests.delete(f"{aiaa.url}/admin/model/liver_demo", timeout=10).ok
    assert models.read(id_, state) == ("", {}, {})
    assert (
        host.said()
        .strip()
        .endswith("model main/liver_demo: the server does not list it any more; the next `up` loads it")
    )


def test_a_model_that_another_stack_took_over_is_not_unloaded(
    models: Provider, host: ProviderHost, aiaa: AiaaStandIn, files: Path
) -> None:
    id_, state = models.create(local(aiaa.url, files))
    put_by_hand(aiaa, files, "liver_demo", {"managed_by": "xnat-aiaa/other"})
    models.delete(id_, state)
    assert listed(aiaa).keys() == {"liver_demo"}
    assert "stack xnat-aiaa/other manages" in host.said()


@pytest.mark.parametrize(
    "fault",
    [
        Fault("/v1/models*", "status", status=500),
        Fault("/v1/models*", "status", status=401),
        Fault("/v1/models*", "status", status=404),
        Fault("/v1/models*", "html"),
        Fault("/v1/models*", "reset"),
        Fault("/v1/models*", "truncate"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_no_failure_of_the_server_is_taken_for_a_model_that_is_gone(
    models: Provider, aiaa: AiaaStandIn, files: Path, fault: Fault
) -> None:
    id_, state = models.create(local(aiaa.url, files))
    aiaa.app.state.faults.set(fault)
    with pytest.raises(ProviderFailed) as failed:
        models.read(id_, state)
    assert str(failed.value).startswith("model main/liver_demo: GET ")
    assert "\n" not in str(failed.value)


def test_a_dead_server_is_told_with_how_to_go_on_without_it(models: Provider, files: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    state = local(url, files, loaded={})
    dead = (
        f"model main/liver_demo: GET {url}/v1/models: connection failed: Connection refused: check the address, that "
        "the server runs, and that no firewall is in between; then run the command again; "
    )
    with pytest.raises(ProviderFailed) as failed:
        models.read("main/liver_demo", state)
    assert str(failed.value) == (
        f"{dead}to refresh the rest without server main: bin/pulumi refresh --exclude '**aiaa:Model::main/*'"
    )
    with pytest.raises(ProviderFailed) as failed:
        models.delete("main/liver_demo", state)
    assert str(failed.value) == (
        f"{dead}until then the model stays in the server's workspace. If the server is gone for good: "
        "bin/aiaa forget main"
    )


def test_an_upload_whose_answer_was_lost_ends_with_the_model(models: Provider, aiaa: AiaaStandIn, files: Path) -> None:
    aiaa.app.state.faults.set(Fault("/admin/*", "reset", method="PUT", times=1, applied=True))
    models.create(local(aiaa.url, files))
    assert listed(aiaa).keys() == {"liver_demo"}


def test_what_the_server_says_of_a_bad_model_reaches_the_user(models: Provider, aiaa: AiaaStandIn) -> None:
    with pytest.raises(ProviderFailed) as failed:
        models.create(ngc(aiaa.url, ngc="nvidia/med/no_such_model"))
    assert "no_such_model" in str(failed.value)
    assert "\n" not in str(failed.value)


@pytest.fixture
def full(tmp_path: Path) -> Iterator[str]:
    """The address of an AIAA whose disk has room for one page, in a mount namespace that ends with its process."""
    if subprocess.run([*OWN_MOUNTS, "true"], check=False).returncode != 0:
        pytest.skip("a small disk needs a user namespace, which this machine does not give")
    workspace, port = tmp_path / "small", free_port()
    (workspace / "triton_models").mkdir(parents=True)
    serve = (
        "import sys; from sandbox.aiaa.app import create_app; from sandbox.aiaa.options import parse; "
        "from sandbox.serve import run; options = parse(sys.argv[1:], 'aiaa'); "
        "run(create_app(options), host='127.0.0.1', port=options.port)"
    )
    with TritonDouble(workspace / "triton_models").serve() as triton:
        process = subprocess.Popen(
            [
                *OWN_MOUNTS,
                *("sh", "-ec"),
                'mount -t tmpfs -o size=4k tmpfs "$1"; shift; exec "$@"',
                *("sh", workspace / "triton_models", sys.executable, "-c", serve),
                *("--workspace", workspace, "--port", str(port), "--triton_ip", "127.0.0.1"),
                *("--triton_http_port", triton.rpartition(":")[2]),
            ],
            cwd=PROJECT,
        )
        try:
            with AiaaClient(f"http://127.0.0.1:{port}") as client:
                client.wait_until_ready(60, print)
            yield client.url
        finally:
            process.kill()
            process.wait()


def test_a_full_disk_of_the_server_is_told_with_the_size_of_the_model(models: Provider, files: Path, full: str) -> None:
    with pytest.raises(ProviderFailed) as failed:
        models.create(local(full, files))
    assert str(failed.value) == (
        f"model main/liver_demo: no room for the model of 0.001 MB: PUT {full}/admin/model/liver_demo: answered 500 "
        "Internal Server Error: OSError: 28, No space left on device: free some space there, then run the command "
        "again; `bin/aiaa doctor` shows how much is free"
    )


def test_models_are_loaded_side_by_side(models: Provider, aiaa: AiaaStandIn, files: Path) -> None:
    with ThreadPoolExecutor(12) as pool:
        made = list(pool.map(lambda number: models.create(local(aiaa.url, files, model=f"liver_{number}")), range(12)))
    assert len({id_ for id_, _ in made}) == len(listed(aiaa)) == 12


def test_check_and_diff_need_no_network_and_no_known_values(models: Provider, files: Path) -> None:
    nowhere = local("http://127.0.0.1:9", files)
    assert models.check(nowhere | {"generation": UNKNOWN, "url": UNKNOWN}) == {}
    assert models.check(nowhere | {"ngc": "nvidia/med/x"}).keys() == {"ngc"}
    assert not models.diff("main/liver_demo", nowhere, nowhere)
    assert models.diff("main/liver_demo", nowhere, nowhere | {"generation": UNKNOWN})
    assert not models.diff("main/liver_demo", nowhere, nowhere | {"timeout": 90.0, "adopt": True})
