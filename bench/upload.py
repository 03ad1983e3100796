"""A model's upload, against curl: the same form to a server that reads it and keeps nothing."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bench.pairs import Pairs, measure
from clients.aiaa import AiaaClient
from sandbox.serve import run as serve
from tests.support.free_port import free_port

_MEGABYTES = 512
_NAME = "large"
_CONFIG = {"version": 1, "type": "segmentation", "labels": ["organ"]}


def run() -> Pairs | str:
    """The figures, or why there are none."""
    if not shutil.which("curl"):
        return "the upload needs curl to compare with"
    with TemporaryDirectory() as folder, _sink() as url:
        weights, config = Path(folder) / "model.ts", Path(folder) / "config_aiaa.json"
        config.write_text(json.dumps(_CONFIG))
        with weights.open("wb") as file:
            file.truncate(_MEGABYTES << 20)
        curl = ["curl", "--silent", "--show-error", "--fail", "--request", "PUT", f"{url}/admin/model/{_NAME}"]
        curl += ["--form", f"config=@{config};type=application/json", "--form", f"data=@{weights}"]

        def ours() -> None:
            with AiaaClient(url) as client:
                client.load_from_files(_NAME, _CONFIG, weights, deadline=600)

        def by_hand() -> None:
            subprocess.run(curl, check=True, stdout=subprocess.DEVNULL)

        return measure(f"upload of a model of {_MEGABYTES} MB", ours, "curl -X PUT -F ...", by_hand)


@contextmanager
def _sink() -> Iterator[str]:
    async def take(request: Request) -> Response:
        async for _ in request.stream():
            pass
        return JSONResponse({})

    async def models(_: Request) -> Response:
        return JSONResponse([{"name": _NAME, **_CONFIG}])

    routes = [Route("/admin/model/{name}", take, methods=["PUT"]), Route("/v1/models", models)]
    port = free_port()
    # A process of its own: both ways have a processor to themselves.
    server = multiprocessing.Process(
        target=serve, args=[Starlette(routes=routes)], kwargs={"host": "127.0.0.1", "port": port}, daemon=True
    )
    server.start()
    try:
        with AiaaClient(f"http://127.0.0.1:{port}") as client:
            client.wait_until_ready(30, print)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.join()
