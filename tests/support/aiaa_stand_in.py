"""An AIAA stand-in in this process, on a Triton double: both up in a few hundredths of a second."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from sandbox.aiaa.app import create_app
from sandbox.aiaa.options import Options
from sandbox.serve import serve
from tests.support.triton_double import TritonDouble


@dataclass
class AiaaStandIn:
    url: str
    app: Starlette
    triton: TritonDouble


@contextmanager
def aiaa_stand_in(workspace: Path, *, port: int = 0, **options: Any) -> Iterator[AiaaStandIn]:
    """
    Args:
        workspace: a second server on the same one finds what the first had.
        port: for a server that comes back under the same URL; 0 takes a free one.
        options: of the stand-in, see `sandbox.aiaa.options.Options`.
    """
    triton = TritonDouble(workspace / "triton_models")
    with triton.serve() as address:
        host, triton_port = address.split(":")
        known: dict[str, Any] = {"triton_ip": host, "triton_http_port": int(triton_port), "triton_model_timeout": 5.0}
        app = create_app(Options(workspace=workspace, **(known | options)))
        with serve(app, port=port) as url:
            yield AiaaStandIn(url, app, triton)
