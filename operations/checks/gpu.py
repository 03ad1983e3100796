"""GPUs: the container toolkit, the driver, the generation and the memory of those that a server asks for.

Source of the memory: NVIDIA's AIAA notebook (NVIDIA/clara-train-examples, AIAA.ipynb) asks for 8 GB. What a release of
Triton asks for is in `triton_releases`. A CUDA program sees one MIG slice, however many it is given
(https://docs.nvidia.com/datacenter/tesla/mig-user-guide/, "CUDA Device Enumeration").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import docker

from clients.engine_host import Wanted, refusal_of
from clients.gpus import is_cdi
from operations.checks import nvidia_smi
from operations.checks.engine import is_local
from operations.checks.finding import Finding
from operations.checks.nvidia_smi import Gpu, Slice
from operations.checks.triton_releases import Needs, needs_of

_MEMORY = 8000  # MiB: 8 GB as nvidia-smi counts them, which shows a little less than the label says
_NVIDIA_CDI = "nvidia.com/gpu="


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
        triton_image: its release decides what the GPUs need; nvidia-smi can run in it, if the engine has it.
    """
    what = f"servers.{name}.gpus"
    refused = refusal_of(engine, docker_host, Wanted(gpus=tuple(gpus)), labels)
    if refused:
        yield Finding("wrong", f"{what}: container toolkit", refused.line)
        return
    yield Finding("ok", f"{what}: container toolkit", "the engine takes requests for GPUs")
    everything = f"{_NVIDIA_CDI}all" if is_cdi(gpus) else "all"
    found = nvidia_smi.look(engine, labels, triton_image, everything=everything, local=is_local(docker_host))
    if found is None:
        message = (
            f"unknown: this machine cannot run nvidia-smi: run it on the engine's host, or pull {triton_image} there"
        )
        yield Finding("warning", f"{what}: GPUs", message)
    elif found.has_none:
        yield Finding("wrong", f"{what}: GPUs", "the engine's host has none: set gpus: []")
    elif found.trouble:
        message = f"unknown, because nvidia-smi does not list them: {found.trouble}; run it on the engine's host"
        yield Finding("warning", f"{what}: GPUs", message)
    else:
        yield from judge(what, gpus, found.gpus, triton_image)


def judge(what: str, wanted: Sequence[str], there: Sequence[Gpu], triton_image: str) -> Iterator[Finding]:
    """
    Args:
        wanted: as the stack file has them.
        there: at least one.
    """
    found: dict[str, tuple[Gpu, Slice | None]] = {}  # by name, in the order of the stack file
    names = [each.removeprefix(_NVIDIA_CDI) for each in wanted]
    if everything := names == ["all"]:
        found = {gpu.index or gpu.uuid: (gpu, None) for gpu in there}
    else:
        for name in names:
            if match := _find(name, there):
                found[name] = match
            else:
                yield _missing(what, name, there)
    if lines := _slices(what, list(found.values()), everything=everything):
        yield lines
    needs = needs_of(triton_image)
    for gpu in dict.fromkeys(gpu for gpu, _ in found.values()):
        if gpu.mig and not gpu.slices:
            message = (
                f"GPU {gpu.index} is in MIG mode and nvidia-smi -L lists no slice of it, so Triton cannot use it: "
            )
            yield Finding("warning", f"{what}: MIG", message + "create slices (`nvidia-smi mig`), or turn MIG mode off")
        yield _driver(what, gpu, needs, triton_image)
        yield _generation(what, gpu, needs, triton_image)
    for gpu, part in found.values():
        # Of a whole GPU in slices, a program has one of these.
        yield from (_memory(what, gpu, each) for each in ([part] if part else gpu.slices or [None]))


def _find(name: str, there: Sequence[Gpu]) -> tuple[Gpu, Slice | None] | None:
    """The GPU of this name, and if it names one, its slice: by UUID, or as 0:1, the second of GPU 0."""
    wanted = name.casefold()
    for gpu in there:
        if wanted in (gpu.index, gpu.uuid.casefold()):
            return gpu, None
        for number, part in enumerate(gpu.slices):
            if wanted in (part.uuid.casefold(), f"{gpu.index}:{number}"):
                return gpu, part
    return None


def _missing(what: str, name: str, there: Sequence[Gpu]) -> Finding:
    parts = [part.uuid for gpu in there for part in gpu.slices]
    others = ", ".join([*(gpu.index or gpu.uuid for gpu in there), *parts])
    if not re.fullmatch(r"[0-9]+(:[0-9]+)?|(GPU|MIG)-.*", name):
        message = f"the engine provides it, but nvidia-smi does not show which GPU it is; it lists: {others}"
        return Finding("warning", f"{what}: GPU {name}", message)
    if not name.isdigit() and not name.startswith("GPU-") and not parts and any(gpu.mig for gpu in there):
        message = f"the host has GPUs in MIG mode, whose slices nvidia-smi -L does not list here; it lists: {others}"
        return Finding("warning", f"{what}: GPU {name}", f"{message}: run it on the engine's host")
    if not all(gpu.index and gpu.uuid for gpu in there):
        message = f"nvidia-smi does not show the names of all GPUs; it lists: {others}"
        return Finding("warning", f"{what}: GPU {name}", message)
    return Finding("wrong", f"{what}: GPU {name}", f"is not there; the engine's host has: {others}")


def _slices(what: str, found: Sequence[tuple[Gpu, Slice | None]], *, everything: bool) -> Finding | None:
    """What is wrong with several, if one of them is or has a slice."""
    split = [gpu for gpu, _ in found if gpu.slices]
    given = sum(1 if part else max(1, len(gpu.slices)) for gpu, part in found)
    if not split or (given < 2 and not everything):
        return None
    parts = ", ".join(dict.fromkeys(part.uuid for gpu in split for part in gpu.slices))
    message = f"Triton sees only one MIG slice, even if it gets several: name one of these in gpus: {parts}"
    return Finding("warning", f"{what}: MIG", message)


def _driver(what: str, gpu: Gpu, needs: Needs | None, image: str) -> Finding:
    what, message = f"{what}: driver", f"{gpu.driver} of GPU {gpu.index}"
    found = re.match(r"([0-9]{1,4})\.([0-9]{1,4})", gpu.driver, re.ASCII)
    if not found:
        return Finding("warning", what, f"unknown for GPU {gpu.index}: run nvidia-smi on the engine's host")
    if not needs or not needs.driver or not needs.data_centre_driver:
        return Finding("warning", what, f"{message}; what image {image} needs is unknown here: see its release notes")
    version = int(found[1]), int(found[2])
    least = ".".join(map(str, needs.driver))
    if version >= needs.driver:
        return Finding("ok", what, message)
    if version >= needs.data_centre_driver:
        return Finding(
            "warning", what, f"{message} is enough for data centre GPUs only: for other GPUs, install {least} or newer"
        )
    return Finding("wrong", what, f"{message} is too old for Triton {needs.release}: install {least} or newer")


def _generation(what: str, gpu: Gpu, needs: Needs | None, image: str) -> Finding:
    what, message = f"{what}: generation", f"GPU {gpu.index}, {gpu.name or 'of unknown name'}"
    if gpu.capability is None:
        oldest = f"check that it is {needs.oldest_name} or newer" if needs else f"check what {image} needs"
        return Finding("warning", what, f"{message}: its compute capability is unknown: {oldest}")
    message += f", has compute capability {gpu.capability}"
    if needs is None:
        advice = f"what image {image} needs is unknown here: check that `bin/aiaa verify` passes"
        return Finding("warning", what, f"{message}; {advice}")
    if gpu.capability < needs.oldest:
        return Finding("wrong", what, f"{message}; Triton {needs.release} needs {needs.oldest_name}: use a newer GPU")
    if gpu.capability > needs.newest:
        advice = (
            f"newer than what Triton {needs.release} was built for, {needs.newest_name}: check that `bin/aiaa verify` "
            "passes, or set images.triton to a newer release"
        )
        return Finding("warning", what, f"{message}, {advice}")
    return Finding("ok", what, message)


def _memory(what: str, gpu: Gpu, part: Slice | None) -> Finding:
    name = part.uuid if part else f"GPU {gpu.index}"
    memory = part.memory if part else gpu.memory
    if memory is None:
        return Finding("warning", f"{what}: memory", f"unknown for {name}: NVIDIA's models need 8 GB")
    message = f"{name} has {memory} MiB"
    if memory >= _MEMORY:
        return Finding("ok", f"{what}: memory", message)
    advice = "NVIDIA's models need 8 GB: load fewer or smaller ones, or use another GPU"
    return Finding("warning", f"{what}: memory", f"{message}; {advice}")
