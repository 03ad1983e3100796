"""The parts of a Clara 3 ``config_aiaa.json``: classes by short names, ``fields``, and the section ``trtis``.

Schema: https://docs.nvidia.com/clara/clara-train-archive/3.1/aiaa/model_config.html; the segmentation follows a
published one, fzbuzz/Clara-Train-Spleen config/config_aiaa.json. Of guided models none is published: theirs name the
classes of the stand-in itself, under ``sandbox.``.
"""

from typing import Any

from sandbox.ngc.catalog import Published

_ROI = [64, 64, 64]
_NODES = ("NV_MODEL_INPUT", "NV_MODEL_OUTPUT")


def of(published: Published, guided: dict[str, Any]) -> dict[str, Any]:
    """
    guided  what the config of a guided model of Clara 4 would be
    """
    return _segmentation(published) if published.type == "segmentation" else _guided(guided)


def _segmentation(published: Published) -> dict[str, Any]:
    low, high = published.window
    window = {"a_min": low, "a_max": high, "b_min": 0.0, "b_max": 1.0, "clip": True}
    return {
        "pre_transforms": [
            _step("LoadNifti", fields="image"),
            _step("ConvertToChannelsFirst", fields="image"),
            _step("ScaleIntensityRange", fields="image", **window),
        ],
        "inference": _inference(
            "model",
            [published.channels, *_ROI],
            [len(published.labels) + 1, *_ROI],
            batch_size=1,
            roi=_ROI,
            scanning_window=True,
        ),
        "post_transforms": [
            _step("ArgmaxAcrossChannels", fields="model"),
            _step("FetchExtremePoints", image_field="image", label_field="model", points="points"),
            _step("CopyProperties", fields=["model"], from_field="image", properties=["affine"]),
            _step("RestoreOriginalShape", field="model", src_field="image", is_label=True),
        ],
        "writer": _step("WriteNifti", field="model", dtype="uint8"),
    }


def _guided(config: dict[str, Any]) -> dict[str, Any]:
    triton = config["inference"]["TRITON"]["triton_model_config"]
    shapes = [triton[side][0]["dims"] for side in ("input", "output")]
    return {
        "pre_transforms": [_ours(step) for step in config["pre_transforms"]],
        "inference": _inference("pred", *shapes, batch_size=1),
        "post_transforms": [_ours(step) for step in config["post_transforms"]],
        "writer": _step("WriteNifti", field="pred", dtype="uint8"),
    }


def _inference(result: str, inputs: list[int], outputs: list[int], **arguments: Any) -> dict[str, Any]:
    tensors = [
        [{"name": name, "data_type": "TYPE_FP32", "dims": dims}]
        for name, dims in zip(_NODES, (inputs, outputs), strict=True)
    ]
    return {
        "image": "image",
        "name": "TRTISInference",
        "args": arguments,
        "node_mapping": dict(zip(_NODES, ("image", result), strict=True)),
        "trtis": {"platform": "tensorflow_graphdef", "max_batch_size": 1, "input": tensors[0], "output": tensors[1]},
    }


def _ours(step: dict[str, Any]) -> dict[str, Any]:
    return {**step, "name": f"sandbox.{step['name'].rpartition('.')[2]}"}


def _step(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "args": arguments}
