"""How GPUs are asked of a Docker engine: one place for the containers of a stack and for the trial before them.

A GPU is named by its number, by a UUID (`GPU-...`, or `MIG-...` for a slice of one), or by its CDI name, as
`nvidia.com/gpu=0` (https://github.com/cncf-tags/container-device-interface/blob/main/SPEC.md). NVIDIA's runtime
takes the first two, and the engine itself gives CDI devices: these are two drivers of the engine (moby,
`daemon/nvidia_linux.go` and `daemon/cdi.go`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class GpuRequest:
    """A request for devices, as Docker's API has it.

    Attributes:
        count: -1 for all GPUs, 0 where they are named.
        capabilities: empty for CDI, whose driver knows none.
    """

    driver: str
    count: int
    device_ids: tuple[str, ...]
    capabilities: tuple[str, ...]


def request(gpus: Sequence[str]) -> GpuRequest | None:
    """The request for these GPUs; None if there are none.

    Args:
        gpus: `("all",)`, or names, all of them CDI names or none.
    """
    if not gpus:
        return None
    if is_cdi(gpus):
        return GpuRequest("cdi", 0, tuple(gpus), ())
    everything = tuple(gpus) == ("all",)
    return GpuRequest("nvidia", -1 if everything else 0, () if everything else tuple(gpus), ("gpu",))


def is_cdi(gpus: Sequence[str]) -> bool:
    """Whether these are CDI names. No other name of a GPU has a `=`."""
    return any("=" in gpu for gpu in gpus)


def cdi_devices(info: object) -> list[str]:
    """Names of the CDI devices that an engine has found.

    Args:
        info: what `docker info` answers; `DiscoveredDevices` is there since API version 1.50
            (https://docs.docker.com/reference/api/engine/version/v1.50/).
    """
    return list(_cdi_devices(info))


def _cdi_devices(info: object) -> Iterator[str]:
    found: Any = info.get("DiscoveredDevices") if isinstance(info, Mapping) else None
    for device in found if isinstance(found, list) else ():
        name = device.get("ID") if isinstance(device, Mapping) and device.get("Source") == "cdi" else None
        if isinstance(name, str) and name:
            yield name


def has_cdi(info: object) -> bool:
    """Whether an engine gives CDI devices at all: it then names the folders where they are described."""
    folders = info.get("CDISpecDirs") if isinstance(info, Mapping) else None
    return bool(cdi_devices(info)) or bool(isinstance(folders, list) and folders)
