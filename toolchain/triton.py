"""NVIDIA's Triton for CPUs with its Python backend, out of a wheel, as NVIDIA's images have it in /opt/tritonserver."""

from __future__ import annotations

from pathlib import Path

from toolchain import wheels
from toolchain.versions import DEBIAN, TRITON

_SERVER = "pytriton/tritonserver"

# (folder in the wheel, folder of /opt/tritonserver). Without a --backend-directory Triton looks for backends beside its
# own folder. Its libraries are in `lib`, the first place where the program looks for them (its RPATH).
PARTS = (
    (f"{_SERVER}/bin/", "bin"),
    (f"{_SERVER}/backends/python/", "backends/python"),
    (f"{_SERVER}/python_backend_stubs/{DEBIAN.python}/", "backends/python"),
    ("nvidia_pytriton.libs/", "lib"),
)


def unpack(folder: Path) -> None:
    """Fill `folder` as /opt/tritonserver.

    Raises:
        SetUpError: the wheel cannot be had.
    """
    wheel = wheels.fetch(TRITON, python=DEBIAN.python)
    for prefix, part in PARTS:
        wheels.unpack(wheel, folder / part, prefix)
    for other_python in (folder / "lib").glob("libpython3*"):
        other_python.unlink()  # 32 MB, for a stub that is not here
