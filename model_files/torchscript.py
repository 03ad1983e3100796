"""Whether a file of weights is what AIAA can load: TorchScript from Clara 4.0 on, a frozen TensorFlow graph before.

A TorchScript file is a zip archive with one folder of any name, and in it `data.pkl`, `constants.pkl`, `version` and
`code/` (https://github.com/pytorch/pytorch/blob/v1.8.0/torch/csrc/jit/docs/serialization.md). Only the archive's
directory is read, and its small entries: a model has hundreds of megabytes. Whether the server's PyTorch is new enough
for it shows at the first inference only (https://github.com/NVIDIA/ai-assisted-annotation-client/issues/99).
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from model_files.config_schema import Api
from model_files.content import ZIP, head_of, stray
from model_files.errors import Unusable, one_line, shortened
from model_files.mmar_entries import require_readable

_EXPORT = "export with torch.jit.script or torch.jit.trace and torch.jit.save, or run the MMAR's commands/export.sh"
_NO_END = "is a zip archive without its end, probably an incomplete copy: copy or download it again"
_WANTED = ("data.pkl", "constants.pkl", "version")
_SMALL = 64 << 10  # bytes of an entry that is read to the end, which checks it
_READ_AT_MOST = 4 << 20  # bytes of small entries
# Field numbers and wire types that a GraphDef or its parts begin with: node, library, versions, version
# (https://github.com/tensorflow/tensorflow/blob/v1.15.0/tensorflow/core/framework/graph.proto).
_GRAPH_DEF = (b"\x0a", b"\x12", b"\x22", b"\x18")
_SAVED_MODEL = b"\x08\x01\x12"  # its version 1, then a graph
_PICKLE = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)
"""What Python's zipfile raises for an archive that is damaged, or of a kind that it does not know."""


def problems(path: Path, *, api: Api = "clara-4.0", file: str | None = None) -> str | None:
    """Why a server of this generation cannot load the file, and what to do, in one line; None if it may.

    Args:
        file: what the file is called; None for its path.
    """
    try:
        head = head_of(path)
        wrong = stray(head)
        wrong = wrong or (_graph_def(path, head) if api == "clara-3.1" else _torch_script(path, head))
    except OSError as error:
        wrong = f"cannot be read: {error.strerror or error}"
    return one_line(f"{file or path}: {wrong}") if wrong else None


def _graph_def(path: Path, head: bytes) -> str | None:
    """Clara 3 also takes a zip archive, and the contents of this archive are not documented
    (https://docs.nvidia.com/clara/clara-train-archive/3.1/aiaa/loading_models.html)."""
    if head.startswith(ZIP):
        return _archive_for_clara_3(path)
    if head.startswith(_PICKLE):
        return "is a pickle, as PyTorch wrote them: Clara 3.1 needs TensorFlow's frozen graph, model.trt.pb"
    if head.startswith(_SAVED_MODEL):
        return "is TensorFlow's saved model: freeze it, or run the MMAR's commands/export.sh, for a model.trt.pb"
    if not head.startswith(_GRAPH_DEF):
        return "is no frozen TensorFlow graph: give the model.trt.pb that the MMAR's commands/export.sh makes"
    return None


def _torch_script(path: Path, head: bytes) -> str | None:
    if head.startswith(ZIP):
        return _archive(path)
    if head.startswith(_SAVED_MODEL):
        return "is TensorFlow's saved model: from Clara 4.0 a TorchScript model.ts is needed"
    if head.startswith(_PICKLE):
        return f"is a pickle, weights without code as old versions of torch.save write them: {_EXPORT}"
    if path.name.endswith(".pb") or _is_node(head):
        return "is a TensorFlow graph: from Clara 4.0 a TorchScript model.ts is needed"
    if head[:1] == b"\x08" and head[2:3] in (b"\x12", b"\x3a"):  # ir_version, then producer_name or graph
        return f"is an ONNX model: {_EXPORT}"
    return f"is no TorchScript file: {_EXPORT}"


def _is_node(head: bytes) -> bool:
    """A GraphDef begins with a node, and that with its name."""
    if head[:1] != b"\x0a":
        return False
    rest = head[1:].lstrip(bytes(range(0x80, 0x100)))  # the length, of one byte or of several
    return rest[1:2] == b"\x0a"


def _archive_for_clara_3(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.partition("/")[2] for name in archive.namelist()}
            for entry in archive.infolist():
                require_readable(entry)  # AIAA unpacks it with Python, too
    except Unusable as error:
        return str(error)
    except DAMAGED:
        return _NO_END
    if "data.pkl" in names:
        return "is PyTorch's: Clara 3.1 needs TensorFlow's frozen graph, model.trt.pb, or a zip archive of it"
    return None


def _archive(path: Path) -> str | None:
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGED:
        return _NO_END
    try:
        with archive:
            told = _listed(archive.namelist()) or _damage(archive, path.stat().st_size)
    except DAMAGED as error:
        return f"is a damaged zip archive ({shortened(str(error))}): copy or download it again"
    if told is None and path.name.endswith(".pb"):
        return "is TorchScript with the name of a TensorFlow graph: name it model.ts"
    return told


def _listed(names: list[str]) -> str | None:
    """By the names in the archive."""
    tops = sorted({name.partition("/")[0] for name in names})
    inside = {name.partition("/")[2] for name in names}
    has_code = any(name.startswith("code/") and name.endswith(".py") for name in inside)
    if len(tops) == 1 and has_code and inside.issuperset(_WANTED):
        return None
    if any(name.endswith("config/config_aiaa.json") for name in names):
        return "is an MMAR, not the weights in it: give it as the model's MMAR, or models/model.ts of it"
    if "data.pkl" in inside and not has_code:
        return f"has weights without code, as torch.save writes them: {_EXPORT}"
    if any(name.rpartition("/")[2] == "serialized_exported_program.json" for name in names):
        return f"is a program of torch.export, which AIAA's PyTorch does not know: {_EXPORT}"
    lacking = [name for name in _WANTED if name not in inside] + ([] if has_code else ["code/"])
    there = shortened(", ".join(tops[:6]))
    if not lacking:
        return f"is a zip archive with several folders ({there}), where TorchScript has one: {_EXPORT}"
    return f"is a zip archive of something else: it has {there}, and no {', no '.join(lacking)}: {_EXPORT}"


def _damage(archive: zipfile.ZipFile, size: int) -> str | None:
    left = _READ_AT_MOST
    for entry in archive.infolist():
        if entry.header_offset + entry.compress_size > size:
            return f"is cut off within {shortened(entry.filename)}: copy or download it again"
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return f"was packed again, in a way that libtorch does not read: {_EXPORT}"
        if entry.file_size <= min(_SMALL, left):
            left -= len(archive.read(entry))
    return None
