"""`bin/aiaa doctor`: what each check makes of what it finds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clients import engine_probe
from clients.docker_engine import docker_engine
from operations.checks import engine, images, limits, ports, proxies, toolchain
from operations.checks.finding import Finding
from operations.pulumi_cli import PulumiCli
from settings import Registry, Server
from tests.support.probed_engine import ProbedEngine as Engine
from tests.support.scripted_docker import ScriptedDocker, scripted_docker

NO_DRIVER = 'could not select device driver "nvidia" with capabilities: [[gpu]]'


def test_a_probe_leaves_nothing_on_the_engine_whatever_the_engine_says() -> None:
    for says in ("", NO_DRIVER):
        made: Any = Engine(says)
        with engine_probe.empty_image(made) as image:
            assert engine_probe.refusal(made, image, {"a": "b"}) == says
        assert made.left == []
        assert made.asked["labels"] == {"a": "b"}


REMOTE = "ssh://gpu1.example.org"  # whose processes cannot be seen from here


def look_at_port(made: Engine) -> Finding:
    as_engine: Any = made
    return ports.check(as_engine, REMOTE, {}, key="servers.main", bind="127.0.0.1", port=5000, own="own-aiaa")


def test_a_free_port_and_the_stacks_own_are_well() -> None:
    well = Finding("ok", "servers.main.port", "5000 is free on 127.0.0.1, or the stack's own")
    assert look_at_port(Engine()) == well
    assert look_at_port(Engine(publishes={"own-aiaa": 5000})) == well


@pytest.mark.parametrize(
    ("made", "key", "told"),
    [
        (
            Engine(publishes={"other": 5000}),
            "port",
            "5000 is taken on 127.0.0.1 by container other: choose another port, or stop that container",
        ),
        (
            Engine("listen tcp4 127.0.0.1:5000: bind: address already in use"),
            "port",
            "5000 is taken on 127.0.0.1 by a process of the engine's host: choose another port, or stop it "
            "(`ss -ltnp 'sport = :5000'` there names it)",
        ),
        (
            Engine("listen tcp4 127.0.0.1:5000: bind: cannot assign requested address"),
            "bind",
            "127.0.0.1 is no address of the engine's host: give one that it has; 0.0.0.0 are all, and AIAA has no "
            "log-in",
        ),
    ],
    ids=["container", "process", "address"],
)
def test_a_port_that_cannot_be_had_is_told_as_up_tells_it(made: Engine, key: str, told: str) -> None:
    assert look_at_port(made) == Finding("wrong", f"servers.main.{key}", told)


def test_a_limit_that_no_container_gets_is_wrong_and_null_is_not_asked_for() -> None:
    refused: Any = Engine("error setting rlimit type 8: operation not permitted")
    server = Server.model_validate({"ulimits": {"memlock": -1, "stack": None}})
    findings = list(limits.check(refused, {}, "main", server))
    assert [(finding.level, finding.what) for finding in findings] == [("wrong", "servers.main.ulimits.memlock")]
    assert "set it to null" in findings[0].told
    given: Any = Engine()
    assert [finding.level for finding in limits.check(given, {}, "main", server)] == ["ok"]


@pytest.mark.parametrize(("gb", "level"), [(0.5, "wrong"), (5, "warning"), (50, "ok")])
def test_free_disk_is_judged_by_what_is_needed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gb: float, level: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=gb * 1000**3))
    assert engine.room("disk", tmp_path / "not" / "yet", 30, local=True).level == level
    assert engine.room("disk", tmp_path, 30, local=False).level == "warning"


def test_an_engine_that_is_too_old_is_wrong() -> None:
    old: Any = SimpleNamespace(version=lambda: {"Version": "19.03.15", "ApiVersion": "1.40"})
    new: Any = SimpleNamespace(version=lambda: {"Version": "20.10.0", "ApiVersion": "1.41"})
    assert [engine.version(old).level, engine.version(new).level] == ["wrong", "ok"]


def test_a_proxy_that_catches_loopback_is_wrong_and_another_hosts_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "NO_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    urls = ["http://127.0.0.1:5000", "http://gpu1.example.org:5000"]
    assert [finding.level for finding in proxies.check(urls)] == ["ok"]
    monkeypatch.setenv("HTTP_PROXY", "http://me:tangerine@proxy.example.org:3128")
    monkeypatch.setenv("http_proxy", "http://me:tangerine@proxy.example.org:3128")
    caught = list(proxies.check(urls))
    assert [finding.level for finding in caught] == ["wrong", "warning"]
    assert "through the proxy http://proxy.example.org:3128" in caught[0].told
    assert "tangerine" not in str(caught)
    monkeypatch.setenv("no_proxy", "127.0.0.1,.example.org")
    assert [finding.level for finding in proxies.check(urls)] == ["ok"]


def test_another_version_of_pulumi_than_the_packages_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"version": "v1.0.0\n", "plugin": json.dumps([{"name": "docker", "version": "1.2.3"}])}
    monkeypatch.setattr(PulumiCli, "run", lambda _self, *args: said[args[0]])
    findings = list(toolchain.check())
    assert [finding.level for finding in findings] == ["wrong", "wrong"]
    assert findings[0].told.endswith("is needed: run `make toolchain`")


IMAGE = "nvcr.io/nvidia/x:1"


def look_at_image(made: ScriptedDocker, registries: Mapping[str, Registry] | None = None) -> Finding:
    with docker_engine(made.host) as client:
        (finding,) = images.check(client, made.host, [IMAGE], registries or {})
    return finding


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ScriptedDocker]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with scripted_docker() as made:
        yield made


NVCR = {"nvcr.io": Registry.model_validate({"username": "$oauthtoken", "password": "ngc-key-4711"})}


def test_an_image_that_the_engine_has_is_ok_without_its_registry(scripted: ScriptedDocker) -> None:
    scripted.images[IMAGE] = "amd64"
    assert look_at_image(scripted) == Finding("ok", f"image {IMAGE}", "is on the engine")
    assert scripted.pulls == []
    scripted.images[IMAGE] = "arm64"
    assert look_at_image(scripted).level == "wrong"
    assert look_at_image(scripted).told.startswith("it is for arm64, and the host of Docker engine")


def test_an_image_that_can_be_pulled_says_with_which_login(scripted: ScriptedDocker, tmp_path: Path) -> None:
    scripted.registry[IMAGE] = []
    message = "is not on the engine yet; nvcr.io allows the pull with"
    assert look_at_image(scripted) == Finding("ok", f"image {IMAGE}", f"{message} no log-in")
    by_stack_file = Finding("ok", f"image {IMAGE}", f"{message} the log-in from registries.nvcr.io")
    assert look_at_image(scripted, NVCR) == by_stack_file
    (tmp_path / "config.json").write_text('{"auths": {"nvcr.io": {"username": "me", "password": "x"}}}')
    assert look_at_image(scripted).told == f"{message} the log-in from {tmp_path}/config.json"
    assert [auth.get("username") for _, auth in scripted.pulls] == [None, "$oauthtoken", "me"]


def test_an_image_that_cannot_be_pulled_is_wrong_with_one_line_that_says_what_to_do(scripted: ScriptedDocker) -> None:
    scripted.registry[IMAGE] = "unauthorized"
    refused = look_at_image(scripted, NVCR)
    assert refused.level == "wrong"
    assert refused.told.startswith(
        f"Docker engine {scripted.host} cannot get it from nvcr.io, which refused the log-in"
    )
    scripted.registry[IMAGE] = "manifest unknown"
    assert "it has no tag 1 of nvidia/x" in look_at_image(scripted).told
    no_key = {"nvcr.io": Registry.model_validate({"username": "$oauthtoken", "password_env": "NO_SUCH_KEY"})}
    assert (
        "registries.nvcr.io.password_env: the environment variable NO_SUCH_KEY" in look_at_image(scripted, no_key).told
    )


def test_an_image_that_is_there_and_whose_login_is_wrong_is_a_warning(scripted: ScriptedDocker) -> None:
    scripted.images[IMAGE] = "amd64"
    scripted.registry[IMAGE] = "unauthorized"
    found = look_at_image(scripted, NVCR)
    assert found.level == "warning"
    assert found.told.startswith("is on the engine, but could not be pulled again: Docker engine")
