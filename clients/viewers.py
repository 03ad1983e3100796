"""Which viewer runs a model, how, and what a clinician sees if that fails.

Sources: of XNAT's viewer, oncai/ohif-viewer-xnat extensions/xnat/src/aiaa-tools (client/AIAAClient.js,
utils/prepareRunParameters.js, modelTypes.js); of NVIDIA's OHIF plugin, which offers pipelines, too,
NVIDIA/clara-train-examples nvidia-aiaa/src (AIAAService/AIAAClient.js, components/AIAAPanel.js). The notices are
theirs. In both, the reason is `undefined` whatever the server said: they look for it in axios's error, which has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clients.aiaa_answers import ModelEntry

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
        return f'{self._name} shows a clinician "{notice}"'

    def sees_no_result(self, model: str) -> str:
        """
        Args:
            model: its name.
        """
        runs = f"Run {_OHIF_RUNS[self.route]}" if self.is_ohif else f"run {model}! Reason: undefined"
        return f'{self._name} shows a clinician no segment ("Failed to {runs}"), or a wrong one'

    @property
    def _name(self) -> str:
        return "NVIDIA's OHIF plugin" if self.is_ohif else "XNAT's viewer"


def viewer_of(model: ModelEntry) -> Viewer | None:
    """The viewer that runs models of this type; None if none does."""
    if model.type == "pipeline":
        return Viewer("deepgrow" if "deepgrow" in model.meta else "segmentation", is_ohif=True)
    return Viewer(model.route) if model.type in _OFFERED else None
