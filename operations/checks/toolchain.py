"""The Pulumi CLI and its plugins, beside the Python packages that they belong to."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata

from clients.errors import one_line
from operations.checks.finding import Finding
from operations.errors import CommandFailed
from operations.pulumi_cli import PulumiCli

_MEND = "run `make toolchain`"


def check() -> Iterator[Finding]:
    cli = PulumiCli(None)
    try:
        found = one_line(cli.run("version")).removeprefix("v")
        yield _compare("Pulumi CLI", found, metadata.version("pulumi"))
        plugins = cli.json("plugin", "ls", "--json")
        wanted = metadata.version("pulumi-docker")
    except CommandFailed as error:
        yield Finding("wrong", "Pulumi CLI", f"{error}: {_MEND}")
        return
    except metadata.PackageNotFoundError as error:
        yield Finding("wrong", "Pulumi CLI", f"the Python package {error.name} is not installed: {_MEND}")
        return
    listed = [plugin for plugin in plugins if isinstance(plugin, dict)] if isinstance(plugins, list) else []
    versions = [one_line(str(plugin.get("version"))) for plugin in listed if plugin.get("name") == "docker"]
    yield _compare("Pulumi's docker plugin", wanted if wanted in versions else ", ".join(versions), wanted)


def _compare(what: str, found: str, wanted: str) -> Finding:
    if found == wanted:
        return Finding("ok", what, found)
    return Finding("wrong", what, f"{found or 'none'} is there, {wanted} is needed: {_MEND}")
