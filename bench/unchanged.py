"""A run with nothing to change, against the guide's way to make sure of the same.

By hand that is: docker-compose on the guide's file, a look at the list of models, and the registration written again.
It checks less: neither what the containers were made with, nor whether the list in XNAT was somebody else's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import docker

from bench.figures import Figure
from bench.pairs import measure
from tests.support.free_port import free_port
from tests.support.pulumi_stack import pulumi_stack

_PROJECT = Path(__file__).parents[1]
_COMPOSE_FILE = _PROJECT / "tests" / "fixtures" / "guide" / "docker-compose.yml"
_NAME = "bench"


def run() -> list[Figure] | str:
    """The figures, or why there are none."""
    missing = [program for program in ("docker-compose", "curl") if not shutil.which(program)]
    if missing:
        return f"a run without changes needs {', '.join(missing)} to compare with (Debian: docker-compose, curl)"
    with pulumi_stack(_settings(), name=_NAME, env={"XNAT_PASSWORD": "admin"}) as stack:
        stack.up()
        with TemporaryDirectory() as folder:
            compose = _compose(Path(folder))
            outputs = stack.outputs()
            addresses = outputs["servers"]["main"]["url"], outputs["xnat"]["url"]
            try:
                pairs = measure("a run with nothing to change", stack.up, lambda: _by_hand(compose, *addresses))
            finally:
                subprocess.run([*compose, "down"], check=True, capture_output=True)
    ours, by_hand = pairs.medians
    return [
        Figure("unchanged_run_ratio", pairs.ratio, "", "our time / the time by hand"),
        Figure("unchanged_run_s", ours, "", "bin/pulumi up, nothing to change"),
        Figure("unchanged_run_by_hand_s", by_hand, "", "docker-compose up -d, and two curl"),
    ]


def _settings() -> dict[str, Any]:
    return {
        "servers": {"main": {"gpus": [], "ulimits": {"memlock": None}, "port": free_port()}},
        "models": {
            "liver_demo": {
                "local": {"config": "models/liver_demo/config_aiaa.json", "data": "models/liver_demo/model.ts"}
            }
        },
        "xnat": {"username": "admin", "password_env": "XNAT_PASSWORD"},
        "registrations": {"projects": {"LIVER": "main"}},
        "sandbox": {"xnat": {"port": free_port(), "projects": ["LIVER"]}},
    }


def _compose(folder: Path) -> list[str]:
    """docker-compose on the guide's file, with the stand-ins' image, without GPU and memlock, on a port of its own."""
    image = docker.from_env().containers.get(f"xnat-aiaa-{_NAME}-main-aiaa").attrs["Config"]["Image"]
    text, _, gpu_and_networks = _COMPOSE_FILE.read_text().partition("    deploy:\n")
    text += gpu_and_networks[gpu_and_networks.index("\nnetworks:") :]
    for name in ("nvcr.io/nvidia/clara-train-sdk:v4.0", "nvcr.io/nvidia/tritonserver:21.02-py3"):
        text = text.replace(name, image)
    (folder / "docker-compose.yml").write_text(text.replace("      memlock: -1\n", ""))
    values = {"AIAA_PORT": free_port(), "AIAA_WORKSPACE": folder / "workspace", "TRITON_PROTO": "http"}
    values |= {"TRITON_START_TIMEOUT": 120, "TRITON_MODEL_TIMEOUT": 30, "TRITON_VERBOSE": 0}
    (folder / "docker-compose.env").write_text("".join(f"{key}={value}\n" for key, value in values.items()))
    (folder / "workspace").mkdir(mode=0o777)
    return [
        *("docker-compose", "--project-directory", str(folder), "--file", str(folder / "docker-compose.yml")),
        *("--env-file", str(folder / "docker-compose.env"), "--project-name", "aiaa_triton_bench"),
    ]


def _by_hand(compose: list[str], aiaa: str, xnat: str) -> None:
    curl = ["curl", "--silent", "--show-error", "--fail", "--output", os.devnull]
    subprocess.run([*compose, "up", "--remove-orphans", "-d"], check=True, capture_output=True)
    subprocess.run([*curl, f"{aiaa}/v1/models"], check=True)
    registration = ["--user", "admin:admin", "--request", "PUT", "--header", "Content-Type: application/json"]
    registration += ["--data", f'["{aiaa}"]', f"{xnat}/xapi/ohifaiaa/projects/LIVER/servers"]
    subprocess.run([*curl, *registration], check=True)
