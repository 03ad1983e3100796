"""The transforms of Clara 3 that its published AIAA configs name, by their short names.

Their arguments: https://docs.nvidia.com/clara/clara-train-archive/3.1/nvmidl/apidocs/ai4med/ai4med.components.transforms.html;
configs: fzbuzz/Clara-Train-Spleen and Taiwan-CVAI/HeaortaNet, config/config_aiaa.json.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sandbox.aiaa import transforms
from sandbox.aiaa.resampling import resize
from sandbox.aiaa.transforms import Data, Keys, each, geometry


def load_nifti(data: Data, fields: Keys, as_closest_canonical: bool | str = False) -> None:  # noqa: ARG001
    transforms.load_image(data, fields)


def load_png(data: Data, fields: Keys) -> None:
    transforms.load_image(data, fields)


def convert_to_channels_first(data: Data, fields: Keys) -> None:
    transforms.ensure_channel_first(data, fields)


def scale_by_resolution(
    data: Data,
    fields: Keys,
    target_resolution: Sequence[float],
    is_label: bool = False,
) -> None:
    transforms.spacing(data, fields, target_resolution, "nearest" if is_label else "bilinear")


def scale_intensity_range(
    data: Data, fields: Keys, a_min: float, a_max: float, b_min: float, b_max: float, clip: bool = False
) -> None:
    transforms.scale_intensity_range(data, fields, a_min, a_max, b_min, b_max, clip)


def normalize_nonzero_intensities(data: Data, fields: Keys) -> None:
    for key in each(fields):
        array = data[key]
        bright = array[array != 0]
        if bright.size:
            data[key] = np.where(array != 0, (array - bright.mean()) / (bright.std() or 1.0), 0).astype(np.float32)


def argmax_across_channels(data: Data, fields: Keys) -> None:
    transforms.as_discrete(data, fields, argmax=True)


def fetch_extreme_points(data: Data, image_field: str, label_field: str, points: str = "points") -> None:
    """The points are the file's voxels, although the label is still as large as the resampled image."""
    label, shape = data[label_field], geometry(data, image_field).shape
    whole = {"label": resize(label.reshape(label.shape[-len(shape) :]), shape, "nearest")}
    transforms.extreme_points(whole, "label", "result", points)
    data.setdefault("result", {}).update(whole["result"])


def copy_properties(data: Data, fields: Keys, from_field: str, properties: Sequence[str]) -> None:
    """Nothing to do: an image's geometry stays where its label finds it."""


def restore_original_shape(data: Data, field: str, src_field: str, is_label: bool = False) -> None:  # noqa: ARG001
    transforms.restored(data, field, src_field)


CLASSES: Mapping[str, Callable[..., None]] = {
    "LoadNifti": load_nifti,
    "LoadPng": load_png,
    "ConvertToChannelsFirst": convert_to_channels_first,
    "ScaleByResolution": scale_by_resolution,
    "ScaleIntensityRange": scale_intensity_range,
    "NormalizeNonzeroIntensities": normalize_nonzero_intensities,
    "ArgmaxAcrossChannels": argmax_across_channels,
    "FetchExtremePoints": fetch_extreme_points,
    "CopyProperties": copy_properties,
    "RestoreOriginalShape": restore_original_shape,
}
