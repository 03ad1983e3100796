"""Weights are judged by the class that loads them: what AIAA's own need is known, all else is the class's affair."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from model_files.config import Api, Engine, problems
from model_files.weights import problems as problems_of_weights
from model_files.weights import sent_as
from tests.unit.model_files.published import clara_3, spleen, triton
from tests.unit.model_files.test_torchscript import STATE, graph_def, zipped

STATE_DICT = zipped(STATE)  # as torch.save writes a net.pth
ANYTHING: dict[str, bytes] = {
    "net.pth": STATE_DICT,
    "old.pth": b"\x80\x02}q\x00.",
    "net.onnx": b"\x08\x07\x12\x07pytorch",
    "net.h5": b"\x89HDF\r\n",
    "folds.zip": zipped({"fold_0/model": b"", "fold_1/model": b""}),
    "nets.tar.gz": b"\x1f\x8b\x08",
    "nets.tar": bytes(257) + b"ustar",
    "where.json": b'{"weights": "/workspace/lib"}',
    "params.xml": b"<net/>",
    "model.trt.pb": graph_def(),
}


def own(section: dict[str, Any] | None = None, engine: str = "TRITON") -> dict[str, Any]:
    config = spleen()
    config["inference"] = {engine: {"name": "my_net.MyInference", "args": {"folds": 5}, **(section or {})}}
    return config


def own_of_clara_3(**inference: Any) -> dict[str, Any]:
    return {**clara_3("3"), "inference": {"name": "my_net.MyInference", "args": {}, **inference}}


def problem_of(folder: Path, name: str, content: bytes, config: dict[str, Any], **how: Any) -> str | None:
    kind: dict[str, Any] = {"api": "clara-4.0", "engine": "triton", **how}
    assert problems(config, "c", has_weights=True, **kind) == []
    (folder / name).write_bytes(content)
    return problems_of_weights(folder / name, config, **kind)


@pytest.mark.parametrize(("name", "content"), ANYTHING.items(), ids=ANYTHING)
class TestOwnClass:
    @pytest.mark.parametrize("api", ["clara-4.0", "clara-4.1"])
    @pytest.mark.parametrize("engine", ["triton", "native"])
    def test_it_takes_any_file(self, tmp_path: Path, name: str, content: bytes, api: Api, engine: Engine) -> None:
        config = own(engine="TRITON" if engine == "triton" else "AIAA")
        assert problem_of(tmp_path, name, content, config, api=api, engine=engine) is None
        assert sent_as(tmp_path / name, config, api=api, engine=engine, name=name) == name

    def test_it_does_so_where_triton_is_to_load_something_else(self, tmp_path: Path, name: str, content: bytes) -> None:
        for kind in ({"platform": "onnxruntime_onnx"}, {"platform": None, "backend": "python"}):
            config = own({"triton_model_config": triton([1, 64], [1, 64]) | kind})
            assert problem_of(tmp_path, name, content, config) is None

    def test_it_does_so_before_clara_4(self, tmp_path: Path, name: str, content: bytes) -> None:
        config = own_of_clara_3()
        assert problem_of(tmp_path, name, content, config, api="clara-3.1") is None
        assert sent_as(tmp_path / name, config, api="clara-3.1", engine="triton", name=name) == name


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is Git LFS's pointer"),
        (b"\n<!DOCTYPE html><title>Log in</title>", "is a web page"),
        (b"<HTML><head>", "is a web page"),
    ],
)
def test_a_placeholder_instead_of_a_file_is_reported_for_every_class(tmp_path: Path, content: bytes, line: str) -> None:
    assert line in str(problem_of(tmp_path, "net.pth", content, own()))


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    line = problems_of_weights(tmp_path / "net.pth", own(), api="clara-4.0", engine="triton")
    assert line == f"{tmp_path}/net.pth: cannot be read: No such file or directory"


class TestTorchScript:
    """AIAA's own class needs it, and so does Triton where it is to load it as TorchScript."""

    @pytest.mark.parametrize("kind", [{}, {"platform": None, "backend": "pytorch"}])
    def test_a_class_of_ones_own_that_has_triton_load_it_needs_it(self, tmp_path: Path, kind: dict[str, Any]) -> None:
        config = own({"triton_model_config": triton([1, 64], [1, 64]) | kind})
        assert "has weights without code" in str(problem_of(tmp_path, "net.pth", STATE_DICT, config))
        assert sent_as(tmp_path / "net.pth", config, api="clara-4.0", engine="triton", name="net.pth") == "model.ts"

    @pytest.mark.parametrize("name", ["aiaa.inference.TritonInference", "TritonInference"])
    def test_aiaas_own_class_needs_it(self, tmp_path: Path, name: str) -> None:
        config = spleen()
        config["inference"]["TRITON"]["name"] = name
        assert "has weights without code" in str(problem_of(tmp_path, "net.pth", STATE_DICT, config))

    def test_the_other_engines_class_does_not_count(self, tmp_path: Path) -> None:
        config = spleen()
        config["inference"]["AIAA"] = {"name": "my_net.MyInference"}
        assert "has weights without code" in str(problem_of(tmp_path, "net.pth", STATE_DICT, config))
        assert problem_of(tmp_path, "net.pth", STATE_DICT, config, engine="native") is None


class TestClara3:
    """AIAA's own classes of 3.x load a frozen graph, or what is in a zip archive."""

    @pytest.mark.parametrize("name", ["TRTISInference", "TFInference", "aiaa.inference.Simple", "ai4med.Own", None])
    def test_a_graph_and_a_zip_archive_are_taken(self, tmp_path: Path, name: str | None) -> None:
        config = clara_3("3")
        config["inference"]["name"] = name
        archive = zipped({"model.trt.pb": graph_def(), "saved_model/variables/variables.index": b""})
        for file, content, sent in (
            ("graph.pb", graph_def(), "model.trt.pb"),
            ("model.zip", archive, "model.zip"),
            ("mmar.zip", zipped({"config/config_aiaa.json": b"{}", "models/model.trt.pb": graph_def()}), "model.zip"),
        ):
            assert problem_of(tmp_path, file, content, config, api="clara-3.1") is None
            assert sent_as(tmp_path / file, config, api="clara-3.1", engine="triton", name=file) == sent

    def test_what_pytorch_wrote_is_not(self, tmp_path: Path) -> None:
        for content in (STATE_DICT, Path("models/liver_demo/model.ts").read_bytes()):
            line = str(problem_of(tmp_path, "model.zip", content, clara_3("3"), api="clara-3.1"))
            assert "is PyTorch's: Clara 3.1 needs TensorFlow's frozen graph" in line

    def test_an_archive_that_python_cannot_unpack_is_not(self, tmp_path: Path) -> None:
        archive = bytearray(zipped({"model.trt.pb": graph_def()}))
        archive[archive.index(b"PK\x01\x02") + 10] = 9
        line = str(problem_of(tmp_path, "model.zip", bytes(archive), clara_3("3"), api="clara-3.1"))
        assert "its entry 'model.trt.pb' is packed with Deflate64" in line

    def test_an_archive_that_was_cut_off_is_not(self, tmp_path: Path) -> None:
        cut = zipped({"model.trt.pb": graph_def()})[:-30]
        assert "without its end" in str(problem_of(tmp_path, "model.zip", cut, clara_3("3"), api="clara-3.1"))
