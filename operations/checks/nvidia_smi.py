"""What nvidia-smi reports about an engine's GPUs. No output raises an error: a value that cannot be read is unknown.

It is run on this machine for a local engine, or in a container. nvidia-smi writes `[N/A]`, `[Not Supported]`,
`[Insufficient Permissions]` or `[Unknown Error]` instead of a value, and a sentence instead of the whole output
(https://docs.nvidia.com/deploy/nvidia-smi/).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import docker
import requests
from docker.errors import APIError

from clients.engine_host import device_requests
from clients.errors import one_line, shortened
from operations.checks.engine import has_image

_COLUMNS = "index,uuid,name,driver_version,memory.total"
# An older driver does not know the last two columns, and refuses the whole query.
_QUERIES = [
    (f"--query-gpu={columns}", "--format=csv,noheader,nounits")
    for columns in (f"{_COLUMNS},compute_cap,mig.mode.current", _COLUMNS)
]
_LIST = ("-L",)
TIMEOUT = 60  # seconds: nvidia-smi wakes the driver
_PATIENCE = 5  # seconds that a killed nvidia-smi has; one that waits for the driver does not end
_LEAST_MEMORY = 256  # MiB: a smaller value is part of a number with a separator, such as 15,109

# `GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-...)`, and below it `  MIG 1g.5gb     Device  0: (UUID: MIG-...)`
# (https://docs.nvidia.com/datacenter/tesla/mig-user-guide/).
_LISTED_GPU = re.compile(r"GPU ([0-9]{1,4}): (.*) \(UUID: ([^()\s]+)\)", re.ASCII)
_LISTED_SLICE = re.compile(r"\s+MIG (\S+)\s+Device\s+([0-9]{1,3}): \(UUID: ([^()\s]+)\)", re.ASCII)


@dataclass(frozen=True)
class Slice:
    """A MIG slice. `profile`: as `1g.5gb`; `uuid`: as `MIG-...`, or with older drivers `MIG-GPU-.../1/0`."""

    profile: str
    uuid: str

    @property
    def memory(self) -> int | None:
        """MiB, from its profile; None if the profile does not contain it."""
        found = re.search(r"\.([0-9]{1,4})gb", self.profile, re.ASCII)
        return int(found[1]) * 1024 if found else None


@dataclass(frozen=True)
class Gpu:
    """
    Attributes:
        index, uuid, name, driver: empty if nvidia-smi does not report it.
        memory: MiB.
        capability: CUDA's compute capability, as 8.6.
        mig: whether it is in MIG mode, where CUDA uses its slices only.
    """

    index: str
    uuid: str
    name: str
    driver: str
    memory: int | None
    capability: float | None
    mig: bool = False
    slices: tuple[Slice, ...] = ()


@dataclass(frozen=True)
class Listing:
    """`trouble`: what nvidia-smi said or did instead of listing the GPUs; empty if it listed them."""

    gpus: tuple[Gpu, ...]
    trouble: str = ""

    @property
    def has_none(self) -> bool:
        """Whether nvidia-smi says that there is none."""
        return "No devices were found" in self.trouble


@dataclass(frozen=True)
class _Output:
    """`trouble`: why there is no output; empty if there is. `over`: that another try would take as long."""

    text: str
    trouble: str = ""
    over: bool = False


def look(
    engine: docker.DockerClient, labels: Mapping[str, str], image: str, *, everything: str, local: bool
) -> Listing | None:
    """All GPUs of an engine's host; None if nvidia-smi can be run neither here nor there.

    Args:
        labels: of the containers that this makes.
        image: one that nvidia-smi can run in, if the engine has it: it is large, so it is not pulled for this.
        everything: the stack file's name for all GPUs.
        local: whether the engine is on this machine.
    """
    run: Callable[[Sequence[str]], _Output]
    program = shutil.which("nvidia-smi") if local else None
    if program:
        run = lambda query: _run(program, query)  # noqa: E731
    elif has_image(engine, image):
        run = lambda query: _run_in(engine, labels, image, everything, query)  # noqa: E731
    else:
        return None
    trouble = ""
    for query in _QUERIES:
        said = run(query)
        found = read(said.text, run(_LIST).text) if not said.trouble else Listing((), said.trouble)
        if found.gpus:
            return found
        trouble = found.trouble
        if said.over:
            break
    return Listing((), trouble)


def read(queried: str, listed: str = "") -> Listing:
    """
    Args:
        queried: the values of one GPU to a line, without a heading. listed: what `nvidia-smi -L` said.
    """
    gpus, words = [], []
    for line in queried.splitlines():
        cells = [_known(cell) for cell in line.split(",")] + [""] * 7
        if re.fullmatch(r"[0-9]{1,4}", cells[0], re.ASCII) or cells[1].startswith("GPU-"):
            index, uuid, name, driver, memory, capability, mig = cells[:7]
            gpus.append(Gpu(index, uuid, name, driver, _memory(memory), _capability(capability), mig == "Enabled"))
        elif line.strip():
            words.append(line)
    if not gpus:
        return Listing((), _said(words) or "it listed no GPU")
    slices = _slices(listed)
    return Listing(tuple(replace(gpu, slices=slices.get(gpu.index, ()) or slices.get(gpu.uuid, ())) for gpu in gpus))


def _slices(listed: str) -> dict[str, tuple[Slice, ...]]:
    """By index and by UUID of their GPU."""
    found: dict[str, tuple[Slice, ...]] = {}
    of: tuple[str, ...] = ()
    for line in listed.splitlines():
        if gpu := _LISTED_GPU.match(line):
            of = (gpu[1], gpu[3])
        elif part := _LISTED_SLICE.match(line):
            for name in of:
                found[name] = (*found.get(name, ()), Slice(part[1], part[3]))
    return found


def _known(cell: str) -> str:
    """The value, or nothing where nvidia-smi has none: it writes the reason in brackets."""
    cell = one_line(cell)
    return "" if cell.startswith("[") or cell in ("N/A", "Unknown Error", "Not Supported") else cell


def _memory(cell: str) -> int | None:
    found = re.fullmatch(r"([0-9]{1,9})( MiB)?", cell, re.ASCII)
    return int(found[1]) if found and int(found[1]) >= _LEAST_MEMORY else None


def _capability(cell: str) -> float | None:
    return float(cell) if re.fullmatch(r"[1-9][0-9]?\.[0-9]", cell, re.ASCII) else None


def _said(lines: Sequence[str]) -> str:
    words = one_line(" ".join(lines))
    return f"it said: {shortened(words)}" if words else ""


def _run(program: str, query: Sequence[str]) -> _Output:
    try:
        process = subprocess.Popen(
            [program, *query],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C"},
        )
    except OSError as error:
        return _Output("", f"it cannot be run: {error.strerror}")
    try:
        output, _ = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_PATIENCE)
        return _hung()
    finally:
        if process.stdout:
            process.stdout.close()
    return _ended(output, process.returncode)


def _run_in(
    engine: docker.DockerClient, labels: Mapping[str, str], image: str, everything: str, query: Sequence[str]
) -> _Output:
    """In a container that is given all GPUs."""
    try:
        container = engine.containers.create(
            image,
            entrypoint=["nvidia-smi", *query],
            labels=dict(labels),
            network_mode="none",
            device_requests=device_requests((everything,)),
        )
    except APIError as error:
        return _Output("", f"the engine cannot create a container for it: {_words(error)}")
    try:
        container.start()
        ended = container.wait(timeout=TIMEOUT)
        code = ended.get("StatusCode") if isinstance(ended, dict) else None
        return _ended(container.logs(), code)
    except APIError as error:
        return _Output("", f"the engine cannot start it: {_words(error)}")
    except requests.exceptions.RequestException:  # the SDK raises this when the time is over
        return _hung()
    finally:
        container.remove(force=True)


def _hung() -> _Output:
    return _Output("", f"it did not end within {TIMEOUT} s, which happens when the driver hangs", over=True)


def _ended(output: bytes, code: object) -> _Output:
    text = output.decode(errors="replace")
    if code == 0:
        return _Output(text)
    return _Output("", f"it ended with exit code {code}" + (f"; {said}" if (said := _said(text.splitlines())) else ""))


def _words(error: APIError) -> str:
    return shortened(one_line(str(error.explanation or error)))
