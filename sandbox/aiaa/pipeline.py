"""From the class paths in a config to the transforms of this stand-in, checked when the model is loaded."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sandbox.aiaa import guidance, transforms
from sandbox.aiaa.errors import AIAAException
from sandbox.aiaa.transforms import Data

_KNOWN: Mapping[str, Callable[..., None]] = {
    "monai.transforms.LoadImaged": transforms.load_image,
    "monai.transforms.AddChanneld": transforms.add_channel,
    "monai.transforms.AsChannelFirstd": transforms.as_channel_first,
    "monai.transforms.AsChannelLastd": transforms.as_channel_last,
    "monai.transforms.EnsureChannelFirstd": transforms.ensure_channel_first,
    "monai.transforms.Spacingd": transforms.spacing,
    "monai.transforms.ScaleIntensityRanged": transforms.scale_intensity_range,
    "monai.transforms.ScaleIntensityd": transforms.scale_intensity,
    "monai.transforms.NormalizeIntensityd": transforms.normalize_intensity,
    "monai.transforms.Resized": transforms.resized,
    "monai.transforms.Activationsd": transforms.activations,
    "monai.transforms.AsDiscreted": transforms.as_discrete,
    "monai.transforms.SqueezeDimd": transforms.squeeze_dim,
    "monai.transforms.ToNumpyd": transforms.to_numpy,
    "monai.apps.deepgrow.transforms.AddGuidanceFromPointsd": guidance.add_guidance_from_points,
    "monai.apps.deepgrow.transforms.Fetch2DSliced": guidance.fetch_2d_slice,
    "monai.apps.deepgrow.transforms.SpatialCropGuidanced": guidance.crop_to_guidance,
    "monai.apps.deepgrow.transforms.ResizeGuidanced": guidance.resize_guidance,
    "monai.apps.deepgrow.transforms.AddGuidanceSignald": guidance.add_guidance_signal,
    "monai.apps.deepgrow.transforms.RestoreLabeld": guidance.restore_label,
    "aiaa.transforms.Restored": transforms.restored,
    "aiaa.transforms.ExtremePointsd": transforms.extreme_points,
    "aiaa.transforms.BoundingBoxd": transforms.bounding_box,
}

Transform = Callable[[Data], None]


def build(configured: Sequence[Mapping[str, Any]]) -> list[Transform]:
    """The transforms of a ``pre_transforms`` or ``post_transforms`` list, in order.

    Raises AIAAException with ``CLASS_INIT_ERROR`` and the recorded wording for a class or an argument that the
    server lacks (visiont3lab/clara-train-examples, AIAA.ipynb: ``aiaa.transforms.LargestCCd`` on a 4.0 server).
    """
    return [_instantiate(entry["name"], entry.get("args") or {}) for entry in configured]


def _instantiate(name: str, arguments: Mapping[str, Any]) -> Transform:
    module, _, short = name.rpartition(".")
    if (function := _KNOWN.get(name)) is None:
        reason = f"module '{module}' has no attribute '{short}'"
        raise AIAAException("CLASS_INIT_ERROR", f"Instantiation of class {short} failed: {reason}.")
    try:
        inspect.signature(function).bind({}, **arguments)
    except TypeError as error:
        raise AIAAException("CLASS_INIT_ERROR", f"Instantiation of class {short} failed: {error}.") from None
    return partial(_apply, function, dict(arguments))


def _apply(function: Callable[..., None], arguments: dict[str, Any], data: Data) -> None:
    function(data, **arguments)
