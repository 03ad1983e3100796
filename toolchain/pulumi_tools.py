"""Pulumi's CLI, Python language host and docker plugin, by the first route that works.

1. a `pulumi` of the machine, with its language host, that is 3.x and not older than the list of versions says;
2. the official releases;
3. built from Go modules, for machines that reach no more than mirrors of package registries.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from toolchain import console, go, layout, official_release, stamps
from toolchain.errors import Unreachable
from toolchain.versions import CLI, DOCKER_PLUGIN, DOCKER_PLUGIN_SOURCE, LANGUAGE_PYTHON, PULUMI, ordered

OFFICIAL, MIRROR = "official", "mirror"
_MACHINE = "machine"
_HOST = "pulumi-language-python"
_STAMP = "pulumi-tools"
_PLUGIN = layout.PULUMI_HOME / "plugins" / f"resource-docker-v{DOCKER_PLUGIN}" / DOCKER_PLUGIN_SOURCE.binary
_GO_FILES = ("go.mod", "go.sum", "main.go", "shim/go.mod", "shim/go.sum", "shim/shim.go")


def ensure(route: str | None) -> None:
    """
    Args:
        route: `official` or `mirror`, and no other is tried; None for whatever works first.

    Raises:
        SetUpError: no route works.
    """
    made_from = _digest()
    there = layout.ROUTE.read_text() if layout.ROUTE.exists() else ""
    pulumi = layout.BIN / "pulumi"
    of_this_route = route is None or (route == there and not pulumi.is_symlink())
    if of_this_route and stamps.holds(_STAMP, made_from) and _PLUGIN.exists() and _usable(pulumi):
        console.say(f"Pulumi {PULUMI} or newer and docker plugin {DOCKER_PLUGIN} are there ({there})")
        return
    taken = _docker_plugin(route, _cli(route))
    stamps.write(layout.ROUTE, taken)
    stamps.put(_STAMP, made_from)
    if not os.environ.get("KEEP_GO_CACHE"):
        go.drop_caches()


def _cli(route: str | None) -> str:
    """Into BIN, whole or not at all. Gives the route that worked."""
    partial = layout.CACHE / "bin.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    taken = _gather(route, partial)
    stamps.remove(_STAMP)
    shutil.rmtree(layout.BIN, ignore_errors=True)
    partial.replace(layout.BIN)
    return taken


def _gather(route: str | None, folder: Path) -> str:
    if route is None and (machine := _of_the_machine()):
        console.say(f"Using the machine's Pulumi: {machine}")
        (folder / "pulumi").symlink_to(machine)
        return _MACHINE
    if route != MIRROR:
        try:
            official_release.fetch_cli(folder)
        except Unreachable as error:
            if route == OFFICIAL:
                raise
            console.say(f"  {error}")
        else:
            return OFFICIAL
    go.build(LANGUAGE_PYTHON, folder, "30 s")
    go.build(CLI, folder, "4 min")
    return MIRROR


def _docker_plugin(route: str | None, cli_route: str) -> str:
    """Into PULUMI_HOME. Gives the route: a machine's CLI may still need the mirror for this."""
    if cli_route != MIRROR:
        try:
            _install_plugin(official_release.fetch_docker_plugin())
        except Unreachable as error:
            if route == OFFICIAL:
                raise
            console.say(f"  {error}")
        else:
            return cli_route
    go.build(DOCKER_PLUGIN_SOURCE, layout.DOWNLOADS, "3 min")
    _install_plugin(layout.DOWNLOADS / DOCKER_PLUGIN_SOURCE.binary)
    return MIRROR


def _install_plugin(file: Path) -> None:
    """Installed, and not just found on the PATH: then Pulumi would warn at every command."""
    command = [str(layout.BIN / "pulumi"), "plugin", "install", "resource", "docker", DOCKER_PLUGIN, "--reinstall"]
    env = {**os.environ, "PULUMI_HOME": str(layout.PULUMI_HOME), "PULUMI_SKIP_UPDATE_CHECK": "1"}
    console.run([*command, "--file", str(file)], f"Installing docker plugin {DOCKER_PLUGIN}", env=env)
    file.unlink()


def _of_the_machine() -> Path | None:
    found = shutil.which("pulumi")
    pulumi = Path(found).resolve() if found else None
    if pulumi is None or pulumi.is_relative_to(layout.PROJECT):
        return None
    has_language_host = shutil.which(_HOST) or (pulumi.parent / _HOST).exists()
    return pulumi if has_language_host and _usable(pulumi) else None


def _usable(pulumi: Path) -> bool:
    env = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1"}
    try:
        answer = subprocess.run([pulumi, "version"], capture_output=True, text=True, env=env, check=False)
        version = ordered(answer.stdout)
    except (OSError, ValueError):
        return False
    return version[0] == ordered(PULUMI)[0] and version >= ordered(PULUMI)


def _digest() -> str:
    modules = layout.PROJECT / "toolchain" / "go"
    folders = [modules / program.folder for program in (CLI, LANGUAGE_PYTHON, DOCKER_PLUGIN_SOURCE)]
    files = [folder / name for folder in folders for name in _GO_FILES if (folder / name).exists()]
    programs = [repr(program) for program in (CLI, LANGUAGE_PYTHON, DOCKER_PLUGIN_SOURCE)]
    return stamps.digest([PULUMI, DOCKER_PLUGIN, *programs], files)
