"""What NGC has, as a fixture: the published names, each with a tiny TorchScript model of our own behind it.

Names, labels, types and descriptions are as a public 4.0 server listed them
(https://discourse.slicer.org/t/error-in-nvidia-aiaa/20730); the four that it lacked have the subject that NGC's listing
gives in visiont3lab/clara-train-examples AIAA.ipynb. The configs' shape is that of NVIDIA's published ones; windows,
regions of interest and what the models compute are inventions of this fixture. So is version 2 of
``clara_pt_spleen_ct_segmentation``, which exists to show a change of version.

Of Clara 3, whose models are TensorFlow graphs, names alone are public
(https://docs.nvidia.com/clara/clara-train-archive/3.1/aiaa/loading_models.html, the TensorFlow notebook in
NVIDIA/clara-train-examples, NVIDIA/ai-assisted-annotation-client issue 62). Behind them too stands TorchScript, as
``model.trt.pb``: the stand-ins execute no TensorFlow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

_CT_WINDOW = (-200.0, 400.0)
_MRI_WINDOW = (0.0, 1000.0)


@dataclass(frozen=True)
class Published:
    """One model on NGC. ``files`` maps a version to a file of ``sandbox/ngc/models``; ``channels`` are the image's."""

    type: str
    labels: tuple[str, ...]
    description: str
    files: Mapping[str, str]
    window: tuple[float, float] = _CT_WINDOW
    channels: int = 1
    dimensions: int = 3
    clara: Literal[3, 4] = 4

    @property
    def model_file(self) -> str:
        """Its name in the MMAR's ``models``."""
        return "model.trt.pb" if self.clara == 3 else "model.ts"


def _segmentation(subject: str, *labels: str, **other: Any) -> Published:
    files = {"1": f"segmentation_{other.get('channels', 1)}to{len(labels)}.ts"}
    description = f"A pre-trained model for volumetric (3D) segmentation of {subject}"
    return Published("segmentation", labels, description, **({"files": files} | other))


def _annotation(subject: str, label: str, **other: Any) -> Published:
    description = f"A pre-trained model for volumetric (3D) segmentation of {subject} using DEXtr3D"
    return Published("annotation", (label,), description, {"1": "annotation.ts"}, **other)


CATALOG: Mapping[str, Published] = {
    "clara_pt_spleen_ct_segmentation": _segmentation(
        "the spleen from CT image",
        "spleen",
        files={"1": "segmentation_1to1.ts", "2": "segmentation_1to1_v2.ts"},
    ),
    "clara_pt_spleen_ct_annotation": _annotation("the spleen from CT image", "spleen"),
    "clara_pt_liver_and_tumor_ct_segmentation": _segmentation("the liver and tumor from CT", "liver", "liver tumor"),
    "clara_pt_pancreas_and_tumor_ct_segmentation": _segmentation(
        "the pancreas and tumor from portal venous phase CT", "pancreas", "pancreas tumor"
    ),
    "clara_pt_prostate_mri_segmentation": _segmentation(
        "the liver and tumor from MRI",  # as published
        "prostate central gland",
        "prostate peripheral zone",
        channels=2,
        window=_MRI_WINDOW,
    ),
    "clara_pt_brain_mri_segmentation": _segmentation(
        "brain tumors from multimodal MRIs",
        "tumor core",
        "whole tumor",
        "enhancing tumor",
        channels=4,
        window=_MRI_WINDOW,
    ),
    "clara_pt_brain_mri_segmentation_t1c": _segmentation(
        "the tumor core from MRI T1c image", "tumor", window=_MRI_WINDOW
    ),
    "clara_pt_brain_mri_annotation_t1c": _annotation(
        "the tumor from MRI T1C image", "brain tumor core", window=_MRI_WINDOW
    ),
    "clara_pt_fed_learning_brain_tumor_mri_segmentation": _segmentation(
        "brain tumors from multimodal MRIs",
        "tumor core",
        "whole tumor",
        "enhancing tumor",
        channels=4,
        window=_MRI_WINDOW,
    ),
    "clara_pt_covid19_ct_lung_segmentation": _segmentation("the Lung from CT image", "lung", window=(-1200.0, -400.0)),
    "clara_pt_covid19_ct_lung_annotation": _annotation("the lung from CT image", "lung"),
    "clara_pt_covid19_ct_lesion_segmentation": _segmentation(
        "COVID-19 affected regions in the lung from CT image", "COVID-19 affected regions", window=(-800.0, 0.0)
    ),
    "clara_pt_covid19_3d_ct_classification": Published(
        "classification", ("covid19",), "Classification of COVID-19 from chest CT", {"1": "classification.ts"}
    ),
    "clara_pt_deepgrow_2d_annotation": Published(
        "deepgrow", (), "2D DeepGrow model based on Unet", {"1": "deepgrow.ts"}, dimensions=2
    ),
    "clara_pt_deepgrow_3d_annotation": Published(
        "deepgrow", (), "3D DeepGrow model based on Unet", {"1": "deepgrow.ts"}
    ),
    "clara_pt_pathology_metastasis_detection": Published(
        "others", ("metastasis",), "Detection of metastasis in pathology images", {"1": "classification.ts"}
    ),
    "clara_ct_seg_spleen_amp": _segmentation("the spleen from CT image", "spleen", clara=3),
    "clara_ct_seg_spleen_no_amp": _segmentation("the spleen from CT image", "spleen", clara=3),
    "clara_train_covid19_ct_lung_seg": _segmentation(
        "the Lung from CT image", "lung", window=(-1200.0, -400.0), clara=3
    ),
    "clara_ct_annotation_spleen_amp": _annotation("the spleen from CT image", "spleen", clara=3),
    "clara_ct_annotation_spleen_no_amp": _annotation("the spleen from CT image", "spleen", clara=3),
    "clara_train_deepgrow_aiaa_inference_only": Published(
        "deepgrow", (), "2D DeepGrow model based on Unet", {"1": "deepgrow.ts"}, dimensions=2, clara=3
    ),
}
