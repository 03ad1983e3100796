"""`bin/aiaa doctor`: whether a stack could come up from here, and if not, why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import docker

from clients.docker_engine import docker_engine
from clients.errors import ClientError
from operations import stack_file, table
from operations.checks import engine as engines
from operations.checks import gpu, limits, ports, proxies, toolchain
from operations.checks import images as image_checks
from operations.checks.finding import Finding
from operations.errors import CommandFailed
from operations.stack_file import Stack
from settings import NAMESPACE, Server, SettingsError


def examine(stack_name: str | None) -> Iterator[Finding]:
    """Everything, one finding after the other as they are made.

    Args:
        stack_name: as the user gave it; None for the selected one. What cannot be read of it is a finding.
    """
    yield from toolchain.check()
    try:
        stack = stack_file.load(stack_name)
    except CommandFailed as error:
        yield from (Finding("wrong", "stack file", line) for line in str(error).splitlines())
        yield from _engine(None, None)
        return
    yield Finding("ok", "stack file", f"Pulumi.{stack.name}.yaml: {len(stack.settings.servers)} servers")
    yield from _password(stack)
    yield from proxies.check(_urls(stack))
    for docker_host in _engines(stack):
        yield from _engine(stack, docker_host)


def well(findings: Sequence[Finding]) -> bool:
    """Whether the stack could come up, as far as can be told from here."""
    return not any(finding.level == "wrong" for finding in findings)


def show(findings: Sequence[Finding]) -> None:
    table.show(("", "WHAT", "TOLD"), [(finding.level, finding.what, finding.told) for finding in findings])


def as_json(findings: Sequence[Finding]) -> str:
    """A contract for programs: docs/operations.md."""
    return json.dumps({"well": well(findings), "findings": [asdict(finding) for finding in findings]}, indent=2)


def _password(stack: Stack) -> Iterator[Finding]:
    """Without asking XNAT: each refused log-in counts towards a lock of the account."""
    if stack.settings.xnat is None:
        return
    try:
        stack.settings.xnat.read_password()
    except SettingsError as error:
        yield Finding("wrong", "XNAT's password", f"{error}: set it, or name another source")
    else:
        yield Finding("ok", "XNAT's password", "there is one; `bin/aiaa status` tries it")


def _urls(stack: Stack) -> Iterator[str]:
    yield from (server.deployer_url for server in stack.settings.servers.values())
    if stack.settings.xnat_url:
        yield stack.settings.xnat_url


def _engines(stack: Stack) -> list[str | None]:
    """The engines of the stack; the default one, which is None, also if there is only XNAT's stand-in on it."""
    hosts = [server.docker_host for server in _run_here(stack).values()]
    if stack.settings.sandbox or not stack.settings.servers:
        hosts.append(None)
    return list(dict.fromkeys(hosts))


def _run_here(stack: Stack) -> dict[str, Server]:
    """The servers that the stack runs, on whatever engine."""
    return {name: server for name, server in stack.settings.servers.items() if not server.is_external}


def _engine(stack: Stack | None, docker_host: str | None) -> Iterator[Finding]:
    what = f"Docker engine {engines.name(docker_host)}"
    try:
        with docker_engine(docker_host, timeout=60) as engine:
            version = engines.version(engine)
            yield Finding(version.level, what, version.told)
            if stack is not None:
                yield from _needs(stack, docker_host, engine)
    except ClientError as error:
        yield Finding("wrong", what, error.line.removeprefix(f"{what} "))


def _needs(stack: Stack, docker_host: str | None, engine: docker.DockerClient) -> Iterator[Finding]:
    """What the stack asks of this engine."""
    servers = {name: server for name, server in _run_here(stack).items() if server.docker_host == docker_host}
    labels = {f"{NAMESPACE}.project": NAMESPACE, f"{NAMESPACE}.stack": stack.name}
    images = dict.fromkeys(image for server in servers.values() for image in _images(stack, server))
    yield engines.disk(engine, docker_host, list(images))
    yield from image_checks.check(engine, docker_host, images, stack.settings.registries)
    folders = [server.workspace for server in servers.values() if server.workspace and server.workspace[0] == "/"]
    yield from engines.workspaces(folders, docker_host)
    sandbox = stack.settings.sandbox
    if sandbox and sandbox.xnat and docker_host is None:
        own, port = stack.container("sandbox", "xnat"), sandbox.xnat.port
        yield ports.check(engine, docker_host, labels, key="sandbox.xnat", bind="127.0.0.1", port=port, own=own)
    for name, server in servers.items():
        own, key = stack.container(name, "aiaa"), f"servers.{name}"
        yield ports.check(engine, docker_host, labels, key=key, bind=server.bind, port=server.port, own=own)
        yield from limits.check(engine, labels, name, server)
        if server.gpus:
            triton = server.images.triton
            yield from gpu.check(engine, docker_host, labels, name=name, gpus=server.gpus, triton_image=triton)


def _images(stack: Stack, server: Server) -> tuple[str, ...]:
    """None for stand-ins: their image is made of a small one."""
    if stack.settings.sandbox and "images" not in server.model_fields_set:
        return ()
    return server.aiaa_image, server.images.triton
