"""Configurations in the shape of the published ones, spelt out here.

NVIDIA/clara-train-examples: GettingStarted/config/config_aiaa.json (spleen), AIAA/deepgrow_2D/config/config_aiaa.json,
AIAA/deepgrow_3D/config/config_aiaa.json, AIAA/Deepgrow2D3D_pipeline.json;
fzbuzz/Clara-Train-Spleen:config/config_aiaa.json (Clara 3, version 2);
https://docs.nvidia.com/clara/clara-train-archive/3.1/aiaa/model_config.html (version 3).
"""

from __future__ import annotations

from typing import Any


def step(name: str, **args: Any) -> dict[str, Any]:
    return {"name": name, "args": args}


def triton(inputs: list[int], outputs: list[int], batch: int = 1) -> dict[str, Any]:
    return {
        "platform": "pytorch_libtorch",
        "max_batch_size": batch,
        "input": [{"name": "INPUT__0", "data_type": "TYPE_FP32", "dims": inputs}],
        "output": [{"name": "OUTPUT__0", "data_type": "TYPE_FP32", "dims": outputs}],
    }


def writer() -> dict[str, Any]:
    return step("aiaa.transforms.Writer", image="pred", json="result")


def spleen() -> dict[str, Any]:
    window = {"scanning_window": True, "roi": [160, 160, 160], "overlap": 0.5}
    return {
        "version": 1,
        "type": "segmentation",
        "labels": ["spleen"],
        "description": "A pre-trained model for volumetric (3D) segmentation of the spleen from CT image",
        "pre_transforms": [
            step("monai.transforms.LoadImaged", keys="image"),
            step("monai.transforms.AddChanneld", keys="image"),
            step("monai.transforms.Spacingd", keys="image", pixdim=[1.0, 1.0, 1.0]),
        ],
        "inference": {
            "input": "image",
            "output": "pred",
            "AIAA": {"name": "aiaa.inference.PyTorchInference", "args": {**window, "device": "cpu"}},
            "TRITON": {
                "name": "aiaa.inference.TritonInference",
                "args": window,
                "triton_model_config": triton([1, 160, 160, 160], [2, 160, 160, 160]),
            },
        },
        "post_transforms": [step("aiaa.transforms.Restored", keys="pred", ref_image="image")],
        "writer": writer(),
    }


def deepgrow(dimensions: int) -> dict[str, Any]:
    size = [256, 256] if dimensions == 2 else [128, 192, 192]
    made = "monai.apps.deepgrow.transforms"
    return {
        "version": 1,
        "type": "deepgrow",
        "labels": [],
        "description": f"{dimensions}D DeepGrow model based on Unet",
        "pre_transforms": [
            step("monai.transforms.LoadImaged", keys="image"),
            step(f"{made}.AddGuidanceFromPointsd", ref_image="image", guidance="guidance", dimensions=dimensions),
            step(f"{made}.AddGuidanceSignald", image="image", guidance="guidance"),
        ],
        "cache_until": f"{made}.AddGuidanceFromPointsd",
        "inference": {
            "input": "image",
            "output": "pred",
            "meta_data": {"deepgrow": f"{dimensions}D"},
            "AIAA": {"name": "aiaa.inference.PyTorchInference"},
            "TRITON": {
                "name": "aiaa.inference.TritonInference",
                "triton_model_config": triton([3, *size], [1, *size], batch=32),
            },
        },
        "post_transforms": [step("monai.transforms.ToNumpyd", keys="pred")],
        "writer": writer(),
    }


def pipeline() -> dict[str, Any]:
    name = "aiaa.apps.deepgrow.DeepgrowInferencePipeline"
    sections = {engine: step(name, models=["grow_2d", "grow_3d"], batch_size=32) for engine in ("AIAA", "TRITON")}
    return {
        "version": 1,
        "type": "pipeline",
        "labels": [],
        "description": "Using both deepgrow 3D and 2D models for better accuracy/results",
        "pre_transforms": [step("monai.transforms.LoadImaged", keys="image")],
        "cache_until": "ALL",
        "post_transforms": [step("aiaa.transforms.LargestCCd", keys="pred")],
        "inference": {"meta_data": {"deepgrow": "3D"}, **sections},
        "writer": writer(),
    }


def clara_3(version: str) -> dict[str, Any]:
    inference: dict[str, Any] = {
        "image": "image",
        "trtis": {"input_channels": {"image": 1}, "output_channels": {"model": 2}, "max_batch_size": 8},
    }
    window = {"scanning_window": True, "batch_size": 3, "roi": [160, 160, 160]}
    if version == "2":
        inference |= {**window, "tf": {"input_nodes": {"image": "NV_MODEL_INPUT"}}}
    else:
        mapping = {"NV_MODEL_INPUT": "image", "NV_MODEL_OUTPUT": "model"}
        inference |= {"name": "TRTISInference", "args": window, "node_mapping": mapping}
    return {
        "version": version,
        "type": "segmentation",
        "labels": ["spleen"],
        "description": "A pre-trained model for volumetric (3D) segmentation of the spleen from CT image",
        "pre_transforms": [step("LoadNifti", fields="image"), step("ConvertToChannelsFirst", fields="image")],
        "inference": inference,
        "post_transforms": [step("ArgmaxAcrossChannels", fields="model")],
        "writer": step("WriteNifti", field="model", dtype="uint8"),
    }
