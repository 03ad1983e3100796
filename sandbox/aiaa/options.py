"""What ``start_aas.sh``, ``start_aiaa.sh`` and ``AIAA start`` are told.

Names and defaults are those of a real 4.0 server's start-up log.

Source: the start-up log in visiont3lab/clara-train-examples:PyTorch/NoteBooks/AIAA/AIAA.ipynb (executed cells).
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

from sandbox.aiaa.generations import GENERATIONS, Api, Generation


@dataclass(frozen=True)
class Options:
    """How one server was started. Timeouts are seconds."""

    workspace: Path
    engine: Literal["TRITON"] = "TRITON"
    triton_ip: str = "localhost"
    triton_http_port: int = 8000
    triton_grpc_port: int = 8001
    triton_metrics_port: int = 8002
    triton_proto: Literal["http", "grpc"] = "http"
    triton_shmem: Literal["no"] = "no"
    triton_verbose: int = 0
    triton_start_timeout: float = 120
    triton_model_timeout: float = 30
    admin_hosts: str = "*"
    api: Api = "4.0"
    """Of this stand-in alone: which release of Clara it stands for; see :mod:`sandbox.aiaa.generations`."""
    port: int = 5000
    """Of this stand-in alone: NVIDIA's server listens on 5000, by its Apache configuration."""
    list_lag: float = 0
    """Of this stand-in alone: a loaded model shows in ``/v1/models`` this much later than PUT answers."""

    @property
    def generation(self) -> Generation:
        return GENERATIONS[self.api]

    @property
    def triton_model_path(self) -> Path:
        return self.workspace / "triton_models"

    @property
    def triton_address(self) -> str:
        """``host:port`` of the protocol that was chosen."""
        port = self.triton_grpc_port if self.triton_proto == "grpc" else self.triton_http_port
        return f"{self.triton_ip}:{port}"

    def admits(self, host: str) -> bool:
        """May this client host use ``/admin``? ``--admin_hosts`` is ``*`` or a comma-separated list."""
        allowed = [entry.strip() for entry in self.admin_hosts.split(",")]
        return "*" in allowed or host in allowed


def parse(arguments: Sequence[str], program: str) -> Options:
    """Read a launcher's command line; argparse's message and exit status 2 for what it does not know."""
    parser = argparse.ArgumentParser(prog=program, allow_abbrev=False)
    parser.add_argument("-w", "--workspace", type=Path, required=True)
    parser.add_argument(
        "--engine", choices=["TRITON"], default="TRITON", help="this stand-in computes through Triton only"
    )
    parser.add_argument("--api", choices=get_args(Api))
    parser.add_argument("--triton_proto", choices=["http", "grpc"])
    parser.add_argument("--triton_shmem", choices=["no"])
    for name in ("triton_ip", "admin_hosts"):
        parser.add_argument(f"--{name}")
    for name in ("triton_http_port", "triton_grpc_port", "triton_metrics_port", "triton_verbose", "port"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("triton_start_timeout", "triton_model_timeout", "list_lag"):
        parser.add_argument(f"--{name}", type=float)
    given = vars(parser.parse_args(arguments))
    return Options(**{field.name: given[field.name] for field in fields(Options) if given[field.name] is not None})
