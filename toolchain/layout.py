"""Where things are: all that the set-up makes is in one folder of the project, which `make clean` removes."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
CACHE = PROJECT / ".toolchain"
BIN = CACHE / "bin"
GO = CACHE / "go"  # compiler, module cache and build cache: gone once the binaries are there
DOCKER = CACHE / "docker"
DOWNLOADS = CACHE / "downloads"
LOGS = CACHE / "logs"
PULUMI_HOME = CACHE / "pulumi"
STAMPS = CACHE / "stamps"
ROUTE = CACHE / "route"  # bin/pulumi reads it
