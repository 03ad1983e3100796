"""Which GPUs and which driver each release of NVIDIA's Triton container needs.

Source: the section "Driver Requirements" and "GPU Requirements" of each release's notes, from
https://docs.nvidia.com/deeplearning/triton-inference-server/release-notes/rel_21-02.html to rel-26-08.html. They name
architectures; the compute capabilities of these are in https://developer.nvidia.com/cuda-gpus. Ampere's newest is 8.6
here: Ada's 8.9 came with CUDA 11.8, as Hopper did. Releases that are not in the table are not known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PASCAL, _TURING = 6.0, 7.5
_AMPERE, _HOPPER, _BLACKWELL = 8.6, 9.0, 12.1
_ARCHITECTURES = {_PASCAL: "Pascal", _TURING: "Turing", _AMPERE: "Ampere", _HOPPER: "Hopper", _BLACKWELL: "Blackwell"}


@dataclass(frozen=True)
class Needs:
    """
    Attributes:
        release: as 21.02.
        oldest, newest: compute capabilities.
        driver: its least version, as 460.27; None if the notes give none.
        data_centre_driver: the same for data centre GPUs, for which older driver branches are enough.
    """

    release: str
    oldest: float
    newest: float
    driver: tuple[int, ...] | None
    data_centre_driver: tuple[int, ...] | None

    @property
    def oldest_name(self) -> str:
        return f"{self.oldest} ({_ARCHITECTURES[self.oldest]})"

    @property
    def newest_name(self) -> str:
        return f"{self.newest} ({_ARCHITECTURES[self.newest]})"


_Row = tuple[str, str, float, float, tuple[int, ...] | None, tuple[int, ...] | None]
_TABLE: tuple[_Row, ...] = (
    # first and last release, compute capabilities, driver, driver of data centre GPUs
    ("20.07", "20.09", _PASCAL, _AMPERE, (450,), (418,)),
    ("20.11", "20.12", _PASCAL, _AMPERE, (455,), (418,)),
    ("21.02", "21.02", _PASCAL, _AMPERE, (460, 27), (418, 40)),
    ("21.03", "21.03", _PASCAL, _AMPERE, (460, 32), (418, 40)),
    ("21.04", "21.06", _PASCAL, _AMPERE, (465, 19), (418, 40)),
    ("21.07", "21.10", _PASCAL, _AMPERE, (470,), (418, 40)),
    ("21.11", "21.12", _PASCAL, _AMPERE, (495,), (418, 40)),
    ("22.01", "22.04", _PASCAL, _AMPERE, (510,), (418, 40)),
    ("22.05", "22.08", _PASCAL, _AMPERE, (515,), (450, 51)),
    ("22.09", "22.12", _PASCAL, _HOPPER, (520,), (450, 51)),
    ("23.04", "23.07", _PASCAL, _HOPPER, (530,), (450, 51)),
    ("23.08", "23.10", _PASCAL, _HOPPER, (535,), (450, 51)),
    ("23.11", "23.12", _PASCAL, _HOPPER, (545,), (450, 51)),
    ("24.01", "24.06", _PASCAL, _HOPPER, (545,), (470, 57)),
    ("24.08", "24.12", _PASCAL, _HOPPER, (560,), (470, 57)),
    ("25.01", "25.03", _TURING, _BLACKWELL, (560,), (470, 57)),
    ("25.04", "26.02", _TURING, _BLACKWELL, (575,), (470, 57)),
    ("26.03", "26.08", _TURING, _BLACKWELL, None, None),
)


def needs_of(image: str) -> Needs | None:
    """What an image's release needs; None if its name has no release, or a release that is not known here.

    Args:
        image: as `nvcr.io/nvidia/tritonserver:21.02-py3`, in any registry. Only an image that is called
            `tritonserver` is taken for NVIDIA's: the tag of another image may mean anything.
    """
    found = re.fullmatch(
        r"(?:.*/)?tritonserver:(\d\d\.(?:0[1-9]|1[0-2]))(?:[.-].*)?", image.partition("@")[0], re.ASCII
    )
    if not found:
        return None
    release = found[1]
    for first, last, oldest, newest, driver, data_centre in _TABLE:
        if first <= release <= last:  # as texts: both have two digits, a dot and two digits
            return Needs(release, oldest, newest, driver, data_centre)
    return None
