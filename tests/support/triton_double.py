"""A Triton that needs no Docker: the KServe v2 HTTP calls that AIAA makes, over a model repository on disk.

``with TritonDouble(repository).serve() as address`` gives ``host:port``. It reads the repository at every request, so a
written model is served at once. It executes nothing: the answer marks the voxels of input channel 0 that are brighter
than a share (0.4 to 0.9) of the range from darkest to brightest. The share follows from the bytes of ``model.ts``, so
that another file gives another mask of an image that has more than two shades. Where the output has no spatial axes,
each class gets a high logit if more than half of the voxels are that bright.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf import json_format, text_format  # type: ignore[import-untyped, unused-ignore]
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tritonclient.grpc import model_config_pb2

from sandbox.serve import serve

_BINARY_HEADER = "Inference-Header-Content-Length"
_LOGIT = 10.0


class TritonDouble:
    """``frozen``: like a Triton whose poll never comes: it goes on with the models that it knew when that was set."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        self._frozen: dict[str, bytes] | None = None
        self.inferences: list[str] = []
        """Names of the models that were run, in order."""

    @property
    def frozen(self) -> bool:
        return self._frozen is not None

    @frozen.setter
    def frozen(self, value: bool) -> None:
        self._frozen = self._models() if value else None

    @contextmanager
    def serve(self, port: int = 0) -> Iterator[str]:
        """``host:port`` of this double, on loopback; ``port`` brings it back at an earlier address."""
        with serve(self._application(), port=port) as url:
            yield url.removeprefix("http://")

    def _application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v2/health/live", self._live),
                Route("/v2/models/{model}/ready", self._ready),
                Route("/v2/models/{model}/config", self._config),
                Route("/v2/models/{model}/infer", self._infer, methods=["POST"]),
            ]
        )

    def _models(self) -> dict[str, bytes]:
        return {path.parent.name: path.read_bytes() for path in self._repository.glob("*/config.pbtxt")}

    def _model_config(self, request: Request) -> dict[str, Any] | None:
        models = self._models() if self._frozen is None else self._frozen
        if (pbtxt := models.get(request.path_params["model"])) is None:
            return None
        parsed = text_format.Parse(pbtxt, model_config_pb2.ModelConfig())
        config: dict[str, Any] = json_format.MessageToDict(parsed, preserving_proto_field_name=True)
        return config

    async def _live(self, _: Request) -> Response:
        return Response()

    async def _ready(self, request: Request) -> Response:
        return Response(status_code=400 if self._model_config(request) is None else 200)

    async def _config(self, request: Request) -> Response:
        config = self._model_config(request)
        return _unknown(request) if config is None else JSONResponse(config)

    async def _infer(self, request: Request) -> Response:
        if (config := self._model_config(request)) is None:
            return _unknown(request)
        name = request.path_params["model"]
        self.inferences.append(name)
        body = await request.body()
        length = int(request.headers.get(_BINARY_HEADER, len(body)))
        asked = json.loads(body[:length])["inputs"][0]
        wanted = [int(size) for size in config["input"][0]["dims"]]
        if asked["shape"][1:] != wanted:
            return JSONResponse({"error": f"unexpected shape for input '{asked['name']}' for model '{name}'"}, 400)
        image = np.frombuffer(body[length:], np.float32, count=int(np.prod(asked["shape"]))).reshape(asked["shape"])
        model = (self._repository / name / "1" / "model.ts").read_bytes()
        return _answer(name, config["output"][0], _mask(image, model, config["output"][0]))


def _mask(image: npt.NDArray[Any], model: bytes, output: dict[str, Any]) -> npt.NDArray[np.float32]:
    share = 0.4 + 0.5 * hashlib.sha256(model).digest()[0] / 255
    darkest, brightest = image[:, :1].min(), image[:, :1].max()
    above = image[:, :1] > darkest + share * (brightest - darkest)
    channels = int(output["dims"][0])
    if len(output["dims"]) == 1:  # a classification: each class if more than half of the image is bright
        return (
            np.where(above.reshape(len(image), -1).mean(1, keepdims=True) > 0.5, _LOGIT, -_LOGIT)
            .repeat(channels, axis=1)
            .astype(np.float32)
        )
    logits = np.full((len(image), channels, *image.shape[2:]), -_LOGIT, np.float32)
    logits[:, -1:][above] = _LOGIT
    if channels > 1:
        logits[:, :1][~above] = _LOGIT
    return logits


def _answer(name: str, output: dict[str, Any], result: npt.NDArray[np.float32]) -> Response:
    described = {
        "name": output["name"],
        "datatype": "FP32",
        "shape": list(result.shape),
        "parameters": {"binary_data_size": result.nbytes},
    }
    header = json.dumps({"model_name": name, "model_version": "1", "outputs": [described]}).encode()
    return Response(header + result.tobytes(), headers={_BINARY_HEADER: str(len(header))})


def _unknown(request: Request) -> Response:
    return JSONResponse({"error": f"Request for unknown model: '{request.path_params['model']}' is not found"}, 400)
