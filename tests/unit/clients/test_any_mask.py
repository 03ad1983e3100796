"""No mask of a server, however odd, ends in anything but a verdict."""

from __future__ import annotations

import gzip
from typing import Any

import nibabel
import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.aiaa import InferenceResult
from clients.smoke_test import NoAnswer, judge
from model_files.config import Declared

IMAGE = Declared()
SHAPE = IMAGE.shape

SOUND = bytes(nibabel.Nifti1Image(numpy.zeros(SHAPE, numpy.uint8), numpy.eye(4)).to_bytes())  # type: ignore[no-untyped-call]
HEADER = 352  # bytes, with what may follow it


@st.composite
def masks(draw: st.DrawFn) -> bytes:
    """A sound mask with some bytes of its header overwritten, cut short or packed."""
    mask = bytearray(SOUND)
    for _ in range(draw(st.integers(0, 3))):
        at, patch = draw(st.integers(0, HEADER)), draw(st.binary(max_size=8))
        mask[at : at + len(patch)] = patch
    whole = bytes(mask[: draw(st.none() | st.integers(0, 500))])
    packed = gzip.compress(whole, 1)
    return draw(
        st.sampled_from([whole, packed, packed[:-9], packed + b"\0", packed + packed, gzip.compress(packed, 1)])
    )


RESULTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=60), inner, max_size=12),
    max_leaves=15,
)


@pytest.mark.soak
@given(params=st.dictionaries(st.text(max_size=60), RESULTS, min_size=1, max_size=12))
def test_any_results_end_in_one_short_line(params: dict[str, Any]) -> None:
    told = judge(InferenceResult(params, None), IMAGE)
    assert told.startswith("results: ")
    assert told.isprintable()
    assert len(told) <= 303


@pytest.mark.soak
@given(mask=masks() | st.binary(max_size=500))
def test_any_mask_ends_in_a_verdict(mask: bytes) -> None:
    try:
        told = judge(InferenceResult({}, mask), IMAGE)
    except NoAnswer as error:
        told = error.line
    assert told.isprintable()
    assert len(told) < 2000


def test_a_mask_that_claims_to_be_huge_takes_no_memory() -> None:
    header = bytearray(SOUND)
    header[40:56] = numpy.array([7, *SHAPE, 32767, 32767, 32767, 32767][:8], "<i2").tobytes()
    with pytest.raises(NoAnswer, match="cannot be read as NIfTI: it has"):
        judge(InferenceResult({}, bytes(header)), IMAGE)


def test_a_small_file_that_unpacks_to_a_huge_one_is_not_unpacked() -> None:
    with pytest.raises(NoAnswer, match="unpacks to more than 256 MB"):
        judge(InferenceResult({}, gzip.compress(bytes(300 << 20), 1)), IMAGE)


def test_a_mask_of_very_many_channels_is_not_read() -> None:
    many = nibabel.Nifti1Image(numpy.zeros((*SHAPE, 65), numpy.uint8), numpy.eye(4))  # type: ignore[no-untyped-call]
    with pytest.raises(NoAnswer, match="has more than 64 channels"):
        judge(InferenceResult({}, bytes(many.to_bytes())), IMAGE)


def test_a_mask_in_which_every_voxel_is_another_takes_little_memory_to_tell() -> None:
    values = numpy.arange(1, 1 + 64**3, dtype=numpy.float32).reshape(SHAPE)
    image = nibabel.Nifti1Image(values, numpy.eye(4))  # type: ignore[no-untyped-call]
    told = judge(InferenceResult({}, bytes(image.to_bytes())), IMAGE)
    assert told.endswith("262144 of them with more than 1000 different values")


def test_a_mask_whose_voxels_begin_nowhere_cannot_be_read() -> None:
    header = bytearray(SOUND)
    header[108:112] = numpy.array([3e38], "<f4").tobytes()  # vox_offset
    with pytest.raises(NoAnswer, match="cannot be read as NIfTI"):
        judge(InferenceResult({}, bytes(header)), IMAGE)
