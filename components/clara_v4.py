"""`ClaraV4`: AIAA of Clara Train 4.0 with its Triton, as the guide's docker-compose.yml runs them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from clients.gpus import request
from components import labels
from components.namesake import namesake_removed, network_namesake_removed
from components.workspace import Workspace
from settings import Healthcheck, Server

# The docker plugin accepts changes of these and applies none of them in place
# (https://github.com/kreuzwerker/terraform-provider-docker/issues/988).
_REPLACE_ON = ["healthcheck", "tmpfs", "init"]

AIAA_PORT = 5000
TRITON_ALIAS = "tritonserver"  # the name by which AIAA finds Triton on their network


@dataclass(frozen=True)
class ClaraV4Args:
    """
    Attributes:
        server: what the stack file says of it.
        aiaa_image, triton_image: image names.
        workspace: prepared, and so a reason to wait.
    """

    server: Server
    aiaa_image: pulumi.Input[str]
    triton_image: pulumi.Input[str]
    workspace: Workspace


class ClaraV4(pulumi.ComponentResource):
    """A network `aiaa`, Triton on it under the name `tritonserver`, and AIAA, which is started after Triton.

    Attributes:
        containers: Docker's ids by role, `aiaa` and `tritonserver`.
    """

    network: docker.Network
    triton: docker.Container
    aiaa: docker.Container
    containers: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: ClaraV4Args, opts: pulumi.ResourceOptions) -> None:
        super().__init__("xnat-aiaa:index:ClaraV4", name, None, opts)
        server, workspace = args.server, args.workspace
        self.network = docker.Network(
            f"{name}-aiaa",
            name=f"{labels.prefix(name)}-aiaa",
            labels=labels.for_network(),
            opts=pulumi.ResourceOptions(parent=self, hooks=network_namesake_removed(server.docker_host)),
        )
        self.triton = self._container(
            "tritonserver",
            server,
            name,
            image=args.triton_image,
            command=triton_command(server),
            volumes=workspace.triton_mounts,
            gpus=server.gpus,
            restart=server.restart.triton,
            workspace=workspace,
        )
        self.aiaa = self._container(
            "aiaa",
            server,
            name,
            image=args.aiaa_image,
            command=aiaa_command(server),
            volumes=workspace.aiaa_mounts,
            ports=[docker.ContainerPortArgs(internal=AIAA_PORT, external=server.port, ip=server.bind)],
            restart=server.restart.aiaa,
            workspace=workspace,
            after=[self.triton],
            healthcheck=healthcheck(server.healthcheck),
        )
        self.containers = {"aiaa": self.aiaa.id, "tritonserver": self.triton.id}
        self.register_outputs({"containers": self.containers})

    def _container(
        self,
        role: str,
        server: Server,
        name: str,
        *,
        image: pulumi.Input[str],
        command: str,
        volumes: Sequence[docker.ContainerVolumeArgs],
        restart: str,
        workspace: Workspace,
        after: Sequence[pulumi.Resource] = (),
        healthcheck: docker.ContainerHealthcheckArgs | None = None,
        ports: Sequence[docker.ContainerPortArgs] = (),
        gpus: tuple[str, ...] = (),
    ) -> docker.Container:
        """One of the guide's two containers, with what they have alike."""
        limits = {"memlock": server.ulimits.memlock, "stack": server.ulimits.stack}
        return docker.Container(
            f"{name}-{role}",
            name=container_names(name)[role],
            image=image,
            command=["sh", "-c", command],
            volumes=volumes,
            ports=ports,
            # Without this, the plugin sees a difference at each preview (pulumi/pulumi-docker issue 1272).
            network_mode="bridge",
            networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=self.network.name, aliases=[role])],
            device_requests=device_requests(gpus),
            shm_size=server.shm_size,
            ulimits=[
                docker.ContainerUlimitArgs(name=limit, soft=value, hard=value)
                for limit, value in limits.items()
                if value is not None
            ],
            restart=restart,
            healthcheck=healthcheck,
            log_driver="json-file",
            log_opts={"max-size": server.log.max_size, "max-file": str(server.log.max_file)},
            labels=labels.for_container(workspace.generation),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[workspace, *after],
                replace_on_changes=_REPLACE_ON,
                # Without this, a container would keep a removed network of the same name, and never start.
                replacement_trigger=self.network.id,
                hooks=namesake_removed(server.docker_host),
            ),
        )


def container_names(server: str) -> dict[str, str]:
    """By role."""
    return {role: f"{labels.prefix(server)}-{role}" for role in ("aiaa", "tritonserver")}


def healthcheck(wanted: Healthcheck) -> docker.ContainerHealthcheckArgs:
    """AIAA's list of models, read inside its container, whose image has no curl; so a hung AIAA is `unhealthy`.

    `/` and `/logs` answer while it hangs. Proxies that the environment names are for what is outside.
    """
    code = (
        "import json, urllib.request as r; "
        f"answer = r.build_opener(r.ProxyHandler({{}})).open('http://127.0.0.1:{AIAA_PORT}/v1/models'); "
        "assert isinstance(json.load(answer), list)"
    )
    return docker.ContainerHealthcheckArgs(
        tests=["CMD", "python3", "-c", code],
        interval=_duration(wanted.interval),
        timeout=_duration(wanted.timeout),
        retries=wanted.retries,
        start_period=_duration(wanted.start_period),
    )


def _duration(seconds: int) -> str:
    """As Go writes it, `10m0s`: the docker plugin reads it back so, and takes any other form for a difference."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{f'{hours}h' if hours else ''}{f'{minutes}m' if hours or minutes else ''}{seconds}s"


def aiaa_command(server: Server) -> str:
    """The guide's command line of AIAA."""
    options: dict[str, str | int] = {
        "--workspace": "/workspace",
        "--engine": "TRITON",
        "--triton_ip": TRITON_ALIAS,
        "--triton_proto": server.triton.proto,
        "--triton_start_timeout": server.triton.start_timeout,
        "--triton_model_timeout": server.triton.model_timeout,
        "--triton_verbose": server.triton.verbose,
    }
    if server.admin_hosts != "*":
        options["--admin_hosts"] = server.admin_hosts
    words = [*shlex.split(server.start_command), *(str(word) for option in options.items() for word in option)]
    return f"chmod 777 /workspace && {shlex.join(words)}"


def triton_command(server: Server) -> str:
    """The guide's command line of Triton."""
    words = [
        "/opt/tritonserver/bin/tritonserver",
        *("--model-store", "/triton_models"),
        "--model-control-mode=poll",
        "--repository-poll-secs=5",
        *("--log-verbose", str(server.triton.verbose)),
    ]
    return f"chmod 777 /triton_models && {shlex.join(words)}"


def device_requests(gpus: tuple[str, ...]) -> list[docker.ContainerDeviceRequestArgs]:
    """Docker's request for GPUs. The driver is always named: the plugin's default is CDI."""
    wanted = request(gpus)
    if wanted is None:
        return []
    return [
        docker.ContainerDeviceRequestArgs(
            driver=wanted.driver,
            capabilities=list(wanted.capabilities) or None,
            count=wanted.count or None,
            device_ids=list(wanted.device_ids) or None,
        )
    ]
