"""What is on disk, and what a server finds there when it starts again."""

import json
from pathlib import Path

from google.protobuf import text_format  # type: ignore[import-untyped, unused-ignore]
from tritonclient.grpc import model_config_pb2

from sandbox.aiaa.triton_repository import TritonRepository

from .conftest import LIVER_MODEL, Server, Start, liver_config


def test_models_survive_a_restart_with_order_and_version(start: Start, phantom: bytes) -> None:
    with start() as server:
        server.load("liver_demo", liver_config() | {"version": 3})
        server.load_ngc("clara_pt_spleen_ct_segmentation")
        before = server.get("/v1/models").text
    with start() as server:
        assert server.get("/v1/models").text == before
        assert server.infer("segmentation", "liver_demo", phantom).status_code == 200
        assert "Config Found for liver_demo" in server.get("/logs").text


def test_a_release_that_cannot_read_a_remembered_config_starts_without_that_model(start: Start) -> None:
    """Recorded: for a new release, models were added again with new configs. Inferred: what it does about the old."""
    with start(api="3.1") as server:
        server.load_ngc("clara_ct_seg_spleen_amp")
    with start(api="4.0") as server:
        assert server.names() == []
        assert (
            "[ERROR] (aiaa.www.api.server_context) - clara_ct_seg_spleen_amp is not loaded" in server.get("/logs").text
        )


def test_the_workspace_has_the_layout_of_a_real_one(aiaa: Server) -> None:
    aiaa.load_ngc("clara_pt_spleen_ct_segmentation")
    entries = {path.name for path in aiaa.workspace.iterdir()}
    folders = {"models", "triton_models", "sessions", "downloads", "logs"}
    assert folders | {"aiaa-run-config.json", "aiaa-models-config.json"} == entries
    assert (aiaa.workspace / "downloads" / "0").is_dir()
    assert (aiaa.workspace / "logs" / "0").is_dir()
    assert json.loads((aiaa.workspace / "aiaa-run-config.json").read_text())["triton_proto"] == "http"


def test_triton_gets_the_uploaded_file_in_a_python_backend_model(aiaa: Server) -> None:
    aiaa.load("liver_demo")
    folder = aiaa.workspace / "triton_models" / "liver_demo"
    config = text_format.Parse((folder / "config.pbtxt").read_text(), model_config_pb2.ModelConfig())
    assert (config.name, config.backend, config.platform) == ("liver_demo", "python", "")
    assert list(config.input[0].dims) == [1, 64, 64, 64]
    assert config.instance_group[0].kind == model_config_pb2.ModelInstanceGroup.KIND_CPU
    assert (folder / "1" / "model.ts").read_bytes() == LIVER_MODEL.read_bytes()
    assert "torch.jit.load" in (folder / "1" / "model.py").read_text()


def test_python_cannot_leave_its_cache_beside_the_model(aiaa: Server) -> None:
    """Triton would take a ``__pycache__`` folder for a change, load twice, and own files that AIAA cannot remove."""
    aiaa.load("liver_demo")
    assert (aiaa.workspace / "triton_models" / "liver_demo" / "1" / "__pycache__").is_file()


def test_nothing_is_left_over_beside_the_models_after_a_load(aiaa: Server) -> None:
    aiaa.load("liver_demo")
    assert [path.name for path in (aiaa.workspace / "triton_models").iterdir()] == ["liver_demo"]


def test_each_upload_of_the_same_files_carries_another_mark(tmp_path: Path) -> None:
    """Otherwise PUT would take the old model in Triton for the new one."""
    repository = TritonRepository(tmp_path)
    config = liver_config()["inference"]["TRITON"]["triton_model_config"]
    first, second = (repository.publish("m", config, LIVER_MODEL) for _ in range(2))
    assert first != second
    assert second in (tmp_path / "m" / "config.pbtxt").read_text()


def test_a_start_clears_away_what_would_stop_triton_and_nothing_else(tmp_path: Path) -> None:
    repository = TritonRepository(tmp_path)
    repository.publish("whole", liver_config()["inference"]["TRITON"]["triton_model_config"], LIVER_MODEL)
    (tmp_path / ".0123.part").write_bytes(b"half")
    (tmp_path / "half" / "1").mkdir(parents=True)
    (tmp_path / "half" / "1" / "model.ts").write_bytes(b"half")
    repository.sweep()
    assert [path.name for path in tmp_path.iterdir()] == ["whole"]
