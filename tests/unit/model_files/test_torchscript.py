"""Which files of weights a server could load, and what is said of those that people give instead."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_files.torchscript import problems

REAL = [Path("models/liver_demo/model.ts"), *sorted(Path("sandbox/aiaa/ngc_models").glob("*.ts"))]

# As torch.jit.save writes it (PyTorch 1.8 and later), and torch.save.
SCRIPT = {
    "model/data.pkl": b"\x80\x02}q\x00.",
    "model/code/__torch__.py": b"class Net(Module):\n  pass\n",
    "model/code/__torch__.py.debug_pkl": b"\x80\x02.",
    "model/data/0": bytes(4000),
    "model/constants.pkl": b"\x80\x02).",
    "model/version": b"3\n",
}
STATE = {"archive/data.pkl": b"\x80\x02}q\x00.", "archive/data/0": bytes(4000), "archive/version": b"3\n"}


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_STORED, extra: bytes = b"") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name)
            info.extra = extra
            info.compress_type = method
            archive.writestr(info, content)
    return made.getvalue()


def without(*names: str) -> dict[str, bytes]:
    return {name: content for name, content in SCRIPT.items() if name not in names}


def graph_def() -> bytes:
    node = b"\x0a\x0eNV_MODEL_INPUT\x12\x0bPlaceholder" + bytes(200)
    return b"\x0a" + bytes([0x80 | (len(node) & 0x7F), len(node) >> 7]) + node


def told(folder: Path, content: bytes, name: str = "model.ts", api: str = "clara-4.0") -> str | None:
    file = folder / name
    file.write_bytes(content)
    line = problems(file, api=api)  # type: ignore[arg-type]
    if line is not None:
        assert line.startswith(f"{file}: ")
        assert line.isprintable()
        return line.removeprefix(f"{file}: ")
    return None


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
@pytest.mark.parametrize("api", ["clara-4.0", "clara-4.1"])
def test_torchscript_files_of_pytorch_are_taken(path: Path, api: str) -> None:
    assert problems(path, api=api) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(zipped(SCRIPT), id="stored"),
        pytest.param(zipped(SCRIPT, zipfile.ZIP_DEFLATED), id="deflated"),
        pytest.param(zipped(SCRIPT, extra=b"FB" + struct.pack("<H", 30) + b"Z" * 30), id="padded-as-pytorch-does"),
        pytest.param(
            zipped({name.replace("model/", "a b/", 1): data for name, data in SCRIPT.items()}), id="other-folder"
        ),
        pytest.param(zipped({**SCRIPT, "model/.data/version": b"3", "model/byteorder": b"little"}), id="newer"),
    ],
)
def test_archives_as_torch_jit_save_makes_them_are_taken(tmp_path: Path, content: bytes) -> None:
    assert told(tmp_path, content) is None


@pytest.mark.parametrize(
    ("content", "line"),
    [
        pytest.param(
            zipped(STATE), "has weights without code, as torch.save writes them: export with", id="torch.save"
        ),
        pytest.param(pickle.dumps({}, 2), "is a pickle, weights without code", id="old-torch.save"),
        pytest.param(b"\x08\x07\x12\x07pytorch\x1a\x051.8.0", "is an ONNX model: export", id="onnx"),
        pytest.param(graph_def(), "is a TensorFlow graph: from Clara 4.0", id="graph-def"),
        pytest.param(b"\x08\x01\x12\x80\x02", "is TensorFlow's saved model: from Clara 4.0", id="saved-model"),
        pytest.param(b"\n <!DOCTYPE html><html>", "is a web page", id="page"),
        pytest.param(b'{"error": "no"}', "is JSON", id="json"),
        pytest.param(b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "is Git LFS's pointer", id="lfs"),
        pytest.param(b"", "is empty: copy or download it again", id="empty"),
        pytest.param(bytes(5000), "begins with zeros", id="zeros"),
        pytest.param(zipped({}), "is a zip archive with nothing in it", id="empty-zip"),
        pytest.param(zipped(SCRIPT)[:-200], "is a zip archive without its end", id="cut-zip"),
        pytest.param(b"\x1f\x8b\x08", "is a gzip archive: unpack it", id="gzip"),
        pytest.param(b"\x89HDF\r\n", "is an HDF5 file", id="keras"),
        pytest.param(b"weights", "is no TorchScript file: export", id="anything"),
        pytest.param(
            zipped({"config/config_aiaa.json": b"{}", "models/model.ts": b""}), "is an MMAR, not the weights", id="mmar"
        ),
        pytest.param(zipped({"a/serialized_exported_program.json": b"{}"}), "is a program of torch.export", id="pt2"),
        pytest.param(
            zipped({"a.txt": b"", "b.txt": b""}), "is a zip archive of something else: it has a.txt", id="zip"
        ),
        pytest.param(zipped(without("model/constants.pkl")), "is a zip archive of something else", id="no-constants"),
        pytest.param(zipped(without("model/version")), "no version: export", id="no-version"),
        pytest.param(zipped({**SCRIPT, "other/x": b""}), "is a zip archive with several folders", id="two-folders"),
    ],
)
def test_what_people_give_instead_is_told(tmp_path: Path, content: bytes, line: str) -> None:
    found = told(tmp_path, content)
    assert found is not None
    assert line in found


def test_damage_of_a_small_entry_is_found(tmp_path: Path) -> None:
    content = zipped(SCRIPT).replace(b"class Net", b"class Bad", 1)
    assert "is a damaged zip archive (Bad CRC-32 for file 'model/code/__torch__.py')" in str(told(tmp_path, content))


def test_a_large_file_is_not_read_as_a_whole(tmp_path: Path) -> None:
    """The weights' content is not looked at: damage in it is not seen, which proves that it was not read."""
    large = b"\x55" * (1 << 20)
    content = zipped({**SCRIPT, "model/data/1": large}).replace(large, b"\xaa" * len(large), 1)
    assert told(tmp_path, content) is None


class TestOtherGeneration:
    def test_a_frozen_graph_is_what_clara_3_takes(self, tmp_path: Path) -> None:
        assert told(tmp_path, graph_def(), "model.trt.pb", "clara-3.1") is None

    @pytest.mark.parametrize(
        ("content", "line"),
        [
            (zipped(SCRIPT), "is PyTorch's: Clara 3.1 needs TensorFlow's frozen graph, model.trt.pb, or a zip archive"),
            (pickle.dumps({}, 2), "is a pickle"),
            (b"\x08\x01\x12\x80", "is TensorFlow's saved model: freeze it"),
            (b"<html>", "is a web page"),
            (b"", "is empty"),
            (b"weights", "is no frozen TensorFlow graph"),
        ],
    )
    def test_other_files_are_none_for_clara_3(self, tmp_path: Path, content: bytes, line: str) -> None:
        assert str(told(tmp_path, content, "model.trt.pb", "clara-3.1")).startswith(line)

    @pytest.mark.parametrize("content", [graph_def(), zipped(SCRIPT), b"\x0a\x01"])
    def test_a_file_with_the_name_of_a_graph_is_none_for_clara_4(self, tmp_path: Path, content: bytes) -> None:
        assert "TensorFlow graph" in str(told(tmp_path, content, "model.trt.pb"))


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    assert problems(tmp_path / "none.ts") == f"{tmp_path}/none.ts: cannot be read: No such file or directory"
    assert problems(tmp_path) == f"{tmp_path}: cannot be read: Is a directory"


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A TorchScript file, or nearly: some bytes are others, or its end is missing."""
    content = bytearray(zipped(SCRIPT | {"model/data/0": b"x" * 50}))
    for _ in range(draw(st.integers(0, 4))):
        at, patch = draw(st.integers(0, len(content))), draw(st.binary(max_size=6))
        content[at : at + len(patch)] = patch
    return bytes(content[: draw(st.none() | st.integers(0, len(content)))])


@pytest.mark.soak
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=files() | st.binary(max_size=50), api=st.sampled_from(["clara-3.1", "clara-4.0"]))
def test_any_file_ends_in_a_verdict_of_one_line(tmp_path: Path, content: bytes, api: str) -> None:
    line = told(tmp_path, content, api=api)
    assert line is None or len(line) < 600
