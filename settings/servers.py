"""`servers.<name>`: AIAA servers. Defaults are the set-up guide's (see stack.py), except where a comment says why."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import field_validator

from settings.errors import shown
from settings.strict import Strict
from settings.values import (
    Command,
    DockerAddress,
    Gpu,
    Image,
    IpAddress,
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
    """Image names: the guide names v4.0, NVIDIA's compose files pair it with this Triton."""

    aiaa: Image = "nvcr.io/nvidia/clara-train-sdk:v4.0"
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


class Server(Strict):
    """One AIAA server with its Triton."""

    runtime: Literal["clara-4.0"] = "clara-4.0"
    engine: Literal["triton"] = "triton"
    docker: DockerAddress | None = None
    bind: IpAddress = "127.0.0.1"
    port: Port = 5000
    url: Origin | None = None
    browser_url: Origin | None = None
    workspace: WorkspaceLocation | None = None
    gpus: tuple[Gpu, ...] = ("0",)
    triton: TritonOptions = TritonOptions()
    images: Images = Images()
    launcher: Command = "start_aiaa.sh"
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
