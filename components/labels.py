"""Names and labels by which a stack's containers, networks and volumes are known on an engine."""

import pulumi
import pulumi_docker as docker


def prefix(server: str) -> str:
    """What the engine's names of a server's things begin with: an engine may serve several stacks."""
    return f"{pulumi.get_project()}-{pulumi.get_stack()}-{server}"


def of_stack() -> dict[str, str]:
    return {"xnat-aiaa.project": pulumi.get_project(), "xnat-aiaa.stack": pulumi.get_stack()}


def for_container(workspace: pulumi.Input[str] | None = None) -> list[docker.ContainerLabelArgs]:
    """
    Args:
        workspace: the generation of the workspace that the container mounts. Its mount stays with a folder that was
            lost, whatever is made in its place; another label makes another container, with another mount.
    """
    labels: dict[str, pulumi.Input[str]] = {**of_stack()}
    if workspace is not None:
        labels["xnat-aiaa.workspace"] = workspace
    return [docker.ContainerLabelArgs(label=label, value=value) for label, value in labels.items()]


def for_network() -> list[docker.NetworkLabelArgs]:
    return [docker.NetworkLabelArgs(label=label, value=value) for label, value in of_stack().items()]


def for_volume() -> list[docker.VolumeLabelArgs]:
    return [docker.VolumeLabelArgs(label=label, value=value) for label, value in of_stack().items()]
