"""`AnnotationServer`: one AIAA endpoint, whatever runs it, and the wait until it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_docker as docker

from components import images, labels
from components.clara_v4 import ClaraV4, ClaraV4Args, container_names
from components.workspace import Workspace, WorkspaceArgs
from dynamic_providers.aiaa.endpoint import Endpoint
from dynamic_providers.aiaa.host_check import HostCheck
from engines import provider
from settings import Registry, Server


@dataclass(frozen=True)
class ServerImages:
    """Image names; `workspace` is any image with a shell, which prepares the folder.

    Attributes:
        pulled: images from registries, by the role of their container; none if the stack builds them.
    """

    aiaa: pulumi.Input[str]
    triton: pulumi.Input[str]
    workspace: pulumi.Input[str]
    pulled: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, server: Server) -> ServerImages:
        aiaa, triton = server.aiaa_image, server.images.triton
        return cls(aiaa=aiaa, triton=triton, workspace=aiaa, pulled={"aiaa": aiaa, "tritonserver": triton})


@dataclass(frozen=True)
class AnnotationServerArgs:
    """
    Attributes:
        server: what the stack file says of it.
        images: None for a server that somebody else runs.
        registries: log-ins for the images, by the registry's host.
    """

    server: Server
    images: ServerImages | None
    registries: Mapping[str, Registry] = field(default_factory=dict)


class AnnotationServer(pulumi.ComponentResource):
    """A server that answers.

    Attributes:
        url: as this machine reaches it. browser_url: as a clinician's browser does.
        endpoint: depend on it to come after the server's first answer.
        generation: of the workspace; "" if it is somebody else's, too.
        volume: the volume that takes the server's models with it when it is deleted; None if they stay.
    """

    url: str
    browser_url: str
    endpoint: Endpoint
    containers: dict[str, pulumi.Output[str]]
    generation: pulumi.Output[str]
    volume: docker.Volume | None

    def __init__(self, name: str, args: AnnotationServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("xnat-aiaa:index:AnnotationServer", name, None, opts)
        server = args.server
        self.url, self.browser_url = server.deployer_url, server.viewer_url
        self.containers, self.generation, self.volume = {}, pulumi.Output.from_input(""), None
        if args.images:
            self._run(name, server, args.images, args.registries)
        self.endpoint = Endpoint(
            name,
            url=self.url,
            containers=self.containers,
            logs_of=container_names(name) if args.images else {},
            docker_host=server.docker_host,
            timeout=server.ready_timeout,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"url": self.url, "browser_url": self.browser_url})

    def _run(self, name: str, server: Server, made_of: ServerImages, registries: Mapping[str, Registry]) -> None:
        checked = HostCheck(
            name,
            key=f"servers.{name}",
            docker_host=server.docker_host,
            bind=server.bind,
            port=server.port,
            gpus=server.gpus,
            holder=f"{labels.prefix(name)}-aiaa",
            labels=labels.of_stack(),
            opts=pulumi.ResourceOptions(parent=self),
        )
        after_check = pulumi.ResourceOptions(parent=self, depends_on=[checked])
        # Before anything is replaced: a server must not be down while its new image is pulled.
        there = images.on_engine(name, server, made_of.pulled, registries, after_check)
        child = pulumi.ResourceOptions(parent=self, depends_on=[checked, *there])
        if server.docker_host:
            # Another engine has other containers: what is on the old one goes with its provider.
            moving = pulumi.ResourceOptions(replace_on_changes=["host"], delete_before_replace=True)
            moving = pulumi.ResourceOptions.merge(child, moving)
            engine = docker.Provider(f"{name}-engine", **provider.inputs(server.docker_host), opts=moving)
            child = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(providers={"docker": engine}))
        names = container_names(name)
        workspace = Workspace(
            name, WorkspaceArgs(server.workspace, made_of.workspace, [names["aiaa"]], server.docker_host), child
        )
        clara = ClaraV4(name, ClaraV4Args(server, made_of.aiaa, made_of.triton, workspace), child)
        self.containers = clara.containers
        self.generation, self.volume = workspace.generation, workspace.volume
