"""A Triton Python-backend model that executes the TorchScript file beside it, on CPU.

Not part of the AIAA process: :mod:`sandbox.aiaa.triton_repository` copies this file into Triton's model repository as
``<model>/1/model.py``, and Triton's own Python, with Debian's torch, runs it. It stands for the libtorch backend of
NVIDIA's image: inputs go to the TorchScript module in the order of the configuration, results come back in that order.

A file that is no TorchScript for this torch is loaded all the same and fails when it is used, as recorded of a model
exported by a newer PyTorch (NVIDIA/ai-assisted-annotation-client issue 99). Failing at once would make Triton try again
at every poll, and give up at its next start.
"""

import json
from pathlib import Path
from typing import Any

import torch  # type: ignore[import-not-found, unused-ignore]
import triton_python_backend_utils as triton  # type: ignore[import-not-found, unused-ignore]


class TritonPythonModel:
    """The class that Triton's Python backend looks for."""

    def initialize(self, args: dict[str, str]) -> None:
        config = json.loads(args["model_config"])
        self.inputs = [entry["name"] for entry in config["input"]]
        self.outputs = [entry["name"] for entry in config["output"]]
        self.failure = ""
        try:
            self.module = torch.jit.load(str(Path(__file__).with_name("model.ts")), map_location="cpu").eval()
        except (RuntimeError, ValueError) as error:
            self.failure = str(error)

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        if self.failure:
            return triton.InferenceResponse(error=triton.TritonError(self.failure))
        tensors = [torch.from_numpy(triton.get_input_tensor_by_name(request, name).as_numpy()) for name in self.inputs]
        try:
            with torch.no_grad():
                results = self.module(*tensors)
        except RuntimeError as error:
            return triton.InferenceResponse(error=triton.TritonError(str(error)))
        if isinstance(results, torch.Tensor):
            results = (results,)
        named = zip(self.outputs, results, strict=True)
        return triton.InferenceResponse([triton.Tensor(name, result.numpy()) for name, result in named])
