"""NGC as a fixture: the published names, each with a tiny TorchScript model of our own behind it.

Names, labels, types and descriptions are as a public 4.0 server listed them
(https://discourse.slicer.org/t/error-in-nvidia-aiaa/20730); the four that it lacked have the subject that NGC's listing
gives in visiont3lab/clara-train-examples AIAA.ipynb. The configs' shape is that of NVIDIA's published ones; windows,
regions of interest and what the models compute are inventions of this fixture. So is version 2 of
``clara_pt_spleen_ct_segmentation``, which exists to show a change of version.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from sandbox.aiaa.errors import AIAAException

_PREFIX = "nvidia/med/"
_CT_WINDOW = (-200.0, 400.0)
_MRI_WINDOW = (0.0, 1000.0)
_ROI = [64, 64, 64]


@dataclass(frozen=True)
class Published:
    """One model on NGC. ``files`` maps a version to a file of ``ngc_models``; ``channels`` are the image's."""

    type: str
    labels: tuple[str, ...]
    description: str
    files: Mapping[str, str]
    window: tuple[float, float] = _CT_WINDOW
    channels: int = 1


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
        "deepgrow", (), "2D DeepGrow model based on Unet", {"1": "deepgrow.ts"}
    ),
    "clara_pt_deepgrow_3d_annotation": Published(
        "deepgrow", (), "3D DeepGrow model based on Unet", {"1": "deepgrow.ts"}
    ),
    "clara_pt_pathology_metastasis_detection": Published(
        "others", ("metastasis",), "Detection of metastasis in pathology images", {"1": "classification.ts"}
    ),
}


def download(path: str, version: str, folder: Path) -> Path:
    """Put ``<name>_v<version>`` with ``config/config_aiaa.json`` and ``models/model.ts`` into ``folder``.

    path  ``nvidia/med/<name>``; raises AIAAException for a path or version that is not in the catalogue
    """
    name = path.removeprefix(_PREFIX)
    published = CATALOG.get(name) if path.startswith(_PREFIX) else None
    if published is None or version not in published.files:
        raise AIAAException("MODEL_IMPORT_ERROR", f"NGC has no model {path}, version {version}")
    target = folder / f"{name}_v{version}"
    for part in ("config", "models"):
        (target / part).mkdir(parents=True, exist_ok=True)
    (target / "config" / "config_aiaa.json").write_text(json.dumps(_config(name, version), indent=2), encoding="utf-8")
    source = resources.files("sandbox.aiaa") / "ngc_models" / published.files[version]
    with resources.as_file(source) as model:
        shutil.copyfile(model, target / "models" / "model.ts")
    return target


def _config(name: str, version: str) -> dict[str, Any]:
    published = CATALOG[name]
    head = {
        "version": int(version),
        "type": published.type,
        "labels": list(published.labels),
        "description": published.description,
    }
    if published.type == "segmentation":
        return head | _segmentation_config(published)
    if published.type in ("annotation", "deepgrow"):
        return head | _guided_config(published, 2 if "_2d_" in name else 3)
    return head | _classification_config(published)


def _step(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "args": arguments}


def _load(published: Published) -> list[dict[str, Any]]:
    low, high = published.window
    channel = "AddChanneld" if published.channels == 1 else "EnsureChannelFirstd"
    return [
        _step("monai.transforms.LoadImaged", keys="image"),
        _step(f"monai.transforms.{channel}", keys="image"),
        _step(
            "monai.transforms.ScaleIntensityRanged",
            keys="image",
            a_min=low,
            a_max=high,
            b_min=0.0,
            b_max=1.0,
            clip=True,
        ),
    ]


def _triton(inputs: list[int], outputs: list[int], **arguments: Any) -> dict[str, Any]:
    return {
        "name": "aiaa.inference.TritonInference",
        "args": arguments,
        "triton_model_config": {
            "platform": "pytorch_libtorch",
            "max_batch_size": 1,
            "input": [{"name": "INPUT__0", "data_type": "TYPE_FP32", "dims": inputs}],
            "output": [{"name": "OUTPUT__0", "data_type": "TYPE_FP32", "dims": outputs}],
        },
    }


def _segmentation_config(published: Published) -> dict[str, Any]:
    triton = _triton(
        [published.channels, *_ROI], [len(published.labels) + 1, *_ROI], scanning_window=True, roi=_ROI, overlap=0.25
    )
    return {
        "pre_transforms": _load(published),
        "inference": {"input": "image", "output": "pred", "TRITON": triton},
        "post_transforms": [
            _step("monai.transforms.AddChanneld", keys="pred"),
            _step("monai.transforms.Activationsd", keys="pred", softmax=True),
            _step("monai.transforms.AsDiscreted", keys="pred", argmax=True),
            _step("monai.transforms.SqueezeDimd", keys="pred", dim=0),
            _step("monai.transforms.ToNumpyd", keys="pred"),
            _step("aiaa.transforms.Restored", keys="pred", ref_image="image"),
            _step("aiaa.transforms.ExtremePointsd", keys="pred", result="result", points="points"),
            _step("aiaa.transforms.BoundingBoxd", keys="pred", result="result", bbox="bbox"),
        ],
        "writer": _step("aiaa.transforms.Writer", image="pred", json="result"),
    }


def _guided_config(published: Published, dimensions: int) -> dict[str, Any]:
    deepgrow = "monai.apps.deepgrow.transforms"
    size = [128, 128] if dimensions == 2 else _ROI
    points = {"foreground": "points"} if published.type == "annotation" else {}
    slicing = [_step(f"{deepgrow}.Fetch2DSliced", keys="image", guidance="guidance")] if dimensions == 2 else []
    meta_data = {"meta_data": {"deepgrow": f"{dimensions}D"}} if published.type == "deepgrow" else {}
    return {
        "pre_transforms": [
            _step("monai.transforms.LoadImaged", keys="image"),
            _step("monai.transforms.AsChannelFirstd", keys="image"),
            _step(
                f"{deepgrow}.AddGuidanceFromPointsd",
                ref_image="image",
                guidance="guidance",
                dimensions=dimensions,
                **points,
            ),
            *slicing,
            _step("monai.transforms.AddChanneld", keys="image"),
            _step(f"{deepgrow}.SpatialCropGuidanced", keys="image", guidance="guidance", spatial_size=[128, 128]),
            _step("monai.transforms.Resized", keys="image", spatial_size=size, mode="area"),
            _step(f"{deepgrow}.ResizeGuidanced", guidance="guidance", ref_image="image"),
            _step("monai.transforms.NormalizeIntensityd", keys="image", subtrahend=208, divisor=388),
            _step(f"{deepgrow}.AddGuidanceSignald", image="image", guidance="guidance"),
        ],
        "inference": {"input": "image", "output": "pred", **meta_data, "TRITON": _triton([3, *size], [1, *size])},
        "post_transforms": [
            _step("monai.transforms.Activationsd", keys="pred", sigmoid=True),
            _step("monai.transforms.AsDiscreted", keys="pred", threshold_values=True, logit_thresh=0.5),
            _step("monai.transforms.ToNumpyd", keys="pred"),
            _step(f"{deepgrow}.RestoreLabeld", keys="pred", ref_image="image", mode="nearest"),
            _step("monai.transforms.AsChannelLastd", keys="pred"),
        ],
        "writer": _step("aiaa.transforms.Writer", image="pred", json="result"),
    }


def _classification_config(published: Published) -> dict[str, Any]:
    size = _step("monai.transforms.Resized", keys="image", spatial_size=_ROI, mode="area")
    return {
        "pre_transforms": [*_load(published), size],
        "inference": {"input": "image", "output": "pred", "TRITON": _triton([1, *_ROI], [len(published.labels)])},
        "post_transforms": [_step("monai.transforms.Activationsd", keys="pred", sigmoid=True)],
        "writer": _step("aiaa.transforms.Writer", json="pred"),
    }
