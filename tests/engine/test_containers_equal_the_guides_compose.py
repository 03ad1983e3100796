"""The containers against what docker-compose makes of the guide's file: the same, but for what is listed here.

`tests/fixtures/guide/` has the guide's docker-compose.yml with the images, the launcher and the environment file of
AIAA's documentation, and containers.json: what docker-compose 1.29.2 asked a Docker engine for, beyond what the engine
gives to any container. Nothing is started: a limit like memlock's is refused only then, on machines that forbid it.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from docker.types import LogConfig
from pytest_httpserver import HTTPServer

from tests.support.docker_engine import DockerEngine, private_docker_engine
from tests.support.pulumi_stack import pulumi_stack

GUIDE = Path(__file__).parents[1] / "fixtures" / "guide"
RECORD = GUIDE / "containers.json"
ROLES = ("aiaa", "tritonserver")

Wishes = dict[str, Any]  # by path as `docker inspect` has it: HostConfig.ShmSize
Differences = dict[str, tuple[Any, str]]

# What ours has instead, and why.
DIFFERENCES_OF_BOTH: Differences = {
    "Config.Labels": (
        "xnat-aiaa.project xnat-aiaa.stack xnat-aiaa.workspace",
        "each tool marks its containers with labels of its own",
    ),
    "HostConfig.Init": (False, "the default, which the docker plugin writes out"),
    "HostConfig.LogConfig.Config.max-file": ("3", "the guide's log grows until the disk is full"),
    "HostConfig.LogConfig.Config.max-size": ("10m", "the guide's log grows until the disk is full"),
    "HostConfig.NetworkMode": (
        "bridge",
        "what the docker plugin creates in a network, it gives no alias there; so it creates the container in Docker's "
        "own network and moves it before it starts: Network.Name, where it ends, is as in the guide",
    ),
}
DIFFERENCES_OF_AIAA: Differences = DIFFERENCES_OF_BOTH | {
    "Config.Healthcheck": (
        "CMD python3 -c ... each 30 s for at most 10 s, 3 times, not before 600 s",
        "AIAA may hang while its pages answer: Docker then shows it as unhealthy",
    ),
    "Config.Cmd.2.--triton_proto": ("http", "AIAA is known to hang with grpc; http is AIAA's own default"),
    "HostConfig.PortBindings.5000/tcp.0.HostIp": ("127.0.0.1", "AIAA has no log-in: `bind` opens it to others"),
    "HostConfig.RestartPolicy.Name": ("no", "the default, which the docker plugin writes out"),
    "Network.Aliases.0": ("aiaa", "the container's role, as in all its names; nothing looks for AIAA in its network"),
}
NETWORK = "the stack's"

# The project as it is, except that Docker does not start the containers that it creates.
NOT_STARTED = """
import runpy
import pulumi

def do_not_start(args):
    if args.type_ == "docker:index/container:Container" and not args.name.endswith("-prepare-workspace"):
        return pulumi.ResourceTransformationResult({**args.props, "start": False, "must_run": False}, args.opts)

pulumi.runtime.register_stack_transformation(do_not_start)
runpy.run_path("as_it_is.py", run_name="__main__")
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    with private_docker_engine(nvidia_hook=True) as engine:
        engine.add_image("nvcr.io/nvidia/clara-train-sdk:v4.0", "nvcr.io/nvidia/tritonserver:21.02-py3", "plain:1")
        yield engine


@pytest.fixture(scope="module")
def ours(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Wishes]:
    workspace = tmp_path_factory.mktemp("workspace")
    with HTTPServer() as answers_for_aiaa:  # which does not run
        answers_for_aiaa.expect_request("/v1/models").respond_with_json([])
        server = {"docker": engine.host, "workspace": str(workspace), "url": answers_for_aiaa.url_for("")}
        with pulumi_stack({"servers": {"main": server}}) as stack:
            program = stack.folder / "__main__.py"
            program.rename(stack.folder / "as_it_is.py")
            program.write_text(NOT_STARTED)
            stack.up()
            return wishes_of(engine, {role: f"xnat-aiaa-{stack.name}-main-{role}" for role in ROLES}, workspace)


@pytest.mark.parametrize(
    ("role", "differences"), [("aiaa", DIFFERENCES_OF_AIAA), ("tritonserver", DIFFERENCES_OF_BOTH)]
)
def test_our_container_differs_from_the_guides_where_listed_and_nowhere_else(
    ours: dict[str, Wishes], role: str, differences: Differences
) -> None:
    guides: Wishes = json.loads(RECORD.read_text())[role]
    different = {
        path: ours[role].get(path)
        for path in guides.keys() | ours[role].keys()
        if guides.get(path) != ours[role].get(path)
    }
    listed = {path: value for path, (value, _why) in differences.items()}

    for path in sorted(different.keys() | listed.keys()):
        assert different.get(path, "as in the guide") == listed.get(path, "as in the guide"), path


def test_docker_compose_makes_of_the_guides_file_what_is_recorded(engine: DockerEngine, tmp_path: Path) -> None:
    """To record anew, delete the record and run this."""
    compose = shutil.which("docker-compose")
    version = subprocess.run([compose, "version", "--short"], capture_output=True, text=True).stdout if compose else ""
    if not version.startswith("1.29."):
        pytest.skip("recording the guide's containers anew needs docker-compose 1.29 on PATH (Debian: docker-compose)")
    project = ["--project-directory", str(GUIDE), "--project-name", "aiaa_triton"]
    files = ["--file", str(GUIDE / "docker-compose.yml"), "--env-file", str(GUIDE / "docker-compose.env")]
    subprocess.run(
        ["docker-compose", *project, *files, "up", "--no-start"],
        env={**os.environ, "DOCKER_HOST": engine.host, "AIAA_WORKSPACE": str(tmp_path)},
        check=True,
    )
    names = {"aiaa": "aiaa_triton_clara-train-sdk_1", "tritonserver": "aiaa_triton_tritonserver_1"}
    guides = wishes_of(engine, names, tmp_path)

    if not RECORD.exists():
        RECORD.write_text(json.dumps(guides, indent=2) + "\n")
        pytest.fail(f"{RECORD.name} is recorded anew: look at what is different in it, and commit it")
    assert guides == json.loads(RECORD.read_text())


def wishes_of(engine: DockerEngine, names: Mapping[str, str], workspace: Path) -> dict[str, Wishes]:
    """By role, what a container has that one without any wishes would not have on the same engine."""
    api = engine.client.api
    unlike_any_other = api.create_host_config(log_config=LogConfig(type=LogConfig.types.NONE))
    plain = api.create_container("plain:1", ["sh", "-c", "plain"], detach=True, host_config=unlike_any_other)
    given_to_all = flat(tidied(api.inspect_container(plain), workspace))
    api.remove_container(plain)
    wishes: dict[str, Wishes] = {}
    for role, name in names.items():
        has = flat(tidied(api.inspect_container(name), workspace))
        paths = sorted(given_to_all.keys() | has.keys())
        wishes[role] = {path: has.get(path) for path in paths if has.get(path) != given_to_all.get(path)}
    return wishes


def tidied(inspected: dict[str, Any], workspace: Path) -> dict[str, Any]:
    """What was asked for, in one order, without what is of this machine or this minute."""
    config, host, short_id = inspected["Config"], inspected["HostConfig"], inspected["Id"][:12]
    ((network, endpoint),) = inspected["NetworkSettings"]["Networks"].items()
    if config["Hostname"] == short_id:
        del config["Hostname"]
    if network != "bridge":
        host["NetworkMode"] = NETWORK if host["NetworkMode"] == network else host["NetworkMode"]
        network = NETWORK
    *shell, script = config["Cmd"]
    config["Cmd"] = [*shell, options_of(script)]
    config["Labels"] = " ".join(sorted(config["Labels"] or ()))  # their values have paths and digests of paths
    if check := config.get("Healthcheck"):
        interval, timeout, start = (check[key] // 10**9 for key in ("Interval", "Timeout", "StartPeriod"))
        words = f"{' '.join(check['Test'][:-1])} ... each {interval} s for at most {timeout} s"
        config["Healthcheck"] = f"{words}, {check['Retries']} times, not before {start} s"
    for key in ("ExposedPorts", "Volumes"):  # dictionaries with nothing but keys
        config[key] = sorted(config.get(key) or ())
    host["Ulimits"] = {limit["Name"]: limit for limit in host["Ulimits"] or ()}
    asked = {
        "Config": config,
        "HostConfig": host,
        "Mounts": {mount["Destination"]: mount for mount in inspected["Mounts"]},
        "Network": {key: endpoint[key] for key in ("Links", "IPAMConfig", "DriverOpts")}
        | {"Name": network, "Aliases": sorted(alias for alias in endpoint["Aliases"] or () if alias != short_id)},
    }
    return dict(json.loads(json.dumps(asked).replace(str(workspace), "${AIAA_WORKSPACE}")))


def options_of(script: str) -> dict[str, str]:
    """A command line as a shell reads it, by option: their order, and the white space between them, mean nothing."""
    options: dict[str, str] = {}
    current = "program"
    for word in shlex.split(script.replace("\\\n", "")):
        if word.startswith("--"):
            assert word not in options, f"{word} twice in: {script}"
            current, options[word] = word, ""
        else:
            options[current] = f"{options.get(current, '')} {word}".strip()
    return options


def flat(value: object, path: str = "") -> Wishes:
    """Values by path. `null`, `[]` and `{}` are all nothing: which of them is shown depends on the client."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        return {deeper: scalar for key, item in value.items() for deeper, scalar in flat(item, f"{path}.{key}").items()}
    return {} if value is None else {path.removeprefix("."): value}
