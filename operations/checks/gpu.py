"""GPUs: the container toolkit, the driver, the generation and the memory of those that a server asks for.

Source of the limits: NVIDIA's release notes of Triton 21.02
(https://docs.nvidia.com/deeplearning/triton-inference-server/release-notes/rel_21-02.html): compute capability 6.0
(Pascal) and higher, known up to Ampere's 8.6, and driver 460.27.04, or on data centre GPUs 450.51, 440.33 or 418.40
and later of these branches; and its AIAA notebook (NVIDIA/clara-train-examples, AIAA.ipynb): 8 GB of memory.
"""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import docker
from docker.errors import APIError

from clients.engine_host import Wanted, gpu_request, refusal_of
from operations.checks.engine import has_image, is_local
from operations.checks.finding import Finding

_OLDEST, _NEWEST = 6.0, 8.6  # compute capabilities
_DRIVER, _DATA_CENTRE_DRIVER = (460, 27), (418, 40)
_MEMORY = 8000  # MiB: 8 GB as nvidia-smi counts them, which shows a little less than the label says
_COLUMNS = "index,uuid,name,driver_version,memory.total"
_QUERIES = [
    (f"--query-gpu={columns}", "--format=csv,noheader,nounits") for columns in (f"{_COLUMNS},compute_cap", _COLUMNS)
]
_TIMEOUT = 60  # seconds: nvidia-smi wakes the driver


@dataclass(frozen=True)
class Gpu:
    """`memory`: MiB. `capability`: CUDA's compute capability, as 8.6; None if the driver is too old to tell it."""

    index: str
    uuid: str
    name: str
    driver: str
    memory: int
    capability: float | None


def check(
    engine: docker.DockerClient,
    docker_host: str | None,
    labels: Mapping[str, str],
    *,
    name: str,
    gpus: Sequence[str],
    triton_image: str,
) -> Iterator[Finding]:
    """
    Args:
        name: of the server that asks for the GPUs.
        triton_image: one that nvidia-smi can run in, if the engine has it.
    """
    what = f"servers.{name}.gpus"
    refused = refusal_of(engine, docker_host, Wanted(gpus=tuple(gpus)), labels)
    if refused:
        yield Finding("wrong", f"{what}: container toolkit", refused.line)
        return
    yield Finding("ok", f"{what}: container toolkit", "the engine takes requests for GPUs")
    listed = _nvidia_smi(engine, labels, triton_image, local=is_local(docker_host))
    if listed is None:
        told = f"cannot be told from here: run nvidia-smi on the engine's host, or pull {triton_image} there"
        yield Finding("warning", f"{what}: GPUs", told)
        return
    yield from judge(what, gpus, parse(listed))


def judge(what: str, wanted: Sequence[str], there: Sequence[Gpu]) -> Iterator[Finding]:
    """
    Args:
        wanted: indexes or UUIDs, or `all`.
    """
    if tuple(wanted) == ("all",):
        found: Sequence[Gpu | None] = there
        if not there:
            yield Finding("wrong", f"{what}: GPUs", "the engine's host has none: set gpus: []")
    else:
        found = [next((gpu for gpu in there if each in (gpu.index, gpu.uuid)), None) for each in wanted]
        for each, gpu in zip(wanted, found, strict=True):
            if gpu is None:
                others = ", ".join(gpu.index for gpu in there) or "none"
                yield Finding("wrong", f"{what}: GPU {each}", f"is not there; the engine's host has: {others}")
    for gpu in found:
        if gpu is not None:
            yield _driver(what, gpu)
            yield _generation(what, gpu)
            yield _memory(what, gpu)


def parse(listed: str) -> list[Gpu]:
    """What nvidia-smi said: one GPU to a line, without a heading."""
    gpus = []
    for row in csv.reader(io.StringIO(listed)):
        index, uuid, name, driver, memory, *capability = (cell.strip() for cell in row)
        gpus.append(Gpu(index, uuid, name, driver, int(memory), float(capability[0]) if capability else None))
    return gpus


def _driver(what: str, gpu: Gpu) -> Finding:
    version = tuple(int(part) for part in gpu.driver.split(".")[:2] if part.isdigit())
    what, told = f"{what}: driver", f"{gpu.driver} of GPU {gpu.index}"
    if version >= _DRIVER:
        return Finding("ok", what, told)
    if version >= _DATA_CENTRE_DRIVER:
        return Finding("warning", what, f"{told} is enough for data centre GPUs only: else install 460.27.04 or newer")
    return Finding("wrong", what, f"{told} is too old for Triton 21.02: install 460.27.04 or newer")


def _generation(what: str, gpu: Gpu) -> Finding:
    what, told = f"{what}: generation", f"GPU {gpu.index}, {gpu.name}"
    if gpu.capability is None:
        return Finding("warning", what, f"{told}: its driver does not tell: see that it is Pascal or newer")
    told += f", has compute capability {gpu.capability}"
    if gpu.capability < _OLDEST:
        return Finding("wrong", what, f"{told}; Triton 21.02 needs {_OLDEST} (Pascal): take a newer GPU")
    if gpu.capability > _NEWEST:
        advice = f"newer than what Triton 21.02 was built for ({_NEWEST}, Ampere): see that `bin/aiaa verify` passes"
        return Finding("warning", what, f"{told}, {advice}")
    return Finding("ok", what, told)


def _memory(what: str, gpu: Gpu) -> Finding:
    what, told = f"{what}: memory", f"GPU {gpu.index} has {gpu.memory} MiB"
    if gpu.memory >= _MEMORY:
        return Finding("ok", what, told)
    return Finding(
        "warning", what, f"{told}; NVIDIA's models want 8 GB: load fewer or smaller ones, or take another GPU"
    )


def _nvidia_smi(
    engine: docker.DockerClient, labels: Mapping[str, str], triton_image: str, *, local: bool
) -> str | None:
    """What nvidia-smi says of all GPUs: run on this machine, or in a container; None if neither can be."""
    for query in _QUERIES:  # an older driver does not know the last column, and refuses all of it
        said = _run(query) if local and shutil.which("nvidia-smi") else _run_in(engine, labels, triton_image, query)
        if said is not None:
            return said
    return None


def _run(query: Sequence[str]) -> str | None:
    try:
        done = subprocess.run(
            ["nvidia-smi", *query],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout if done.returncode == 0 else None


def _run_in(engine: docker.DockerClient, labels: Mapping[str, str], image: str, query: Sequence[str]) -> str | None:
    """In a container that is given all GPUs; an image that is not there is not fetched for it, as it has gigabytes."""
    if not has_image(engine, image):
        return None
    container = engine.containers.create(
        image,
        entrypoint=["nvidia-smi", *query],
        labels=dict(labels),
        network_mode="none",
        device_requests=[gpu_request(("all",))],
    )
    try:
        container.start()
        ended = container.wait(timeout=_TIMEOUT)
        return container.logs(stderr=False).decode(errors="replace") if ended["StatusCode"] == 0 else None
    except APIError:
        return None  # no nvidia-smi in there, say: the caller tells what cannot be told
    finally:
        container.remove(force=True)
