"""`Workspace`: the folder that AIAA and Triton share, made before either of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from components import labels

# AIAA's container begins as root and continues as a user without rights, hence 0777, as the guide has it. Docker would
# make a missing triton_models root-owned. The marker's random content tells a new workspace from an old one.
_PREPARE = """
set -eu
mkdir -p /workspace/triton_models
chmod 0777 /workspace /workspace/triton_models
marker=/workspace/.generation
if [ ! -s "$marker" ]; then
  cat /proc/sys/kernel/random/uuid > "$marker.new"
  mv "$marker.new" "$marker"
fi
cat "$marker"
"""


@dataclass(frozen=True)
class WorkspaceArgs:
    """
    Attributes:
        location: a folder of the engine's host, the name of a volume that is the user's own, or None for a volume that
            lives and dies with the stack.
        image: any image with a shell that the engine has or gets anyway; it prepares the folder.
    """

    location: str | None
    image: pulumi.Input[str]


class Workspace(pulumi.ComponentResource):
    """A folder, or two volumes (an engine before 26 cannot mount a part of one), prepared by a one-shot container.

    The container works over SSH too, and stays (exited): as long as it is there, so is what it prepared.

    Attributes:
        aiaa_mounts, triton_mounts: what each container mounts.
        generation: a text that is another one when the workspace is a new one.
        volume: the stack's own volume, whose deletion takes the models with it; None if what is there stays.
    """

    aiaa_mounts: list[docker.ContainerVolumeArgs]
    triton_mounts: list[docker.ContainerVolumeArgs]
    generation: pulumi.Output[str]
    volume: docker.Volume | None
    prepare: docker.Container

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
        self.prepare = docker.Container(
            f"{server}-prepare-workspace",
            name=f"{labels.prefix(server)}-prepare-workspace",
            image=args.image,
            entrypoints=["sh", "-c", _PREPARE],
            user="0:0",
            network_mode="none",
            volumes=self.aiaa_mounts,
            attach=True,
            logs=True,
            must_run=False,
            labels=labels.for_container(),
            # A newer image would prepare the same folder in the same way.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["image"]),
        )
        self.generation = pulumi.Output.all(self.prepare.exit_code, self.prepare.container_logs).apply(
            lambda told: _generation(server, told[0], told[1])
        )
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


def _generation(server: str, exit_code: int | None, logs: str | None) -> str:
    found = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", logs or "")
    if exit_code or not found:
        raise pulumi.RunError(
            f"servers.{server}.workspace: it could not be prepared (exit code {exit_code}): {(logs or '').strip()}"
        )
    return found.group()
