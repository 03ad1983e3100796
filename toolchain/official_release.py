"""Pulumi's official releases, from GitHub, each checked against the checksums that are published beside it.

The list of checksums comes over TLS from the same place as the archive: it finds a broken download, and not a release
that was tampered with at its source.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import time
from pathlib import Path

import requests

from toolchain import console, disk, layout
from toolchain.errors import SetUpError, Unreachable
from toolchain.versions import DOCKER_PLUGIN, PULUMI

_GITHUB = "https://github.com/pulumi"
_CLI = f"{_GITHUB}/pulumi/releases/download/v{PULUMI}"
_PLUGIN = f"{_GITHUB}/pulumi-docker/releases/download/v{DOCKER_PLUGIN}"
_CONNECT = 5  # seconds: with name look-up an unreachable route is given up within 10
_SILENCE = 10  # seconds without a byte
_SIZE = 1.5  # GB, archives and what is in them
_CHUNK = 1 << 20


def fetch_cli(folder: Path) -> None:
    """Put the CLI, its language hosts and launchers into `folder`.

    Raises:
        Unreachable: it cannot be fetched from here.
        SetUpError: what came is not what was published.
    """
    disk.need(_SIZE, "Pulumi's official release", layout.CACHE)
    archive = _fetch(_CLI, f"pulumi-v{PULUMI}-linux-x64.tar.gz", f"pulumi-{PULUMI}-checksums.txt")
    partial = layout.CACHE / "pulumi.partial"
    shutil.rmtree(partial, ignore_errors=True)
    with tarfile.open(archive) as content:
        content.extractall(partial, filter="data")
    folder.mkdir(parents=True, exist_ok=True)
    # The CLI last: once it is there, all is.
    for file in sorted((partial / "pulumi").iterdir(), key=lambda path: path.name == "pulumi"):
        file.replace(folder / file.name)
    shutil.rmtree(partial)
    archive.unlink()


def fetch_docker_plugin() -> Path:
    """The plugin's archive, as `pulumi plugin install --file` takes it.

    Raises:
        Unreachable, SetUpError: as `fetch_cli`.
    """
    name = f"pulumi-resource-docker-v{DOCKER_PLUGIN}-linux-amd64.tar.gz"
    return _fetch(_PLUGIN, name, f"pulumi-docker_{DOCKER_PLUGIN}_checksums.txt")


def _fetch(release: str, name: str, checksums: str) -> Path:
    wanted = _published(f"{release}/{checksums}", name)
    layout.DOWNLOADS.mkdir(parents=True, exist_ok=True)
    partial = layout.DOWNLOADS / f"{name}.partial"
    found = _download(f"{release}/{name}", partial)
    if found != wanted:
        partial.unlink()
        raise SetUpError(
            f"{release}/{name} has SHA-256 {found}, but {checksums} beside it says {wanted}: try again later"
        )
    return partial.replace(layout.DOWNLOADS / name)


def _published(url: str, name: str) -> str:
    """A line of the list is `<sha256>  <file>`."""
    for line in _get(url).text.splitlines():
        digest, _, file = line.partition(" ")
        if file.strip().removeprefix("*") == name:
            return digest.lower()
    raise Unreachable(f"{url} does not name {name}")


def _download(url: str, to: Path) -> str:
    """Gives the SHA-256 of what came."""
    digest, begin = hashlib.sha256(), time.monotonic()
    with console.working(f"Fetching {url}"), _get(url, stream=True) as answer, to.open("wb") as file:
        try:
            for chunk in answer.iter_content(_CHUNK):
                digest.update(chunk)
                file.write(chunk)
        except requests.RequestException as error:
            raise Unreachable(f"{url} broke off after {time.monotonic() - begin:.0f} s: {error}") from None
    return digest.hexdigest()


def _get(url: str, *, stream: bool = False) -> requests.Response:
    try:
        answer = requests.get(url, timeout=(_CONNECT, _SILENCE), stream=stream)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise Unreachable(f"{url} is not reachable from here: {error}") from None
    return answer
