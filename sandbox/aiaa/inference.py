"""One inference: the config's transforms around Triton, tile by tile where the config says ``scanning_window``."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from sandbox.aiaa import pipeline
from sandbox.aiaa.engines import Engine
from sandbox.aiaa.errors import AIAAException
from sandbox.aiaa.generations import Generation
from sandbox.aiaa.images import Image
from sandbox.aiaa.result import Result
from sandbox.aiaa.transforms import Array, Data, geometry

Infer = Callable[[str, dict[str, Any], list[Array]], list[Array]]
"""Triton: model's name, its ``triton_model_config``, input tensors -> output tensors."""


class Inference:
    """A loaded config, ready to run. Building it raises AIAAException for what this server cannot run."""

    def __init__(self, name: str, config: Mapping[str, Any], engine: Engine, generation: Generation) -> None:
        self._name = name
        self._before = pipeline.build(config.get("pre_transforms") or [], generation)
        self._after = pipeline.build(config.get("post_transforms") or [], generation)
        self._engine = engine
        self.triton_model_config = engine.triton_model_config

    def run(self, image: Path, params: Mapping[str, Any], infer: Infer) -> Result:
        """Run on one image file; ``params`` are the request's, points among them."""
        config = self.triton_model_config
        if config is None:
            raise AIAAException("INFERENCE_ERROR", f"{self._name} has no model of its own")
        data: Data = {**params, "image": image}
        for transform in self._before:
            transform(data)

        def forward(array: Array) -> Array:
            batch = config.get("max_batch_size", 0) > 0
            outputs = infer(self._name, config, [array[None].astype(np.float32) if batch else array.astype(np.float32)])
            return outputs[0][0] if batch else outputs[0]

        source, told = data[self._engine.input], self._engine.arguments
        if told.get("scanning_window"):
            window = told.get("roi") or config["input"][0]["dims"][1:]
            data[self._engine.output] = scan(source, window, told.get("overlap", 0.25), forward)
        else:
            data[self._engine.output] = forward(source)
        for transform in self._after:
            transform(data)
        return self._write(data)

    def _write(self, data: Data) -> Result:
        """Stands for the config's writer, which makes a file of one key and the JSON result of another."""
        mask, params = data.get(self._engine.image), data.get(self._engine.json)
        if isinstance(params, np.ndarray):
            params = {self._engine.json: params.tolist()}
        where = geometry(data, "image")
        image = None if mask is None else Image(mask, where.affine, len(where.shape), where.extension)
        return Result(image, params or {})


def scan(image: Array, window: Sequence[int], overlap: float, forward: Callable[[Array], Array]) -> Array:
    """Run ``forward`` over windows of a (channel, ...) image and average where they overlap.

    window   spatial size that ``forward`` takes and returns; a smaller image is padded with zeros
    overlap  share of a window that neighbours have in common, 0 to below 1
    """
    spatial = image.shape[1:]
    if len(window) != len(spatial):
        message = f"the image has {len(spatial)} axes, and the window of this model {len(window)}"
        raise AIAAException("INVALID_INPUT", message)
    missing = [max(0, size - length) for size, length in zip(window, spatial, strict=True)]
    padded = np.pad(image, [(0, 0), *((0, extra) for extra in missing)])
    total: Array | None = None
    hits = np.zeros(padded.shape[1:], np.float32)
    for corner in _corners(padded.shape[1:], window, overlap):
        place = tuple(slice(start, start + size) for start, size in zip(corner, window, strict=True))
        part = forward(padded[(slice(None), *place)])
        if total is None:
            total = np.zeros((part.shape[0], *padded.shape[1:]), np.float32)
        total[(slice(None), *place)] += part
        hits[place] += 1
    if total is None:
        raise AIAAException("INVALID_INPUT", "the image is empty")
    averaged: Array = (total / hits)[(slice(None), *(slice(0, length) for length in spatial))]
    return averaged


def _corners(shape: Sequence[int], window: Sequence[int], overlap: float) -> Iterator[tuple[int, ...]]:
    axes = []
    for length, size in zip(shape, window, strict=True):
        step = max(1, int(size * (1 - overlap)))
        axes.append(sorted({min(start, length - size) for start in range(0, length - size + step, step)}))
    yield from product(*axes)
