"""The stack file's shape: what is taken, and what is said of what is not."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings import Registry, Settings, SettingsError

ROOT = Path(__file__).parents[3]
LOCAL = {"config": str(ROOT / "models/liver_demo/config_aiaa.json"), "data": str(ROOT / "models/liver_demo/model.ts")}
NGC = {"path": "nvidia/med/clara_pt_spleen_ct_segmentation", "version": "1"}
XNAT = {"url": "https://xnat.example.org", "username": "svc-aiaa", "password": "secret"}
VALID: dict[str, Any] = {
    "servers": {
        "main": {"browser_url": "https://aiaa.example.org"},
        "far": {
            "docker": "ssh://root@gpu1.example.org:22",
            "bind": "10.0.0.1",
            "browser_url": "https://far.example.org",
        },
    },
    "models": {"spleen": {"ngc": NGC}, "liver": {"local": LOCAL, "servers": ["far"]}},
    "xnat": XNAT,
    "registrations": {"site": "main", "projects": {"LIVER": {"servers": ["far", "main"], "on_delete": "keep"}}},
}


def valid(**changed: Any) -> dict[str, Any]:
    return copy.deepcopy(VALID) | changed


def errors(raw: dict[str, Any]) -> list[str]:
    with pytest.raises(SettingsError) as failed:
        Settings.parse(raw)
    return str(failed.value).splitlines()


def test_defaults_are_the_guides() -> None:
    server = Settings.parse(valid()).servers["main"]
    assert server.aiaa_image == "nvcr.io/nvidia/clara-train-sdk:v4.0"
    assert (server.port, server.shm_size, server.gpus) == (5000, 1024, ("0",))
    assert (server.ulimits.memlock, server.ulimits.stack) == (-1, 67108864)
    assert (server.restart.aiaa, server.restart.triton) == ("no", "unless-stopped")


def test_nothing_is_published_beyond_loopback_unless_told() -> None:
    assert Settings.parse(valid()).servers["main"].bind == "127.0.0.1"


@pytest.mark.parametrize(
    ("server", "deployer", "viewer"),
    [
        ({}, "http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ({"bind": "0.0.0.0", "port": 80}, "http://127.0.0.1:80", "http://127.0.0.1:80"),
        ({"bind": "::1"}, "http://[::1]:5000", "http://[::1]:5000"),
        ({"docker": "ssh://root@gpu1", "bind": "10.0.0.1"}, "http://gpu1:5000", "http://gpu1:5000"),
        ({"browser_url": "https://aiaa.example.org/"}, "http://127.0.0.1:5000", "https://aiaa.example.org"),
        ({"url": "http://10.0.0.1:5000"}, "http://10.0.0.1:5000", "http://10.0.0.1:5000"),
    ],
)
def test_a_server_has_an_address_for_who_deploys_and_one_for_browsers(
    server: dict[str, Any], deployer: str, viewer: str
) -> None:
    made = Settings.parse({"servers": {"main": server}}).servers["main"]
    assert (made.deployer_url, made.viewer_url) == (deployer, viewer)


def test_a_model_goes_to_all_servers_unless_some_are_named() -> None:
    settings = Settings.parse(valid())
    assert settings.models_of("main").keys() == {"spleen"}
    assert settings.models_of("far").keys() == {"spleen", "liver"}


def test_scopes_are_named_as_xnats_api_does() -> None:
    assert [scope for scope, _ in Settings.parse(valid()).registrations.by_scope()] == ["site", "projects/LIVER"]


def test_all_errors_are_told_together() -> None:
    raw = valid(servers={"main": {"port": 0, "gpus": 1}}, models={"m": {}})
    raw["registrations"] = {"site": "main", "projects": {"LIVER": "mian"}}
    keys = [line.partition(":")[0] for line in errors(raw)]
    assert keys == ["servers.main.port", "servers.main.gpus", "models.m", "registrations.projects.LIVER"]


def test_no_error_shows_a_password() -> None:
    told = errors(valid(xnat={"username": 1, "password": ["hunter2"], "passwort": "hunter2"}))
    assert told
    assert "hunter2" not in "\n".join(told)


def test_whole_numbers_that_lost_their_quotes_are_texts_again() -> None:
    raw = valid(models={"m": {"ngc": NGC | {"version": 2}}}, servers={"main": {"gpus": [0, 1]}, "far": {"port": 1}})
    del raw["registrations"]
    settings = Settings.parse(raw)
    assert settings.models["m"].ngc is not None
    assert settings.models["m"].ngc.version == "2"
    assert settings.servers["main"].gpus == ("0", "1")


def test_the_password_is_read_when_it_is_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def xnat(**password: str) -> Any:
        made = Settings.parse(valid(xnat={"url": XNAT["url"], "username": "u", **password})).xnat
        assert made
        return made

    assert xnat(password="one").read_password() == "one"
    from_environment = xnat(password_env="AIAA_TEST_PASSWORD")
    with pytest.raises(SettingsError, match=r"xnat\.password_env: the environment variable AIAA_TEST_PASSWORD is not"):
        from_environment.read_password()
    monkeypatch.setenv("AIAA_TEST_PASSWORD", "two")
    assert from_environment.read_password() == "two"
    from_file = xnat(password_file=str(tmp_path / "password"))
    with pytest.raises(SettingsError, match=r"xnat\.password_file: .* cannot be read"):
        from_file.read_password()
    (tmp_path / "password").write_text("three\n")
    assert from_file.read_password() == "three"
    (tmp_path / "password").write_bytes(b"\xef\xbb\xbffour\r\n")  # with a byte order mark, as some editors write it
    assert from_file.read_password() == "four"
    for nothing in (b"\n", b"\xef\xbb\xbf"):
        (tmp_path / "password").write_bytes(nothing)
        with pytest.raises(SettingsError, match="is empty"):
            from_file.read_password()


def test_a_registrys_name_is_that_of_a_host_in_any_letters() -> None:
    made = Settings.parse(valid(registries={"NVCR.io": {"username": "$oauthtoken", "password": "one"}}))
    assert list(made.registries) == ["nvcr.io"]


def test_the_password_of_a_registry_is_given_in_the_ways_of_xnats(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def registry(**password: str) -> Registry:
        made = Settings.parse(valid(registries={"nvcr.io": {"username": "$oauthtoken", **password}}))
        return made.registries["nvcr.io"]

    assert registry(password="one").read_password("nvcr.io") == "one"
    with pytest.raises(
        SettingsError, match=r"registries\.nvcr\.io\.password_env: the environment variable NO_KEY is not"
    ):
        registry(password_env="NO_KEY").read_password("nvcr.io")
    monkeypatch.setenv("NGC_KEY", "two")
    assert registry(password_env="NGC_KEY").read_password("nvcr.io") == "two"
    with pytest.raises(SettingsError, match=r"registries\.nvcr\.io\.password_file: .* cannot be read"):
        registry(password_file=str(tmp_path / "key")).read_password("nvcr.io")
    (tmp_path / "key").write_text("three\n")
    assert registry(password_file=str(tmp_path / "key")).read_password("nvcr.io") == "three"
    assert "hunter2" not in repr(registry(password="hunter2"))


def test_the_development_stack_is_valid_and_stays_on_loopback() -> None:
    config = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())["config"]
    config["xnat-aiaa:xnat"]["password"] = "decrypted"
    settings = Settings.parse({key.removeprefix("xnat-aiaa:"): value for key, value in config.items()})
    assert settings.sandbox
    assert settings.sandbox.xnat
    assert settings.xnat_url == "http://127.0.0.1:8080"
    assert {server.bind for server in settings.servers.values()} == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("written", "means"), [("all", ("all",)), (["all"], ("all",)), ([], ()), ([0, "1"], ("0", "1"))]
)
def test_gpus_are_all_none_or_some(written: object, means: tuple[str, ...]) -> None:
    assert Settings.parse({"servers": {"main": {"gpus": written}}}).servers["main"].gpus == means


@pytest.mark.parametrize(
    "address",
    [
        "unix:///run/user/1000/docker.sock",
        "ssh://gpu1",
        "ssh://some_alias",
        "ssh://DOM%5Cme.x-y@gpu1.example.org:2222",
        "ssh://me@[fe80::1%25eth0]:2222",
        "ssh://gpu1/run/user/1000/docker.sock",
        "tcp://gpu1",
        "tcp://[::1]:2376",
    ],
)
def test_every_address_of_an_engine_that_the_docker_cli_takes_is_taken(address: str) -> None:
    server = {"docker": address, "bind": "10.0.0.1"}
    assert Settings.parse({"servers": {"main": server}}).servers["main"].docker == address


@pytest.mark.parametrize(
    "names",
    [
        ["GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77", "1"],
        ["MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f"],
        ["MIG-GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77/1/0"],
        ["0:1"],
        ["nvidia.com/gpu=0", "nvidia.com/gpu=0:1"],
        ["nvidia.com/gpu=MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f"],
        ["nvidia.com/gpu=all"],
        ["management.nvidia.com/gpu=1"],
    ],
)
def test_gpus_slices_and_cdi_devices_are_named_as_their_tools_list_them(names: list[str]) -> None:
    assert Settings.parse({"servers": {"main": {"gpus": names}}}).servers["main"].gpus == tuple(names)
