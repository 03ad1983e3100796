"""Six servers on an engine that is reached over SSH, through a real sshd with its usual limits, by a bare CLI."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tests.support.docker_engine import DockerEngine, private_docker_engine
from tests.support.idle_server import IMAGES, SCRIPTS
from tests.support.pulumi_stack import PulumiStack, pulumi_stack
from tests.support.ssh_server import path_with_ssh, ssh_server
from tests.support.until import until

ENGINE = "ssh://the-hosts-alias"  # an alias of ssh's configuration, which alone knows the port
SERVERS = [f"gpu{number}" for number in range(6)]
ROUNDS = 10 if os.environ.get("SOAK") else 1
# Lines of ssh, gRPC and Python that have no place in a run's output.
NOISE = re.compile(r"fork|ssh: |kex_|mux_|ControlSocket|Connection closed|Traceback|error|warning", re.IGNORECASE)


@dataclass(frozen=True)
class Remote:
    engine: DockerEngine
    stack: PulumiStack

    def pulumi(self, *args: str) -> str:
        """The CLI itself, without what bin/pulumi puts before it; gives all that it says."""
        cache = self.stack.folder / ".toolchain"
        env = self.stack.env | {
            "PATH": f"{self.stack.folder}/.venv/bin:{cache}/bin:{self.stack.env['PATH']}",
            "PULUMI_HOME": f"{cache}/pulumi",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
        }
        words: list[str | Path] = [
            cache / "bin" / "pulumi",
            *args,
            "--non-interactive",
            "--stack",
            self.stack.name,
            "--parallel",
            "64",
        ]
        done = subprocess.run(words, cwd=self.stack.folder, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    folder = tmp_path_factory.mktemp("ssh")
    with HTTPServer() as aiaa, private_docker_engine(nvidia_hook=False) as engine:
        aiaa.expect_request("/v1/models").respond_with_json([])
        engine.add_image(*IMAGES, scripts=SCRIPTS)
        servers = {
            name: {
                # Some by an address of their own, some by the default engine, which is the same here.
                **({"docker": ENGINE} if number % 2 else {}),
                "gpus": [],
                "port": 5000 + number,
                "url": aiaa.url_for(""),
                "ulimits": {"memlock": None},
            }
            for number, name in enumerate(SERVERS)
        }
        with ssh_server(folder / "sshd", "the-hosts-alias", env={"DOCKER_HOST": engine.host}) as config:
            env = {"PATH": path_with_ssh(config), "DOCKER_HOST": ENGINE}
            with pulumi_stack({"servers": servers}, name="overssh", env=env) as stack:
                yield Remote(engine, stack)


def test_six_servers_come_stay_and_go_without_a_failure_or_a_line_of_noise(remote: Remote) -> None:
    for _ in range(ROUNDS):
        said = [
            remote.pulumi("up", "--yes", "--skip-preview"),
            remote.pulumi("preview", "--expect-no-changes"),
            remote.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes"),
        ]
        assert len(remote.engine.client.containers.list()) == 2 * len(SERVERS)
        said.append(remote.pulumi("destroy", "--yes", "--skip-preview"))
        assert remote.engine.client.containers.list(all=True) == []
        assert [line for line in "".join(said).splitlines() if NOISE.search(line)] == []
        until(lambda: not _sshs())


def _sshs() -> list[str]:
    """Command lines of processes that connect to the tests' server."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if ENGINE.removeprefix("ssh://") in words:
            found.append(words)
    return found
