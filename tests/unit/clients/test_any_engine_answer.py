"""No answer of a Docker engine, or of whatever is at its address, ends in anything but a value or one line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients import containers
from clients.docker_engine import docker_engine, last_log_lines
from clients.engine_host import Wanted, refusal
from clients.errors import ClientError
from operations import servers
from operations.checks import engine as engines
from operations.checks import gpu
from operations.checks.finding import Finding
from operations.stack_file import Stack
from runs import leftovers
from runs.state import State
from settings import Settings
from tests.support.odd_answers import Odd, OddServer, answers, json_answer, odd, odd_server, text_answer

ID = "a" * 64
CONTAINER = {
    "Id": ID,
    "Names": ["/xnat-aiaa-tests-main-aiaa"],
    "Name": "/xnat-aiaa-tests-main-aiaa",
    "Created": "2026-01-31T12:00:00.123456789Z",
    "State": {"Status": "exited", "ExitCode": 1, "OOMKilled": False, "Health": {"Status": "healthy"}},
    "Config": {"Image": "image:1", "Tty": True},
    "Ports": [{"IP": "127.0.0.1", "PublicPort": 5000}],
    "Labels": {"xnat-aiaa.stack": "tests"},
    "RestartCount": 1,
}
INFO = {
    "DockerRootDir": "/",
    "DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=0"}],
    "CDISpecDirs": ["/etc/cdi"],
}
VERSION = {"Version": "20.10.24", "ApiVersion": "1.41"}
IMAGE = {"status": f"sha256:{ID}"}
NETWORKS = [{"Id": ID, "Name": "n", "Created": "2026-01-31T12:00:00Z"}]
VOLUMES = {"Volumes": [{"Name": "v", "CreatedAt": "2026-01-31T12:00:00Z"}], "Warnings": None}
REFUSED = {"message": 'could not select device driver "nvidia" with capabilities: [[gpu]]'}


def sound(head: str) -> bytes:
    method, path = head.split()[:2]
    path = path.partition("?")[0].removeprefix("/v1.41")
    if path == "/version":
        return json_answer(VERSION)
    if path == "/info":
        return json_answer(INFO)
    if path.endswith("/start"):
        return json_answer(REFUSED, 500)
    if path.endswith("/wait"):
        return json_answer({"StatusCode": 0})
    if path.endswith("/logs"):
        return text_answer("0, GPU-1, T4, 460.91, 15109\n")
    if path == "/images/create":
        return text_answer(json.dumps(IMAGE))
    if path.startswith("/images/"):
        return json_answer({"Id": f"sha256:{ID}", "RepoTags": []} if method == "GET" else [])
    if path.startswith("/networks"):
        return json_answer(NETWORKS)
    if path.startswith("/volumes"):
        return json_answer(VOLUMES)
    if path == "/containers/json":
        return json_answer([CONTAINER])
    return json_answer(CONTAINER, 201 if path == "/containers/create" else 200)


@pytest.fixture(scope="module")
def engine() -> Iterator[OddServer]:
    with odd_server(sound) as server:
        yield server


STATE = State(
    {
        "deployment": {
            "resources": [
                {
                    "urn": "urn:pulumi:tests::xnat-aiaa::docker:index/container:Container::main-aiaa",
                    "type": "docker:index/container:Container",
                    "id": "b",
                    "outputs": {},
                }
            ]
        }
    }
)


def on_engine(look: Callable[[Any], object]) -> Callable[[str], object]:
    def call(host: str) -> object:
        with docker_engine(host, timeout=5) as client:
            return look(client)

    return call


def server_of(host: str) -> object:
    main = {"docker": host, "bind": "127.0.0.1", "url": "http://127.0.0.1:1"}
    return servers._containers(Stack("tests", Settings.parse({"servers": {"main": main}})), "main")


def gpus_of(client: Any) -> list[Finding]:
    return list(gpu.check(client, "tcp://far", {}, name="main", gpus=["0"], triton_image="tritonserver:21.02-py3"))


CALLS: dict[str, Callable[[str], object]] = {
    "state": lambda host: containers.state_of("aiaa", host),
    "file": lambda host: containers.text_in("aiaa", "/x", host),
    "run": lambda host: containers.run_to_its_end("aiaa", host),
    "remove": lambda host: containers.remove("aiaa", host),
    "logs": lambda host: last_log_lines("aiaa", 5, host),
    "port": lambda host: refusal(host, Wanted("127.0.0.1", 5000), {}),
    "gpus": lambda host: refusal(host, Wanted("127.0.0.1", 5001, gpus=("0",)), {}),
    "nvidia-smi": on_engine(gpus_of),
    "version": on_engine(engines.version),
    "disk": on_engine(lambda client: engines.disk(client, None, ["image:1"])),
    "server": server_of,
    "not running": lambda host: leftovers.not_running(STATE.containers(), host),
    "missing": lambda host: leftovers.missing(STATE, host),
    "strays": lambda host: list(leftovers.remove_strays(STATE, "tests", host, 0.0)),
}
LIKELY = (CONTAINER, [CONTAINER], INFO, VERSION, IMAGE, NETWORKS, VOLUMES, REFUSED)


def assert_a_value_or_one_line(engine: OddServer, call: str, case: Odd) -> None:
    line = ""
    engine.begin(case)
    try:
        CALLS[call](engine.url.replace("http:", "tcp:"))
    except ClientError as error:
        line = error.line
    assert not line or line.isprintable(), line
    assert len(line) < 2000


@pytest.mark.soak
@given(call=st.sampled_from(sorted(CALLS)), case=odd(*LIKELY))
def test_any_answer_of_a_docker_engine(engine: OddServer, call: str, case: Odd) -> None:
    assert_a_value_or_one_line(engine, call, case)


@pytest.mark.soak
@given(call=st.sampled_from(sorted(CALLS)), step=st.integers(0, 9), answer=answers(*LIKELY))
def test_an_engine_that_answers_correctly_and_then_wrongly(
    engine: OddServer, call: str, step: int, answer: bytes
) -> None:
    assert_a_value_or_one_line(engine, call, Odd(step, answer))


def test_the_sound_engine_is_understood(engine: OddServer) -> None:
    engine.begin(Odd(-1, b""))
    host = engine.url.replace("http:", "tcp:")
    state = CALLS["state"](host)
    assert isinstance(state, containers.ContainerState)
    assert (state.ended, state.restarts, state.words) == (True, 1, "exited with code 1")
    assert "container xnat-aiaa-tests-main-aiaa of stack tests" in str(CALLS["port"](host))
    assert "nvidia.com/gpu=0" in str(CALLS["gpus"](host))


def test_a_defect_of_ours_is_not_taken_for_a_wrong_answer(engine: OddServer) -> None:
    engine.begin(Odd(-1, b""))
    with pytest.raises(KeyError), docker_engine(engine.url.replace("http:", "tcp:")):
        SimpleNamespace(attrs={}).attrs["State"]


@pytest.mark.parametrize(
    "address",
    ["http://[", "tcp://a:b", "garbage", "unix://", "npipe:////./pipe/x", "fd://", "tcp://127.0.0.1:99999999"],
)
def test_a_docker_host_that_is_not_an_address_is_reported_in_one_line(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", address)
    with pytest.raises(ClientError) as caught:
        last_log_lines("aiaa", 5, None)
    assert "DOCKER_HOST" in caught.value.line
    assert caught.value.line.isprintable()


@pytest.mark.parametrize("content", ["[1]", '{"proxies": []}', '{"auths": 3}', '{"HttpHeaders": 3}', "\x00", "{}"])
def test_a_docker_configuration_of_any_content_is_read_or_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, engine: OddServer, content: str
) -> None:
    (tmp_path / "config.json").write_text(content)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert_a_value_or_one_line(engine, "state", Odd(-1, b""))
