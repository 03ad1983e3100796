"""What AIAA asks of the Triton server, over the protocol that ``--triton_proto`` names.

Protocol: triton-inference-server/server docs/protocol (KServe v2 and its repository extension); spoken by tritonclient.
A client is made for each call: tritonclient's are not to be shared between threads.
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import tritonclient.grpc
import tritonclient.http
from geventhttpclient.response import HTTPConnectionClosed
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from sandbox.aiaa.options import Options
from sandbox.aiaa.triton_repository import MARK

_POLL_SECONDS = 0.1
_REQUEST_TIMEOUT = 300.0
_UNREACHABLE = (InferenceServerException, HTTPConnectionClosed, OSError, RuntimeError)


class TritonServer:
    def __init__(self, options: Options) -> None:
        self._address = options.triton_address
        self._protocol = tritonclient.grpc if options.triton_proto == "grpc" else tritonclient.http

    def wait_until_live(self, seconds: float) -> bool:
        """True as soon as Triton answers, False if it did not within ``seconds``."""
        return _wait(seconds, self._is_live)

    def wait_until_served(self, model: str, mark: str, seconds: float) -> bool:
        """True as soon as Triton serves the upload with this mark, False if it did not within ``seconds``."""
        return _wait(seconds, lambda: self._served_mark(model) == mark)

    def infer(self, model: str, config: dict[str, Any], tensors: list[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """Run a model; tensors in and out in the order of its ``triton_model_config``.

        Raises whatever tritonclient raises: AIAA relays it.
        """
        inputs = []
        for entry, tensor in zip(config["input"], tensors, strict=True):
            wanted = self._protocol.InferInput(entry["name"], list(tensor.shape), np_to_triton_dtype(tensor.dtype))
            wanted.set_data_from_numpy(np.ascontiguousarray(tensor))
            inputs.append(wanted)
        with self._client() as client:
            answer = client.infer(model, inputs)
            return [answer.as_numpy(entry["name"]) for entry in config["output"]]

    def _is_live(self) -> bool:
        with self._client() as client:
            return bool(client.is_server_live())

    def _served_mark(self, model: str) -> str | None:
        with self._client() as client:
            if not client.is_model_ready(model):
                return None
            config = client.get_model_config(model, **({"as_json": True} if self._is_grpc else {}))
        config = config.get("config", config)
        mark: str | None = config.get("parameters", {}).get(MARK, {}).get("string_value")
        return mark

    @property
    def _is_grpc(self) -> bool:
        return self._protocol is tritonclient.grpc

    @contextmanager
    def _client(self) -> Iterator[Any]:
        limits = {} if self._is_grpc else {"network_timeout": _REQUEST_TIMEOUT, "connection_timeout": 5.0}
        with closing(self._protocol.InferenceServerClient(self._address, **limits)) as client:
            yield client


def _wait(seconds: float, condition: Any) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return True
        except _UNREACHABLE:
            pass  # not there yet, or away for a moment
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
