"""`Sandbox`: stand-ins for NVIDIA's images and a hospital's XNAT, for development stacks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_docker as docker

from clients.docker_engine import docker_engine
from clients.errors import ClientError
from components import labels
from components.annotation_server import ServerImages
from components.namesake import namesake_removed
from dynamic_providers.aiaa.host_check import HostCheck
from settings import Sandbox as SandboxSettings
from settings import SandboxXnat

_BASE = "xnat-aiaa-sandbox-base:current"  # `make image` makes it
_CONTEXT = "sandbox"
_XNAT_PORT = 8080
_XNAT_BIND = "127.0.0.1"
_DATA = "/data/xnat"


@dataclass(frozen=True)
class SandboxArgs:
    sandbox: SandboxSettings


class Sandbox(pulumi.ComponentResource):
    """One image that holds both stand-ins and a real Triton, and XNAT's stand-in if it is wanted.

    Attributes:
        images: of a server made of stand-ins. The name of what runs changes with its content; what prepares a
            workspace need not change with it.
        xnat: the container of XNAT's stand-in. xnat_login: its published account, for people.
    """

    images: ServerImages
    xnat: docker.Container | None
    xnat_login = SandboxXnat.demo_login

    def __init__(self, args: SandboxArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("xnat-aiaa:index:Sandbox", "sandbox", None, opts)
        made_from = hashlib.sha256((_base_id() + _digest(Path(_CONTEXT))).encode()).hexdigest()
        image = docker.RemoteImage(
            "sandbox-image",
            name=f"{labels.prefix('sandbox')}:{made_from[:12]}",
            build=docker.RemoteImageBuildArgs(context=_CONTEXT, build_args={"BASE": _BASE}, remove=True),
            opts=pulumi.ResourceOptions(parent=self),
        ).name
        self.images = ServerImages(aiaa=image, triton=image, workspace=_BASE)
        self.xnat = self._xnat(args.sandbox.xnat, image) if args.sandbox.xnat else None
        self.register_outputs({"image": image})

    def _xnat(self, xnat: SandboxXnat, image: pulumi.Input[str]) -> docker.Container:
        """Its lists outlive its container, as a hospital's do: nothing would write them again after a restart."""
        name = f"{labels.prefix('sandbox')}-xnat"
        data = docker.Volume(
            "sandbox-xnat",
            name=name,
            labels=labels.for_volume(),
            opts=pulumi.ResourceOptions(parent=self),
        )
        checked = HostCheck(
            "sandbox",
            key="sandbox.xnat",
            docker_host=None,
            bind=_XNAT_BIND,
            port=xnat.port,
            holder=name,
            labels=labels.of_stack(),
            opts=pulumi.ResourceOptions(parent=self),
        )
        projects = [word for project in xnat.projects for word in ("--project", project)]
        return docker.Container(
            "sandbox-xnat",
            name=name,
            image=image,
            command=["start_xnat.sh", "--host", "0.0.0.0", "--port", str(_XNAT_PORT), "--data", _DATA, *projects],  # noqa: S104
            ports=[docker.ContainerPortArgs(internal=_XNAT_PORT, external=xnat.port, ip=_XNAT_BIND)],
            volumes=[docker.ContainerVolumeArgs(container_path=_DATA, volume_name=data.name)],
            restart="unless-stopped",
            network_mode="bridge",
            labels=labels.for_container(),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[checked], hooks=namesake_removed(None)),
        )


def _base_id() -> str:
    try:
        return docker.get_remote_image(name=_BASE).id
    except Exception as error:  # noqa: BLE001 - an invoke raises nothing more special
        said = " ".join(str(error).split()).rpartition(" occurred: * ")[2]
        if "_ping" in said and (reason := _no_engine()):
            raise pulumi.RunError(f"sandbox: {reason} (`make up` starts the project's own engine)") from None
        raise pulumi.RunError(
            f"sandbox: needs the image {_BASE} on the Docker engine: run `make up`, or `make image` for that alone. "
            f"The engine's plugin said: {said}"
        ) from None


def _no_engine() -> str:
    """Why the default engine does not answer; the plugin does not say. "" if it answers."""
    try:
        with docker_engine(None) as engine:
            engine.ping()
    except ClientError as error:
        return error.line
    return ""


def _digest(folder: Path) -> str:
    """Of the names and contents of all files that go into the image."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
