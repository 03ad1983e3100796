"""Pulumi's official releases, from GitHub, each checked against the checksums that are published beside it.

The list of checksums comes over TLS from the same place as the archive: it finds a broken download, and not a release
that was tampered with at its source.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import requests

from toolchain import console, disk, layout, network
from toolchain.errors import SetUpError, Unreachable, reason
from toolchain.versions import DOCKER_PLUGIN, PULUMI

_GITHUB = "https://github.com/pulumi"
_SILENCE = 10  # seconds without a byte
_SIZE = 1.5  # GB, archives and what is in them
_CHUNK = 1 << 20


def fetch_cli(folder: Path) -> None:
    """Put the CLI, its language hosts and launchers into `folder`, which is there and empty.

    Raises:
        Unreachable: it cannot be fetched from here.
        SetUpError: what came is not what was published.
    """
    disk.need(_SIZE, "Pulumi's official release", layout.CACHE)
    release = f"{_GITHUB}/pulumi/releases/download/v{PULUMI}"
    archive = _fetch(release, f"pulumi-v{PULUMI}-linux-x64.tar.gz", f"pulumi-{PULUMI}-checksums.txt")
    unpacked = layout.CACHE / "pulumi.partial"
    shutil.rmtree(unpacked, ignore_errors=True)
    shutil.unpack_archive(archive, unpacked)
    (unpacked / "pulumi").replace(folder)
    unpacked.rmdir()
    archive.unlink()


def fetch_docker_plugin() -> Path:
    """The plugin's archive, as `pulumi plugin install --file` takes it.

    Raises:
        Unreachable, SetUpError: as `fetch_cli`.
    """
    release = f"{_GITHUB}/pulumi-docker/releases/download/v{DOCKER_PLUGIN}"
    name = f"pulumi-resource-docker-v{DOCKER_PLUGIN}-linux-amd64.tar.gz"
    return _fetch(release, name, f"pulumi-docker_{DOCKER_PLUGIN}_checksums.txt")


def _fetch(release: str, name: str, checksums: str) -> Path:
    url = f"{release}/{name}"
    with console.working(f"Asking for {url}"):
        wanted, answer = network.promptly(
            url, lambda: (_published(f"{release}/{checksums}", name), _get(url, stream=True))
        )
    layout.DOWNLOADS.mkdir(parents=True, exist_ok=True)
    partial = layout.DOWNLOADS / f"{name}.partial"
    try:
        found = _download(answer, partial)
        if found != wanted:
            raise SetUpError(f"{url} has SHA-256 {found}, but {checksums} beside it says {wanted}: try again later")
        return partial.replace(layout.DOWNLOADS / name)
    finally:
        partial.unlink(missing_ok=True)


def _published(url: str, name: str) -> str:
    """A line of the list is `<sha256>  <file>`."""
    for line in _get(url).text.splitlines():
        digest, _, file = line.partition(" ")
        if file.strip().removeprefix("*") == name:
            return digest.lower()
    raise Unreachable(f"{url} does not name {name}")


def _download(answer: requests.Response, to: Path) -> str:
    """Gives the SHA-256 of what came."""
    digest, size = hashlib.sha256(), 0
    with answer, to.open("wb") as file, console.working("Fetching it") as tell:
        try:
            for chunk in answer.iter_content(_CHUNK):
                digest.update(chunk)
                size += file.write(chunk)
                tell(f"{size >> 20} MB")
        except requests.RequestException as error:
            raise Unreachable(f"{to.stem} broke off after {size >> 20} MB: {reason(error)}") from None
    return digest.hexdigest()


def _get(url: str, *, stream: bool = False) -> requests.Response:
    answer = requests.get(url, timeout=_SILENCE, stream=stream)
    answer.raise_for_status()
    return answer
