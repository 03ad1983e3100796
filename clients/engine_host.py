"""What the host of a Docker engine gives a container: a port and GPUs. Tried out before anything is changed for it.

It is tried through the engine itself (`clients.engine_probe`), so that it holds for a remote one too: an engine
publishes ports and finds the device driver before it starts a container's first process (moby, `daemon/start.go`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

import docker
from docker.types import DeviceRequest

from clients import engine_probe
from clients.docker_engine import docker_engine
from clients.engine_answers import items, optional
from clients.engine_probe import empty_image
from clients.errors import one_line
from clients.gpus import cdi_devices, has_cdi
from clients.gpus import is_cdi as gpus_are_cdi
from clients.gpus import request as gpus_request
from clients.listener import listener

_TIMEOUT = 60  # seconds for one call: a start is more than a look
_INTERNAL_PORT = 5000  # of a container with nothing in it
_LABELS_OF_STACKS = ("xnat-aiaa.project", "xnat-aiaa.stack")


@dataclass(frozen=True)
class Wanted:
    """
    Attributes:
        bind, port: where a container's port is to be published; 0 is none.
        gpus: as `clients.gpus.request` takes them.
        holder: the name of the container that may have the port already: the server's own.
    """

    bind: str = ""
    port: int = 0
    gpus: tuple[str, ...] = ()
    holder: str = ""


@dataclass(frozen=True)
class Refusal:
    """What a host does not give: the key of a server's settings, what is wrong with it, and what to do."""

    key: Literal["port", "bind", "gpus"]
    told: str
    advice: str

    @property
    def line(self) -> str:
        return f"{self.told}: {self.advice}"


def refusal(docker_host: str | None, wanted: Wanted, labels: Mapping[str, str]) -> Refusal | None:
    """What the engine's host would refuse a container; None if it gives all that is wanted.

    Args:
        docker_host: the engine's address; None is the default one.
        labels: of the container that tries it, so that whatever cleans up knows whose it is.

    Raises:
        Unreachable: the engine did not answer. Rejected: it does not let containers be made.
    """
    with docker_engine(docker_host, timeout=_TIMEOUT) as engine:
        return refusal_of(engine, docker_host, wanted, labels)


def refusal_of(
    engine: docker.DockerClient, docker_host: str | None, wanted: Wanted, labels: Mapping[str, str]
) -> Refusal | None:
    """`refusal`, within `clients.docker_engine.docker_engine` of that address, which tells the engine's own errors."""
    published = _publisher(engine, wanted)
    if published and published.name != wanted.holder:
        return published.refusal(wanted)
    publish = wanted.port and not published
    ports = {f"{_INTERNAL_PORT}/tcp": (wanted.bind, wanted.port)} if publish else {}
    requests = device_requests(wanted.gpus)
    with empty_image(engine) as image:
        said = engine_probe.refusal(engine, image, labels, ports=ports, device_requests=requests)
    if not said:
        return None
    refused = _of_port(docker_host, wanted, said)
    # Any other refusal is about the GPUs: the trial asks for nothing else.
    return refused if refused or not requests else _of_gpus(engine, wanted, said)


@dataclass(frozen=True)
class _Publisher:
    name: str
    stack: str

    def refusal(self, wanted: Wanted) -> Refusal:
        whose = f" of stack {self.stack}" if self.stack else ""
        return _taken(wanted, f"container {self.name}{whose}", "stop that container")


def _publisher(engine: docker.DockerClient, wanted: Wanted) -> _Publisher | None:
    """The running container that has the port, if one has."""
    for container in items(engine.api.containers()):
        for port in items(container, "Ports"):
            if port.get("PublicPort") == wanted.port and _overlap(str(port.get("IP") or ""), wanted.bind):
                labels = optional(container, dict, {}, "Labels")
                stack = "/".join(str(labels[label]) for label in _LABELS_OF_STACKS if label in labels)
                names = optional(container, list, [], "Names") or [optional(container, str, "?", "Id")]
                return _Publisher(str(names[0]).lstrip("/"), stack)
    return None


def _overlap(one: str, other: str) -> bool:
    """Whether two addresses cannot both have the same port."""
    return one == other or any(not address or _is_everywhere(address) for address in (one, other))


def _is_everywhere(address: str) -> bool:
    try:
        return ip_address(address).is_unspecified
    except ValueError:
        return False


def device_requests(gpus: Sequence[str]) -> list[DeviceRequest]:
    """`clients.gpus.request` in the Docker SDK's form."""
    wanted = gpus_request(gpus)
    if wanted is None:
        return []
    capabilities = [list(wanted.capabilities)] if wanted.capabilities else []
    return [
        DeviceRequest(
            driver=wanted.driver, count=wanted.count, device_ids=list(wanted.device_ids), capabilities=capabilities
        )
    ]


def _of_gpus(engine: docker.DockerClient, wanted: Wanted, said: str) -> Refusal:
    """The refusal of a container that asks for GPUs."""
    names = ", ".join(wanted.gpus)
    cdi = gpus_are_cdi(wanted.gpus)
    if "could not select device driver" in said:
        if cdi:
            return Refusal(
                "gpus",
                f"the engine gives no CDI devices (it said: {said})",
                "use Docker 25 or newer with CDI switched on (`features: {cdi: true}` in its daemon.json; on by "
                "default since Docker 28.3), or name GPUs by number or UUID, or set gpus: []",
            )
        return Refusal("gpus", f"the engine has no GPU runtime (it said: {said})", _without_runtime(engine))
    if cdi:
        there = cdi_devices(engine.info())
        advice = f"it has: {_some(there)}" if there else "`nvidia-ctk cdi list` on its host lists what there is"
        advice += "; name those, or write the description again with `nvidia-ctk cdi generate` there, or set gpus: []"
    elif "unknown device" in said or "device error" in said:
        advice = "`nvidia-smi -L` on its host lists what there is; name those, or set gpus: []"
    else:
        advice = (
            "fix what it names on the engine's host (`nvidia-container-cli -k -d /dev/tty info` there shows more about "
            "NVIDIA's part), or set gpus: []"
        )
    return Refusal("gpus", f"the engine cannot give GPU {names} (it said: {said})", advice)


def _without_runtime(engine: docker.DockerClient) -> str:
    """What to do on an engine without NVIDIA's runtime, which may have the GPUs as CDI devices."""
    info = engine.info()
    install = "install the NVIDIA Container Toolkit on its host and restart Docker there, or set gpus: []"
    if there := cdi_devices(info):
        return f"it has CDI devices, so name one of these in gpus: {_some(there)}; or {install}"
    if has_cdi(info):
        return (
            "it gives CDI devices, so name one in gpus, such as nvidia.com/gpu=0 (`nvidia-ctk cdi list` on its host "
            f"lists them); or {install}"
        )
    return install


def _some(names: Sequence[str]) -> str:
    """At most ten of these names, on one line."""
    return one_line(", ".join(names[:10])) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _of_port(docker_host: str | None, wanted: Wanted, said: str) -> Refusal | None:
    # Docker's own book of ports says the former, the kernel the latter.
    if "port is already allocated" in said or "address already in use" in said:
        if process := listener(docker_host, wanted.bind, wanted.port):
            return _taken(wanted, f"process {process} of the engine's host", "stop that process")
        return _taken(
            wanted, "a process of the engine's host", f"stop it (`ss -ltnp 'sport = :{wanted.port}'` there names it)"
        )
    if "cannot assign requested address" in said:
        return Refusal(
            "bind",
            f"{wanted.bind} is no address of the engine's host",
            "give one that it has; 0.0.0.0 are all, and AIAA has no log-in",
        )
    if "external connectivity" in said:
        return Refusal(
            "port",
            f"{wanted.port} cannot be published on {wanted.bind} (the engine said: {said})",
            "mend what it names, or choose another port",
        )
    return None


def _taken(wanted: Wanted, by: str, otherwise: str) -> Refusal:
    return Refusal("port", f"{wanted.port} is taken on {wanted.bind} by {by}", f"choose another port, or {otherwise}")
