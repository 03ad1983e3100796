"""Which viewer runs a model, how, and what a clinician sees if that fails.

Sources: of XNAT's viewer, oncai/ohif-viewer-xnat extensions/xnat/src/aiaa-tools (client/AIAAClient.js,
utils/prepareRunParameters.js, modelTypes.js) and its menu (onRunModel); of NVIDIA's OHIF plugin, which offers
pipelines, too, NVIDIA/clara-train-examples nvidia-aiaa/src (AIAAService/AIAAClient.js, components/AIAAPanel.js). The
notices are quoted from them. In both, the reason is always `undefined`: they look for it in axios's error, which has no
reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clients.aiaa_answers import ModelEntry, NotAnImage
from clients.errors import ClientError
from clients.smoke_answer import NoAnswer, NoLabels, WrongShape

_RESULT = {"result_extension": ".nii.gz", "result_dtype": "uint16", "result_compress": True}

_OFFERED = ("segmentation", "annotation", "deepgrow")  # by XNAT's viewer
_OHIF_RUNS = {"segmentation": "Auto-Segmentation", "deepgrow": "Deepgrow"}


@dataclass(frozen=True)
class Viewer:
    """
    Attributes:
        route: the last part of the path of an inference.
        is_ohif: NVIDIA's OHIF plugin; else XNAT's viewer.
    """

    route: str
    is_ohif: bool = False

    def params(self, points: Mapping[str, Any]) -> dict[str, Any]:
        """An inference's parameters, in the viewer's order. (The OHIF plugin asks for `.nrrd`.)

        Args:
            points: see `clients.smoke_image.points`.
        """
        if not self.is_ohif:
            return {**_RESULT, **points}
        last = {"current_point": points["foreground"][:1]} if "foreground" in points else {}
        return {**points, **last, **_RESULT}

    @property
    def sees_no_session(self) -> str:
        notice = "Failed to Create AIAA Session" if self.is_ohif else "Failed to create AIAA Session! Reason: undefined"
        return self._shows(f'"{notice}"')

    def sees_no_result(self, model: str, error: ClientError) -> str:
        """
        Args:
            model: its name.
            error: what went wrong with the inference.
        """
        if isinstance(error, NoLabels):
            return self._shows("wrong segments, or none")
        if self.is_ohif:
            return self._shows(f'"Failed to Run {_OHIF_RUNS[self.route]}", or no segment')
        if isinstance(error, WrongShape):
            return self._shows('"Error: Size mismatch between the mask and reference images"')
        if isinstance(error, (NoAnswer, NotAnImage)):
            return self._shows('"Error in parsing the mask image"')
        return self._shows(f'"Failed to run {model}! Reason: undefined"')

    def _shows(self, notice: str) -> str:
        name = "NVIDIA's OHIF plugin" if self.is_ohif else "XNAT's viewer"
        return f"{name} shows a clinician {notice}"


def viewer_of(model: ModelEntry) -> Viewer | None:
    """The viewer that runs models of this type; None if none does."""
    if model.type == "pipeline":
        return Viewer("deepgrow" if "deepgrow" in model.meta else "segmentation", is_ohif=True)
    return Viewer(model.route) if model.type in _OFFERED else None
