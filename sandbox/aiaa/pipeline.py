"""From the class paths in a config to the transforms of this stand-in, checked when the model is loaded."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sandbox.aiaa import ai4med, guidance, transforms
from sandbox.aiaa.errors import AIAAException
from sandbox.aiaa.generations import Generation
from sandbox.aiaa.transforms import Data

Classes = Mapping[str, Callable[..., None]]

_MONAI: Classes = {
    "LoadImaged": transforms.load_image,
    "LoadPNGd": transforms.load_image,
    "AddChanneld": transforms.add_channel,
    "AsChannelFirstd": transforms.as_channel_first,
    "AsChannelLastd": transforms.as_channel_last,
    "EnsureChannelFirstd": transforms.ensure_channel_first,
    "Spacingd": transforms.spacing,
    "ScaleIntensityRanged": transforms.scale_intensity_range,
    "ScaleIntensityd": transforms.scale_intensity,
    "NormalizeIntensityd": transforms.normalize_intensity,
    "Resized": transforms.resized,
    "Activationsd": transforms.activations,
    "AsDiscreted": transforms.as_discrete,
    "SqueezeDimd": transforms.squeeze_dim,
    "ToNumpyd": transforms.to_numpy,
}
_DEEPGROW: Classes = {
    "AddGuidanceFromPointsd": guidance.add_guidance_from_points,
    "Fetch2DSliced": guidance.fetch_2d_slice,
    "SpatialCropGuidanced": guidance.crop_to_guidance,
    "ResizeGuidanced": guidance.resize_guidance,
    "AddGuidanceSignald": guidance.add_guidance_signal,
    "RestoreLabeld": guidance.restore_label,
}
_AIAA: Classes = {
    "Restored": transforms.restored,
    "ExtremePointsd": transforms.extreme_points,
    "BoundingBoxd": transforms.bounding_box,
}


def _in(module: str, classes: Classes) -> Classes:
    return {f"{module}.{name}": function for name, function in classes.items()}


_CLARA_4: Classes = {
    **_in("monai.transforms", _MONAI),
    **_in("monai.apps.deepgrow.transforms", _DEEPGROW),
    **_in("aiaa.apps.deepgrow.transforms", _DEEPGROW),  # so NVIDIA's deepgrow_3D config has them
    **_in("aiaa.transforms", _AIAA),
}
_AFTER_4_0: Classes = {"aiaa.transforms.LargestCCd": transforms.largest_component}
_CLARA_3: Classes = {**ai4med.CLASSES, **_in("sandbox", {**_MONAI, **_DEEPGROW})}
"""``sandbox.``: for the fixture's guided models alone. The classes that Clara 3 had for that are not published."""

Transform = Callable[[Data], None]


def build(configured: Sequence[Mapping[str, Any]], generation: Generation) -> list[Transform]:
    """The transforms of a ``pre_transforms`` or ``post_transforms`` list, in order.

    Raises AIAAException with ``CLASS_INIT_ERROR`` and the recorded wording for a class or an argument that the
    server lacks (visiont3lab/clara-train-examples, AIAA.ipynb: ``aiaa.transforms.LargestCCd`` on a 4.0 server).
    """
    classes = _CLARA_3 if generation.tensorflow else _CLARA_4
    known = {**classes, **(_AFTER_4_0 if generation.later_classes else {})}
    return [_instantiate(entry["name"], entry.get("args") or {}, known) for entry in configured]


def _instantiate(name: str, arguments: Mapping[str, Any], known: Classes) -> Transform:
    module, _, short = name.rpartition(".")
    if (function := known.get(name)) is None:
        reason = f"module '{module}' has no attribute '{short}'" if module else f"name '{short}' is not defined"
        raise AIAAException("CLASS_INIT_ERROR", f"Instantiation of class {short} failed: {reason}.")
    try:
        inspect.signature(function).bind({}, **arguments)
    except TypeError as error:
        raise AIAAException("CLASS_INIT_ERROR", f"Instantiation of class {short} failed: {error}.") from None
    return partial(_apply, function, dict(arguments))


def _apply(function: Callable[..., None], arguments: dict[str, Any], data: Data) -> None:
    function(data, **arguments)
