"""`servers.<name>`: AIAA servers. Defaults are the set-up guide's (see stack.py), except where a comment says why."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import field_validator, model_validator

from engines.address import EngineAddress
from model_files.config import Api
from settings.errors import WrongKeys, shown
from settings.strict import Strict
from settings.values import (
    BaseUrl,
    DockerAddress,
    Gpu,
    Image,
    IpAddress,
    Launcher,
    LogSize,
    Origin,
    Port,
    Seconds,
    Text,
    WorkspaceLocation,
    whole,
)


class TritonOptions(Strict):
    """The guide's TRITON_* variables. AIAA's own default protocol is http; grpc is known to make it hang."""

    proto: Literal["http", "grpc"] = "http"
    start_timeout: Seconds = 120
    model_timeout: Seconds = 30
    verbose: Annotated[int, whole(0)] = 0


class Images(Strict):
    """Image names; AIAA's default is its runtime's. NVIDIA's compose files pair both of those with this Triton."""

    aiaa: Image | None = None
    triton: Image = "nvcr.io/nvidia/tritonserver:21.02-py3"


class Ulimits(Strict):
    """Limits of both containers; `null` leaves one to the engine. `memlock: -1` needs CAP_SYS_RESOURCE on the host."""

    memlock: Annotated[int, whole(-1, 2**63 - 1)] | None = -1
    stack: Annotated[int, whole(-1, 2**63 - 1)] | None = 67108864


class Restart(Strict):
    """Docker's restart policies. The guide gives one to Triton only."""

    aiaa: Literal["no", "on-failure", "always", "unless-stopped"] = "no"
    triton: Literal["no", "on-failure", "always", "unless-stopped"] = "unless-stopped"


class Log(Strict):
    """Docker's json-file log. The guide sets no limit and fills the disk in time; here it is limited on purpose."""

    max_size: LogSize = "10m"
    max_file: Annotated[int, whole(1, 1000)] = 3


class Healthcheck(Strict):
    """Docker's check of AIAA's list of models, in seconds. The guide has none: a hung AIAA goes unnoticed.

    Failures within `start_period` after a start do not count; it is as long as `ready_timeout`'s default.
    """

    interval: Seconds = 30
    timeout: Seconds = 10
    retries: Annotated[int, whole(1, 1000)] = 3
    start_period: Seconds = 600


@dataclass(frozen=True)
class _Runtime:
    """What the generations of Clara Train differ in.

    Sources: the guide for 4.0; NVIDIA's notebook for 4.1 (NVIDIA/clara-train-examples,
    PyTorch/NoteBooks/AIAA/AIAA.ipynb).
    """

    image: str
    launcher: str


_RUNTIMES = {
    "clara-4.0": _Runtime("nvcr.io/nvidia/clara-train-sdk:v4.0", "start_aiaa.sh"),
    "clara-4.1": _Runtime("nvcr.io/nvidia/clara-train-sdk:v4.1", "AIAA start"),
}
# What can be said of a server that somebody else runs: how it is reached, what it speaks, how long it may take.
_OF_EXTERNAL = {
    *("runtime", "api", "engine", "url", "browser_url"),
    *("ready_timeout", "load_timeout", "infer_timeout"),
}


class Server(Strict):
    """One AIAA server: with its Triton, or, if it is `external`, one that somebody else runs."""

    runtime: Literal["clara-4.0", "clara-4.1", "external"] = "clara-4.0"
    api: Api | None = None
    engine: Literal["triton"] = "triton"
    docker: DockerAddress | None = None
    docker_cert_path: Text | None = None
    bind: IpAddress = "127.0.0.1"
    port: Port = 5000
    url: Origin | None = None
    browser_url: BaseUrl | None = None
    workspace: WorkspaceLocation | None = None
    gpus: tuple[Gpu, ...] = ("0",)
    triton: TritonOptions = TritonOptions()
    images: Images = Images()
    launcher: Launcher | None = None
    admin_hosts: Text = "*"
    shm_size: Annotated[int, whole(1, 2**20, " of megabytes")] = 1024
    ulimits: Ulimits = Ulimits()
    restart: Restart = Restart()
    log: Log = Log()
    healthcheck: Healthcheck = Healthcheck()
    ready_timeout: Seconds = 600
    load_timeout: Seconds = 1800
    infer_timeout: Seconds = 300

    @field_validator("gpus", mode="before")
    @classmethod
    def _gpus(cls, value: object) -> object:
        if value in ("all", ["all"], ("all",)):
            return ["all"]
        if isinstance(value, (list, tuple)):
            if "all" in value:
                raise ValueError('must be "all", or a list of GPU ids such as ["0"], not both')
            return value
        raise ValueError(f'must be a list of GPU ids such as ["0"], [] for none, or "all", not {shown(value)}')

    @field_validator("gpus")
    @classmethod
    def _one_way(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len({"=" in gpu for gpu in value}) > 1:
            raise ValueError(
                "must hold CDI names such as nvidia.com/gpu=0 only, or none: the engine itself gives those, and "
                "NVIDIA's runtime gives GPUs by number and UUID"
            )
        return value

    @model_validator(mode="after")
    def _external(self) -> Server:
        if self.runtime != "external":
            if self.api is not None:
                raise WrongKeys([("api", "is said by runtime already: only an external server needs it")])
            return self
        wrong = [
            (key, "says how a server is run, and this one is external: remove the key, or choose another runtime")
            for key in sorted(self.model_fields_set - _OF_EXTERNAL)
        ]
        if self.url is None:
            wrong.append(("url", "is missing: an external server needs its address, such as http://10.0.0.5:5000"))
        if wrong:
            raise WrongKeys(wrong)
        return self

    @property
    def is_external(self) -> bool:
        return self.runtime == "external"

    @property
    def speaks(self) -> Api:
        """The generation of AIAA's protocol."""
        return self.api or "clara-4.0" if self.runtime == "external" else self.runtime

    @property
    def aiaa_image(self) -> str:
        return self.images.aiaa or _RUNTIMES[self.runtime].image

    @property
    def start_command(self) -> str:
        """AIAA's, in its image."""
        return self.launcher or _RUNTIMES[self.runtime].launcher

    @property
    def docker_host(self) -> str | None:
        """The engine's address with all that a connection needs; None for the default engine."""
        return EngineAddress(self.docker, self.docker_cert_path).text if self.docker else None

    @property
    def machine(self) -> str | None:
        """The host's name of the engine's machine; None for this one, on which an engine is a socket or the default."""
        return urlsplit(self.docker).hostname if self.docker else None

    @property
    def deployer_url(self) -> str:
        """The server as this machine reaches it."""
        if self.url:
            return self.url
        host = self.machine or ("127.0.0.1" if ipaddress.ip_address(self.bind).is_unspecified else self.bind)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def viewer_url(self) -> str:
        """The server as a clinician's browser reaches it: what XNAT is told."""
        return self.browser_url or self.deployer_url
