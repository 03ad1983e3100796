"""The ``config_aiaa.json`` of each model in the catalogue, made from its entry.

The shape is that of NVIDIA's published ones: NVIDIA/clara-train-examples, GettingStarted/config/config_aiaa.json and
AIAA/deepgrow_2D/config/config_aiaa.json under PyTorch/NoteBooks.
"""

from typing import Any

from sandbox.ngc import configs_clara_3
from sandbox.ngc.catalog import CATALOG, Published

_ROI = [64, 64, 64]


def config_of(name: str, version: str) -> dict[str, Any]:
    """The ``config_aiaa.json`` of a published model. Raises KeyError for a name that is not in the catalogue."""
    published = CATALOG[name]
    head = {
        "version": 3 if published.clara == 3 else int(version),  # of Clara 3's schema; of the model
        "type": published.type,
        "labels": list(published.labels),
        "description": published.description,
    }
    if published.clara == 3:
        return head | configs_clara_3.of(published, _guided_config(published))
    if published.type == "segmentation":
        return head | _segmentation_config(published)
    if published.type in ("annotation", "deepgrow"):
        return head | _guided_config(published)
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


def _guided_config(published: Published) -> dict[str, Any]:
    dimensions = published.dimensions
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
