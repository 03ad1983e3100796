"""`Workspace`: the folder that AIAA and Triton share, made before either of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from components import labels
from components.namesake import namesake_removed
from dynamic_providers.aiaa.workspace import MARKER
from dynamic_providers.aiaa.workspace import Workspace as Prepared

# AIAA's container begins as root and continues as a user without rights, hence 0777, as the guide has it. Docker would
# make a missing triton_models root-owned. The marker's random content tells a new workspace from an old one.
_PREPARE = f"""
set -eu
mkdir -p /workspace/triton_models
chmod 0777 /workspace /workspace/triton_models
marker={MARKER}
if [ ! -s "$marker" ]; then
  cat /proc/sys/kernel/random/uuid > "$marker.new"
  mv "$marker.new" "$marker"
fi
"""


@dataclass(frozen=True)
class WorkspaceArgs:
    """
    Attributes:
        location: a folder of the engine's host, the name of a volume that is the user's own, or None for a volume that
            lives and dies with the stack.
        image: any image with a shell that the engine has or gets anyway; it prepares the folder.
        used_by: names of the containers that will mount it as AIAA does.
        docker_host: the engine; None is the default one.
    """

    location: str | None
    image: pulumi.Input[str]
    used_by: Sequence[str]
    docker_host: str | None


class Workspace(pulumi.ComponentResource):
    """A folder, or two volumes (an engine before 26 cannot mount a part of one), prepared by a one-shot container.

    The container works over SSH too, and stays (exited): through it the workspace is looked at later.

    Attributes:
        aiaa_mounts, triton_mounts: what each container mounts.
        prepared: depend on it to come after that.
        generation: a text that is another one when the workspace is a new one.
        volume: the stack's own volume, whose deletion takes the models with it; None if what is there stays.
    """

    aiaa_mounts: list[docker.ContainerVolumeArgs]
    triton_mounts: list[docker.ContainerVolumeArgs]
    prepared: Prepared
    generation: pulumi.Output[str]
    volume: docker.Volume | None

    def __init__(self, server: str, args: WorkspaceArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("xnat-aiaa:index:Workspace", server, None, opts)
        self.volume = None
        if args.location and args.location.startswith("/"):
            self.aiaa_mounts = [_mount("/workspace", folder=args.location)]
            self.triton_mounts = [_mount("/triton_models", folder=f"{args.location}/triton_models")]
        else:
            root, models = self._volumes(server, args.location)
            self.aiaa_mounts = [
                _mount("/workspace", volume=root),
                _mount("/workspace/triton_models", volume=models),
            ]
            self.triton_mounts = [_mount("/triton_models", volume=models)]
        name = f"{labels.prefix(server)}-prepare-workspace"
        container = docker.Container(
            f"{server}-prepare-workspace",
            name=name,
            image=args.image,
            entrypoints=["sh", "-c", _PREPARE],
            user="0:0",
            network_mode="none",
            volumes=self.aiaa_mounts,
            must_run=False,
            labels=labels.for_container(),
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["image"],  # a newer image would prepare the same folder in the same way
                hooks=namesake_removed(args.docker_host),
            ),
        )
        self.prepared = Prepared(
            server,
            location=args.location,
            prepared_by=name,
            used_by=args.used_by,
            docker_host=args.docker_host,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[container]),
        )
        self.generation = self.prepared.generation
        self.register_outputs({"generation": self.generation})

    def _volumes(self, server: str, name: str | None) -> tuple[pulumi.Input[str], pulumi.Input[str]]:
        """A volume that the user named is the user's: Docker makes it if need be, and no destroy removes it."""
        if name:
            return name, f"{name}-triton-models"
        made = [
            docker.Volume(
                f"{server}-{part}",
                name=f"{labels.prefix(server)}-{part}",
                labels=labels.for_volume(),
                opts=pulumi.ResourceOptions(parent=self),
            )
            for part in ("workspace", "triton-models")
        ]
        self.volume = made[0]
        return made[0].name, made[1].name


def _mount(
    container_path: str, *, folder: str | None = None, volume: pulumi.Input[str] | None = None
) -> docker.ContainerVolumeArgs:
    return docker.ContainerVolumeArgs(container_path=container_path, host_path=folder, volume_name=volume)
