"""``aiaa.apps.deepgrow.DeepgrowInferencePipeline``: a 3D deepgrow model, and a 2D one that refines the current slice.

Documented is that a pipeline names models that are loaded on the same server (AIAA.ipynb and its
``Deepgrow2D3D_pipeline.json``, NVIDIA/clara-train-examples; ``byom/byoip.html`` beside the model config's page, where
``models`` is a list). How NVIDIA's joins its parts is not known: this is the simplest way that uses both.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.aiaa.engines import Engine
from sandbox.aiaa.errors import AIAAException
from sandbox.aiaa.images import Image
from sandbox.aiaa.result import Result

Run = Callable[[str, Path, Mapping[str, Any]], Result]
"""Another model of this server: its name, the image's file, the request's parameters."""


class DeepgrowPipeline:
    """A loaded pipeline. It has no model of its own; its parts bring their own transforms."""

    triton_model_config = None

    def __init__(self, name: str, engine: Engine) -> None:
        self._name = name
        given = engine.arguments.get("models") or []
        self._models = [str(model) for model in (given.values() if isinstance(given, Mapping) else given)]

    def parts(self, entries: Mapping[str, Mapping[str, Any]]) -> tuple[str, str | None]:
        """The names of the 3D part and, if there is one, of the 2D part.

        entries  public entries of the loaded models by name
        Raises AIAAException if a part is not loaded, or if none is a 3D deepgrow model.
        """
        if missing := [model for model in self._models if model not in entries]:
            text = f"Pipeline {self._name} needs models that are not loaded: {', '.join(missing)}"
            raise AIAAException("MODEL_IMPORT_ERROR", text)
        parts = [entries[model] for model in self._models if entries[model]["type"] == "deepgrow"]
        found = {part.get("deepgrow"): part["name"] for part in parts}
        if "3D" not in found:
            raise AIAAException(
                "MODEL_IMPORT_ERROR", f"Pipeline {self._name} names no 3D deepgrow model in args.models"
            )
        return found["3D"], found.get("2D")

    def run(self, image: Path, params: Mapping[str, Any], run: Run, entries: Mapping[str, Mapping[str, Any]]) -> Result:
        volume, plane = self.parts(entries)
        whole = run(volume, image, params)
        point = _current_point(params)
        if plane is None or point is None or whole.image is None:
            return whole
        index = int(point[2])
        here = {
            key: [other for other in params.get(key) or [] if int(other[2]) == index]
            for key in ("foreground", "background")
        }
        if not any(here.values()):
            return whole
        refined = run(plane, image, {**params, **here, "spatial_size": None})  # the size is one of the volume
        if refined.image is None:
            return whole
        mask = whole.image.voxels.copy()
        mask[..., index] = refined.image.voxels[..., index]
        return Result(Image(mask, whole.image.affine), whole.params)


def _current_point(params: Mapping[str, Any]) -> Sequence[float] | None:
    """The point that was clicked last: ``current_point``, else the last one of the foreground or background."""
    points = [params.get("current_point"), *reversed(params.get("foreground") or params.get("background") or [])]
    return next((point for point in points if point), None)
