"""An image of Debian with Python and PyTorch: from a registry where one answers, else made by debootstrap."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import docker
from docker.errors import APIError, BuildError, DockerException, ImageNotFound
from urllib3.exceptions import HTTPError

from toolchain import apt, console, disk, engine, layout, stamps
from toolchain.errors import SetUpError, Unreachable, reason
from toolchain.versions import DEBIAN

NAME = "xnat-aiaa-sandbox-debian"
_UNREACHABLE = 10  # seconds after which a registry is given up
_SIZE = 3.5  # GB while it is made

# Read by nobody in a container. dpkg's own note of what is a package's stays.
UNWANTED = (
    "./var/cache/apt/*",
    "./var/lib/apt/lists/*",
    "./usr/share/doc/*",
    "./usr/share/man/*",
    "./usr/share/info/*",
    "./usr/share/locale/*",
    "./var/log/*",
    "./dev/*",
    "./proc/*",
    "./sys/*",
)


def ensure(host: str) -> str:
    """The image's name; it is made unless it is there.

    Args:
        host: of the Docker engine.

    Raises:
        SetUpError: neither way works here.
    """
    made_from = stamps.digest([repr(DEBIAN), *UNWANTED])
    tag = f"{NAME}:{made_from[:12]}"
    client = engine.client(host)
    if client.images.list(tag):
        return tag
    disk.need(_SIZE, "An image of Debian with PyTorch", layout.DOCKER)
    try:
        _from_registry(client, host, tag)
    except Unreachable as error:
        console.say(f"  {error}")
        _by_debootstrap(client, tag)
    return tag


def _from_registry(client: docker.DockerClient, host: str, tag: str) -> None:
    if not client.images.list(DEBIAN.image):
        _pull(host)
    with TemporaryDirectory(dir=layout.DOCKER) as context:
        (Path(context) / "Dockerfile").write_text(
            f"FROM {DEBIAN.image}\n"
            f"RUN apt-get update && apt-get install --yes --no-install-recommends {' '.join(DEBIAN.packages)} "
            "&& rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*\n"
        )
        console.say(f"Installing {' '.join(DEBIAN.packages)} in it (2 min) ...")
        try:
            client.images.build(path=context, tag=tag, rm=True, forcerm=True)
        except (BuildError, DockerException) as error:
            raise Unreachable(f"apt in {DEBIAN.image} failed: {str(error).splitlines()[0]}") from None


def _pull(host: str) -> None:
    """The engine has no short time limit for a registry that does not answer: without any progress it is given up."""
    with console.working(f"Fetching {DEBIAN.image} from its registry"):
        try:
            engine.client(host, timeout=_UNREACHABLE).images.pull(DEBIAN.image)
        except (DockerException, OSError, HTTPError) as error:
            said = error.explanation if isinstance(error, APIError) else reason(error)
            raise Unreachable(f"{DEBIAN.image} cannot be fetched from its registry: {said}") from None


def _by_debootstrap(client: docker.DockerClient, tag: str) -> None:
    """
    Raises:
        SetUpError: not root, no apt, or debootstrap failed.
    """
    if os.geteuid() != 0:
        raise SetUpError(
            f"The sandbox's image needs {DEBIAN.image} from a registry, or root, to make the same by debootstrap: "
            f"pull it where that is possible and `docker load` it here, or run `make image` as root"
        )
    if shutil.which("debootstrap") is None:
        apt.install(["debootstrap", "debian-archive-keyring"], "Making an image of Debian")
    root = layout.DOCKER / "debian.partial"
    shutil.rmtree(root, ignore_errors=True)  # of an interrupted run; debootstrap cannot go on with it
    root.mkdir(parents=True)
    include = ",".join(DEBIAN.packages)
    command = ["debootstrap", "--variant=minbase", f"--include={include}", DEBIAN.release, str(root), *_mirror()]
    try:
        console.run(command, "Making an image of Debian with PyTorch by debootstrap (2 min)", env=_environment())
        with console.working("Importing it into the Docker engine (30 s)"):
            _import(client, root, tag)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _import(client: docker.DockerClient, root: Path, tag: str) -> None:
    """Streamed, so that no archive of it lies on the disk."""
    excludes = [f"--exclude={pattern}" for pattern in UNWANTED]
    tar = ["tar", "--create", "--numeric-owner", "--wildcards", *excludes, "--directory", str(root), "."]
    repository, _, version = tag.partition(":")
    with subprocess.Popen(tar, stdout=subprocess.PIPE) as archive:
        assert archive.stdout is not None  # noqa: S101 - it was asked for
        try:
            answer = client.api.import_image_from_stream(archive.stdout, repository=repository, tag=version)
            client.images.get(tag)
        except ImageNotFound:
            raise SetUpError(f"The Docker engine did not take the image of Debian: {answer}") from None


def _mirror() -> list[str]:
    """The machine's own source of packages, if it is a Debian of the same release; else debootstrap's default."""
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(CODENAME) $(COMPONENT) $(REPO_URI)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in done.stdout.splitlines():
        codename, component, site = line.split(maxsplit=2)
        if (codename, component) == (DEBIAN.release, "main"):
            return [site]
    return []


def _environment() -> dict[str, str]:
    """debootstrap fetches with wget: it wants apt's proxy in the environment."""
    done = subprocess.run(
        ["apt-config", "shell", "proxy", "Acquire::http::Proxy"],
        capture_output=True,
        text=True,
        check=False,
    )
    proxy = done.stdout.strip().removeprefix("proxy=").strip("'")
    return {**os.environ, **({"http_proxy": proxy} if proxy else {})}
