"""The shape of `config_aiaa.json`, as far as it is documented, or the same in every published one.

Each field's description says what to write there. Keys that are not here are left alone: NVIDIA's pages on 4.0 and 4.1
mark what is required in a bold type that the copies that are left have lost, and published configs have more keys.
A key counts as required here if the published configs all have it and a server could not do without it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr

Api = Literal["clara-3.1", "clara-4.0", "clara-4.1"]
"""Generation of the server: what a model's files are, and how it is loaded, differ."""

Engine = Literal["triton", "native"]
"""What computes: Triton, or AIAA itself (`--engine AIAA`, from Clara 4.1)."""

TYPES = ("segmentation", "annotation", "classification", "deepgrow", "others", "pipeline")
_NUMBERS = ("UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64")
# https://github.com/triton-inference-server/common/blob/r21.02/protobuf/model_config.proto
_DATA_TYPES = ("TYPE_BOOL", *(f"TYPE_{name}" for name in _NUMBERS), "TYPE_STRING")


class Strange(ValueError):
    """The value does not fit what its field's description says."""


def _nonempty(text: str) -> str:
    if not text.strip():
        raise Strange
    return text


def _version(value: object) -> object:
    """A server lists the version as text. Published configs have whole numbers; that others would be refused is written
    nowhere."""
    text = isinstance(value, str) and value.isprintable() and bool(value.strip())
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if not (text or whole):
        raise Strange
    return value


def _two_or_three(value: object) -> object:
    if str(value) not in ("2", "3") or not isinstance(value, (str, int)):
        raise Strange
    return value


def _known(known: tuple[str, ...]) -> Any:
    def check(value: object) -> object:
        if value not in known:
            raise Strange
        return value

    return BeforeValidator(check)


def _size(value: int) -> int:
    if value < 1 and value != -1:
        raise Strange
    return value


Name = Annotated[StrictStr, AfterValidator(_nonempty)]
Object = dict[StrictStr, Any]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)


class Step(_Part):
    """A transform or writer. 4.0 takes short names and class paths alike; `args` may be left out (as in the `inference`
    of NVIDIA's deepgrow configs)."""

    name: Name = Field(description='write the name of a class, such as "monai.transforms.LoadImaged"')
    args: Object | None = Field(None, description='write an object of its arguments, such as {"keys": "image"}')


Steps = list[Step]
_STEPS = 'write a list of transforms, each as {"name": "monai.transforms.LoadImaged", "args": {"keys": "image"}}'


class Head(_Part):
    """What all generations have in common."""

    type: Annotated[str, _known(TYPES)] = Field(description=f"write one of {', '.join(TYPES)}")
    labels: list[StrictStr] = Field(description='write a list of names, such as ["spleen"], or [] for none')
    description: StrictStr | None = Field(None, description="write a text")
    pre_transforms: Steps | None = Field(None, description=_STEPS)
    post_transforms: Steps | None = Field(None, description=_STEPS)
    writer: Step | None = Field(
        None,
        description='write one writer, such as {"name": "aiaa.transforms.Writer", "args": {"image": "pred"}}',
    )


class Inference4(_Part):
    """`input` and `output` have defaults, and the engines' sections are looked at one by one."""

    meta_data: Object | None = Field(None, description='write an object, such as {"deepgrow": "3D"}')


class Config4(Head):
    version: Annotated[Any, BeforeValidator(_version)] = Field(
        description='write the model\'s version, a whole number such as 1, or a text such as "1.2"'
    )
    inference: Inference4 = Field(description="write an object with a section for the server's engine")


class Tensor(_Part):
    name: Name = Field(description='write the tensor\'s name, such as "INPUT__0" or "OUTPUT__0"')
    data_type: Annotated[str, _known(_DATA_TYPES)] = Field(description='write one of Triton\'s, such as "TYPE_FP32"')
    dims: Annotated[list[Annotated[StrictInt, AfterValidator(_size)]], Field(min_length=1)] = Field(
        description="write its shape without the batch: whole numbers above 0, or -1 where any size will do"
    )


class TritonModelConfig(_Part):
    platform: Name | None = Field(None, description='write "pytorch_libtorch"')
    backend: Name | None = Field(None, description='write "pytorch", or leave it out')
    max_batch_size: Annotated[StrictInt, Field(ge=0)] | None = Field(None, description="write 0 or more, such as 1")
    input: Annotated[list[Tensor], Field(min_length=1)] = Field(description="write a list of at least one tensor")
    output: Annotated[list[Tensor], Field(min_length=1)] = Field(description="write a list of at least one tensor")


class Section(_Part):
    """`inference.TRITON` or `inference.AIAA`; the latter has no `triton_model_config`."""

    name: Name = Field(description='write the class that infers, such as "aiaa.inference.TritonInference"')
    args: Object | None = Field(None, description='write an object of its arguments, such as {"roi": [96, 96, 96]}')
    triton_model_config: TritonModelConfig | None = Field(None, description="write Triton's configuration as an object")


class Inference3(_Part):
    """All of it has defaults, or is only there in one of the versions 2 and 3."""

    image: Name | None = Field(None, description='write the field of the image, such as "image"')
    image_format: Name | None = Field(None, description='write the order of its axes, such as "CDHW"')
    name: Name | None = Field(None, description="write TRTISInference, TFInference or a class path")
    args: Object | None = Field(None, description='write an object of its arguments, such as {"roi": [96, 96, 96]}')
    node_mapping: Object | None = Field(
        None, description='write an object, such as {"NV_MODEL_INPUT": "image", "NV_MODEL_OUTPUT": "model"}'
    )
    additional_info: Object | None = Field(None, description="write an object")
    trtis: Object | None = Field(None, description="write Triton's settings as an object")
    tf: Object | None = Field(None, description="write TensorFlow's settings as an object")


class Config3(Head):
    version: Annotated[Any, BeforeValidator(_two_or_three)] = Field(
        description="write 3 or 2, the version of AIAA's format"
    )
    inference: Inference3 = Field(description='write an object, such as {"name": "TRTISInference", "trtis": {...}}')
