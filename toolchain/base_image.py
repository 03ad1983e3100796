"""The sandbox's base image: Debian with PyTorch, Triton, and the stand-ins' Python libraries.

What changes with the code of the sandbox is not in it: the Pulumi program builds that on top (sandbox/Dockerfile).
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from docker.errors import BuildError, DockerException

from toolchain import console, disk, engine, layout, root_filesystem, stamps, triton
from toolchain.errors import SetUpError
from toolchain.versions import DEBIAN, TRITON

NAME = "xnat-aiaa-sandbox-base:current"
_LABEL = "xnat-aiaa.inputs"
_STUB = "tritonserver/backends/python/triton_python_backend_stub"
_SIZE = 1.5  # GB while it is made, without Debian
_LOCK = layout.PROJECT / "sandbox" / "requirements.lock"
_PLATFORMS = ("manylinux_2_36_x86_64", "manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")

# `nvidia` is the user of NVIDIA's own images: without rights, so that a workspace made wrongly fails here too.
# Triton sets the mode of the Python backend's program whenever it starts one, which takes its owner or root; and that
# program, a process of its own, finds Triton's libraries only through the loader's cache.
_DOCKERFILE = """\
FROM {debian}
RUN groupadd --gid 1000 nvidia && useradd --uid 1000 --gid nvidia --create-home --shell /bin/bash nvidia
COPY tritonserver /opt/tritonserver
COPY --chown=nvidia:nvidia {stub} /opt/{stub}
RUN echo /opt/tritonserver/lib >/etc/ld.so.conf.d/tritonserver.conf && ldconfig
COPY lib /opt/sandbox/lib
LABEL {label}={digest}
"""


def ensure(host: str) -> None:
    """Make the image in the engine at `host`, unless it is there and nothing that goes into it has changed.

    Raises:
        SetUpError: something that it is made of cannot be had.
    """
    made_from = _digest()
    client = engine.client(host)
    if any(image.labels.get(_LABEL) == made_from for image in client.images.list(NAME)):
        console.say(f"Image {NAME} is there")
        return
    debian = root_filesystem.ensure(host)
    disk.need(_SIZE, "The sandbox's base image", layout.DOCKER)
    layout.DOCKER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=layout.DOCKER, prefix="image-") as context:
        folder = Path(context)
        triton.unpack(folder / "tritonserver")
        _libraries(folder / "lib")
        (folder / "Dockerfile").write_text(
            _DOCKERFILE.format(debian=debian, stub=_STUB, label=_LABEL, digest=made_from)
        )
        with console.working(f"Building image {NAME} (20 s)"):
            try:
                client.images.build(path=context, tag=NAME, rm=True, forcerm=True)
            except (BuildError, DockerException) as error:
                raise SetUpError(f"{NAME} cannot be built: {str(error).splitlines()[0]}") from None
    client.images.prune({"dangling": True, "label": _LABEL})  # its predecessor


def _digest() -> str:
    parts = [repr(part) for part in (DEBIAN, root_filesystem.UNWANTED, TRITON, triton.PARTS, _PLATFORMS)]
    return stamps.digest([*parts, _DOCKERFILE], [_LOCK])


def _libraries(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    command += ["--python-version", DEBIAN.python, "--implementation", "cp"]
    command += [word for platform in _PLATFORMS for word in ("--platform", platform)]
    command += ["--no-compile", "--target", str(folder), "--requirement", str(_LOCK)]
    console.run(command, "Fetching the stand-ins' Python libraries")
