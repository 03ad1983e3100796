"""The Pulumi CLI and its plugins, beside the Python packages that they belong to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import metadata

from operations.checks.finding import Finding
from operations.errors import CommandFailed
from operations.pulumi_cli import PulumiCli

_MEND = "run `make toolchain`"


def check() -> Iterator[Finding]:
    cli = PulumiCli(None)
    try:
        found = cli.run("version").strip().removeprefix("v")
        yield _compare("Pulumi CLI", found, metadata.version("pulumi"))
        plugins = json.loads(cli.run("plugin", "ls", "--json"))
    except CommandFailed as error:
        yield Finding("wrong", "Pulumi CLI", f"{error}: {_MEND}")
        return
    versions = [plugin["version"] for plugin in plugins if plugin["name"] == "docker"]
    wanted = metadata.version("pulumi-docker")
    yield _compare("Pulumi's docker plugin", wanted if wanted in versions else ", ".join(versions), wanted)


def _compare(what: str, found: str, wanted: str) -> Finding:
    if found == wanted:
        return Finding("ok", what, found)
    return Finding("wrong", what, f"{found or 'none'} is there, {wanted} is needed: {_MEND}")
