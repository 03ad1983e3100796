"""What the program registers: one promise at a time. Every value of the containers is compared in tests/engine."""

from __future__ import annotations

import asyncio
import copy
import json
import zipfile
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, cast

import pulumi
import pytest

from clients import containers, networks
from clients.image_pull import Wanted
from components import images
from dynamic_providers.aiaa.present_address import container_of
from engines.ssh import OPTIONS
from operations.stack_file import Stack
from settings import Settings

from .conftest import GENERATION, Engine, Program

SPLEEN = "clara_pt_spleen_ct_segmentation"
NGC = {"path": f"nvidia/med/{SPLEEN}", "version": "1"}
HOSPITAL: dict[str, Any] = {
    "servers": {
        "main": {"gpus": ["0", "1"], "browser_url": "https://aiaa.example.org"},
        "far": {
            "port": 5001,
            "docker": "ssh://root@gpu2.example.org",
            "bind": "10.0.0.2",
            "workspace": "/srv/aiaa",
            "browser_url": "https://aiaa2.example.org",
        },
    },
    "models": {SPLEEN: {"ngc": NGC}, "quick": {"ngc": NGC, "servers": ["far"], "smoke_test": False}},
    "xnat": {"url": "https://xnat.example.org", "username": "svc", "password": "hunter2"},
    "registrations": {"site": "far", "projects": {"LIVER": "main"}},
}
SANDBOX = {**HOSPITAL, "xnat": {"username": "admin", "password": "admin"}, "sandbox": {"xnat": {"projects": ["LIVER"]}}}
Change = Callable[[dict[str, Any]], object]


def changed(base: Mapping[str, Any], change: Change) -> dict[str, Any]:
    made = copy.deepcopy(dict(base))
    change(made)
    return made


@pytest.fixture
def hospital(program: Program) -> Engine:
    return program(HOSPITAL)


def test_each_server_gets_its_network_containers_and_readiness(hospital: Engine) -> None:
    assert sorted(hospital.of_type("Network")) == ["far-aiaa", "main-aiaa"]
    assert sorted(hospital.of_type("Container")) == [
        *("far-aiaa", "far-prepare-workspace", "far-tritonserver"),
        *("main-aiaa", "main-prepare-workspace", "main-tritonserver"),
    ]
    assert hospital.inputs("Endpoint main")["url"] == "http://127.0.0.1:5000"
    assert hospital.inputs("Endpoint far")["url"] == "http://gpu2.example.org:5001"


def test_a_deleted_model_finds_its_servers_container_by_name(hospital: Engine) -> None:
    assert hospital.inputs("Container main-aiaa")["name"] == container_of("xnat-aiaa/tests", "main")


def test_damaged_model_files_are_all_reported_by_their_keys_and_nothing_is_made(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = Path("models/liver_demo").resolve()
    weights = (demo / "model.ts").read_bytes()
    for name in ("one", "two"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.write(demo / "config_aiaa.json", "config/config_aiaa.json")
            archive.writestr("models/model.ts", weights)
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content.replace(weights, weights[:99] + b"x" + weights[100:]))

    def nothing(_engine: Engine, args: Any) -> None:
        raise AssertionError(args.name)

    monkeypatch.setattr(Engine, "new_resource", nothing)
    with pytest.raises(pulumi.RunError) as failed:
        program({**HOSPITAL, "models": {name: {"mmar": str(tmp_path / name)} for name in ("one", "two")}})
    damage = "is damaged: Bad CRC-32 for file 'models/model.ts': copy or download it again"
    lines = [f"models.{name}.mmar: {tmp_path}/{name}: {damage}" for name in ("one", "two")]
    assert str(failed.value).splitlines() == ["Pulumi.tests.yaml", *lines]


def test_only_triton_asks_for_gpus_and_names_the_driver(hospital: Engine) -> None:
    assert not hospital.inputs("Container main-aiaa").get("deviceRequests")
    request = {"driver": "nvidia", "capabilities": ["gpu"], "deviceIds": ["0", "1"]}
    assert hospital.inputs("Container main-tritonserver")["deviceRequests"] == [request]


def test_cdi_devices_are_asked_of_the_cdi_driver_without_capabilities(program: Program) -> None:
    def name_cdi(wanted: dict[str, Any]) -> None:
        wanted["servers"]["main"]["gpus"] = ["nvidia.com/gpu=0"]

    made = program(changed(HOSPITAL, name_cdi))
    request = {"driver": "cdi", "deviceIds": ["nvidia.com/gpu=0"]}
    assert made.inputs("Container main-tritonserver")["deviceRequests"] == [request]
    assert made.inputs("HostCheck main")["gpus"] == ["nvidia.com/gpu=0"]


def test_identity_is_logical_so_addresses_and_containers_do_not_name_resources(program: Program) -> None:
    before = program(HOSPITAL).made.keys()

    def move(wanted: dict[str, Any]) -> None:
        wanted["servers"]["main"].update(port=6000, browser_url="http://other.example.org")
        wanted["xnat"]["url"] = "http://xnat2.example.org/xnat"

    assert program(changed(HOSPITAL, move)).made.keys() == before


def test_what_browsers_need_is_asked_once_for_each_registered_server(program: Program) -> None:
    made = program(changed(HOSPITAL, lambda wanted: wanted["registrations"].update(allow=["preflight"])))
    check = made.inputs("BrowserCheck main")
    assert (check["url"], check["xnat"]) == ("https://aiaa.example.org", "https://xnat.example.org")
    assert check["rules"] == ["path", "mixed_content", "loopback", "cors"]
    assert sorted(made.of_type("BrowserCheck")) == ["far", "main"]
    made = program(changed(HOSPITAL, lambda wanted: wanted["registrations"].pop("site")))
    assert made.of_type("BrowserCheck") == ["main"]


def test_access_knows_which_lists_stay_when_their_registrations_end(program: Program) -> None:
    projects = {"LIVER": "main", "LUNG": {"servers": ["main"], "on_delete": "keep"}}
    made = program(changed(HOSPITAL, lambda wanted: wanted["registrations"].update(projects=projects)))
    access = made.inputs("Access xnat")
    assert (access["projects"], access["kept"]) == (["LIVER", "LUNG"], ["LUNG"])


def test_models_go_to_the_servers_that_are_named_and_carry_the_workspaces_generation(hospital: Engine) -> None:
    assert sorted(hospital.of_type("Model")) == sorted([f"main/{SPLEEN}", f"far/{SPLEEN}", "far/quick"])
    model = hospital.inputs(f"Model main/{SPLEEN}")
    assert (model["ngc"], model["ngc_version"]) == (NGC["path"], "1")
    assert (model["generation"], model["owner"]) == (GENERATION, "xnat-aiaa/tests")


def test_another_workspace_makes_other_containers_as_a_mount_stays_with_a_folder_that_was_lost(
    hospital: Engine,
) -> None:
    for container in ("Container main-aiaa", "Container main-tritonserver"):
        assert {"label": "xnat-aiaa.workspace", "value": GENERATION} in hospital.inputs(container)["labels"]
    prepared = hospital.inputs("Workspace far")
    assert (prepared["location"], prepared["docker_host"]) == ("/srv/aiaa", "ssh://root@gpu2.example.org")
    assert prepared["used_by"] == ["xnat-aiaa-tests-far-aiaa"]


def test_docker_asks_aiaa_itself_for_its_models_as_often_as_the_stack_file_says(program: Program) -> None:
    wish = {"interval": 60, "timeout": 20, "retries": 5, "start_period": 3605}
    made = program(changed(HOSPITAL, lambda wanted: wanted["servers"]["main"].update(healthcheck=wish)))
    check = made.inputs("Container main-aiaa")["healthcheck"]
    assert check.pop("tests")[:3] == ["CMD", "python3", "-c"]
    # As Go writes durations: any other form would be a difference at each preview.
    assert check == {"interval": "1m0s", "timeout": "20s", "retries": 5, "startPeriod": "1h0m5s"}
    assert not made.inputs("Container main-tritonserver").get("healthcheck")


def test_every_container_and_network_takes_the_place_of_one_that_has_its_name(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = program(SANDBOX)
    assert len(made.hooks) == len(made.of_type("Container")) + len(made.of_type("Network"))
    removed = []
    monkeypatch.setattr(containers, "remove", lambda *place: removed.append(place))
    monkeypatch.setattr(networks, "remove", lambda *place: removed.append(place))
    for name, hook in made.hooks.items():
        hook(pulumi.ResourceHookArgs("urn", "", name, "type", new_inputs={"name": name}))
    assert {host for name, host in removed if "far" in name} == {"ssh://root@gpu2.example.org"}
    assert {host for name, host in removed if "far" not in name} == {None}
    assert len(removed) == len(made.hooks)


def test_the_docker_provider_goes_the_same_way_to_an_engine_as_our_own_calls(program: Program) -> None:
    made = program(HOSPITAL)
    given = made.inputs("docker far-engine")
    assert given["host"] == "ssh://root@gpu2.example.org"
    assert json.loads(given["sshOpts"]) == list(OPTIONS)
    assert made.of_type("docker") == ["far-engine"]


def test_images_are_there_before_anything_is_made_or_replaced_for_a_server(hospital: Engine) -> None:
    assert sorted(hospital.of_type("Image")) == [
        *("far/aiaa", "far/tritonserver", "main/aiaa", "main/tritonserver"),
    ]
    triton = hospital.inputs("Image far/tritonserver")
    assert triton["image"] == hospital.inputs("Container far-tritonserver")["image"]
    assert triton["docker_host"] == "ssh://root@gpu2.example.org"
    order = list(hospital.made)
    for later in ("Container far-prepare-workspace", "Container far-aiaa", "docker far-engine"):
        assert order.index("HostCheck far") < order.index("Image far/tritonserver") < order.index(later)


def test_images_that_the_stack_builds_are_not_pulled_and_those_that_it_names_are(program: Program) -> None:
    assert program(SANDBOX).of_type("Image") == []
    own = changed(SANDBOX, lambda wanted: wanted["servers"]["main"].update(images={"aiaa": "registry.example.org/a:1"}))
    made = program(own)
    assert sorted(made.of_type("Image")) == ["main/aiaa", "main/tritonserver"]
    assert made.inputs("Image main/aiaa")["image"] == "registry.example.org/a:1"


def test_an_image_is_pulled_with_the_login_of_its_registry_and_no_resource_holds_that(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvcr = {"username": "$oauthtoken", "password": "ngc-key-4711"}
    made = program(changed(HOSPITAL, lambda wanted: wanted.update(registries={"nvcr.io": nvcr})))
    assert "ngc-key-4711" not in str([args.inputs for args in made.made.values()])
    wanted: list[Wanted] = []

    async def pulled(image: Wanted, *_: object) -> str:
        wanted.append(image)
        return "sha256:1"

    monkeypatch.setattr(images, "pulled", pulled)
    for inputs in ({"image": "nvcr.io/nvidia/x:1", "docker_host": "ssh://gpu1"}, {"image": "nvcr.example.org/x:1"}):
        hook = made.hooks["image-main/aiaa-pulled"]
        args = pulumi.ResourceHookArgs("urn", "", "name", "type", new_inputs=inputs)
        asyncio.get_event_loop().run_until_complete(cast(Coroutine[Any, Any, None], hook(args)))
    assert wanted == [
        Wanted("ssh://gpu1", "nvcr.io/nvidia/x:1", ("$oauthtoken", "ngc-key-4711")),
        Wanted(None, "nvcr.example.org/x:1"),
    ]


def test_files_of_pulls_that_cannot_be_written_are_one_line(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    async def pulled(*_: object) -> str:
        raise PermissionError(13, "Permission denied", "/cache/pulls")

    monkeypatch.setattr(images, "pulled", pulled)
    hook = program(HOSPITAL).hooks["image-main/aiaa-pulled"]
    args = pulumi.ResourceHookArgs("urn", "", "name", "type", new_inputs={"image": "nvcr.io/nvidia/x:1"})
    line = r"^image nvcr\.io/nvidia/x:1: /cache/pulls: Permission denied: check that this user can write to .*has room$"
    with pytest.raises(RuntimeError, match=line):
        asyncio.get_event_loop().run_until_complete(cast(Coroutine[Any, Any, None], hook(args)))


def test_a_model_has_a_smoke_test_unless_told_otherwise(hospital: Engine) -> None:
    assert sorted(hospital.of_type("SmokeTest")) == [f"far/{SPLEEN}", f"main/{SPLEEN}"]
    assert hospital.inputs(f"SmokeTest main/{SPLEEN}")["tested"]["aiaa"] == "id-of-main-aiaa"


def test_xnat_is_told_what_browsers_use(hospital: Engine) -> None:
    assert hospital.inputs("AiaaServers projects/LIVER")["urls"] == ["https://aiaa.example.org"]
    assert hospital.inputs("AiaaServers site")["urls"] == ["https://aiaa2.example.org"]


def test_no_input_of_any_resource_holds_the_password(hospital: Engine) -> None:
    assert "hunter2" not in str([args.inputs for args in hospital.made.values()])


def test_a_workspace_in_a_folder_has_no_volume_to_lose(hospital: Engine) -> None:
    assert sorted(hospital.of_type("Volume")) == ["main-triton-models", "main-workspace"]
    mounts = {mount["containerPath"]: mount for mount in hospital.inputs("Container far-tritonserver")["volumes"]}
    assert mounts["/triton_models"]["hostPath"] == "/srv/aiaa/triton_models"


def test_everything_on_an_engine_is_labelled_with_project_and_stack(program: Program) -> None:
    made = program(SANDBOX)
    for kind in ("Container", "Network", "Volume"):
        for name in made.of_type(kind):
            labels = {label["label"]: label["value"] for label in made.inputs(f"{kind} {name}")["labels"]}
            assert labels.items() >= {"xnat-aiaa.project": "xnat-aiaa", "xnat-aiaa.stack": "tests"}.items()


def test_bin_aiaa_knows_the_containers_by_their_names(program: Program) -> None:
    """It may not import components, so it spells the names by itself."""
    made = program(SANDBOX)
    stack = Stack("tests", Settings.parse(SANDBOX))
    for resource, name in (
        ("Container main-aiaa", stack.container("main", "aiaa")),
        ("Container main-tritonserver", stack.container("main", "tritonserver")),
        ("Container sandbox-xnat", stack.container("sandbox", "xnat")),
    ):
        assert made.inputs(resource)["name"] == name


def test_a_sandbox_runs_the_stand_ins_with_the_same_command_lines(program: Program, hospital: Engine) -> None:
    made = program(SANDBOX)
    for container in ("Container main-aiaa", "Container main-tritonserver"):
        assert made.inputs(container)["command"] == hospital.inputs(container)["command"]
        assert made.inputs(container)["image"].startswith("xnat-aiaa-tests-sandbox:")
    assert made.inputs("Access xnat")["url"] == "http://127.0.0.1:8080"


def test_images_that_are_named_run_in_a_sandbox_too(program: Program) -> None:
    images = {"aiaa": "registry.example.org/aiaa:1", "triton": "registry.example.org/triton:1"}
    made = program(changed(SANDBOX, lambda wanted: wanted["servers"]["main"].update(images=images)))
    assert made.inputs("Container main-aiaa")["image"] == images["aiaa"]


def test_wrong_settings_register_nothing_and_name_the_stack_file(program: Program) -> None:
    with pytest.raises(
        pulumi.RunError, match=r"^Pulumi\.tests\.yaml\nservers\.main\.prt: unknown key; did you mean 'port'\?$"
    ):
        program(changed(HOSPITAL, lambda wanted: wanted["servers"]["main"].update(prt=1)))


def test_a_sandbox_without_its_base_image_says_how_to_get_it(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        return {}, [("name", "1 error occurred:\n\t* did not find the image\n\n")]

    monkeypatch.setattr(Engine, "call", fail)
    with pytest.raises(pulumi.RunError, match=r"run `make up`, .* said: did not find the image"):
        program(SANDBOX)


def test_a_sandbox_on_an_engine_that_is_gone_names_the_engine(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        return {}, [("name", "1 error occurred:\n\t* Error pinging Docker server, has a '_ping' endpoint.\n\n")]

    monkeypatch.setattr(Engine, "call", fail)
    monkeypatch.setenv("DOCKER_HOST", "unix:///none.sock")
    told = (
        r"^sandbox: Docker engine unix:///none\.sock did not answer: No such file or directory: start it, .* "
        r"\(`make up` starts the project's own engine\)$"
    )
    with pytest.raises(pulumi.RunError, match=told):
        program(SANDBOX)


def test_the_host_is_tried_for_each_server_and_the_sandboxs_xnat(program: Program) -> None:
    made = program(SANDBOX)
    assert sorted(made.of_type("HostCheck")) == ["far", "main", "sandbox"]
    tried = made.inputs("HostCheck main")
    assert (tried["key"], tried["port"], tried["gpus"]) == ("servers.main", 5000, ["0", "1"])
    assert tried["holder"] == made.inputs("Container main-aiaa")["name"]
    assert made.inputs("HostCheck sandbox")["holder"] == made.inputs("Container sandbox-xnat")["name"]


PLUGIN = {
    "version": "3.7.2",
    "url": "https://store.example.org/ohif-viewer-3.7.2-fat.jar",
    "sha256": "0" * 64,
    "host": "ssh://admin@xnat.example.org",
    "restart": "systemctl restart tomcat9",
}


def with_plugin(program: Program, **more: Any) -> Engine:
    return program(HOSPITAL | {"viewer_plugin": PLUGIN | more})


def test_the_plugin_is_loaded_before_anything_is_registered(program: Program) -> None:
    made = list(with_plugin(program).made)
    assert made.index("Command viewer-plugin") < made.index("ViewerPlugin xnat") < made.index("Access xnat")


def test_the_plugin_stays_at_a_destroy_unless_told(program: Program) -> None:
    assert with_plugin(program).inputs("Command viewer-plugin").get("delete") is None
    taken = with_plugin(program, on_destroy="restore")
    restored = taken.inputs("Command viewer-plugin-removal-restarts-xnat")
    assert restored["delete"] == "sh components/xnat_host/deploy.sh restore"
    assert taken.of_type("Command") == ["viewer-plugin-removal-restarts-xnat"]
    by_a_person = with_plugin(program, on_destroy="restore", restart="none")
    assert by_a_person.inputs("Command viewer-plugin")["delete"] == restored["delete"]


def test_values_reach_the_plugins_command_as_variables_and_never_in_it(program: Program) -> None:
    odd = "/data/it's $HOME; `x`/plugins"
    command = with_plugin(program, plugins_dir=odd).inputs("Command viewer-plugin")
    assert command["create"] == "sh components/xnat_host/deploy.sh install"
    assert command["environment"]["PLUGINS_DIR"] == odd
    assert "hunter2" not in str(command)


def test_where_a_person_restarts_xnat_nothing_waits_for_the_plugin(program: Program) -> None:
    made = with_plugin(program, restart="none")
    assert made.of_type("ViewerPlugin") == ["viewer-plugin"]  # the component, and not what waits


@pytest.mark.parametrize(
    ("settings", "before", "said"),
    [
        (
            {},
            None,
            "XNAT https://xnat.example.org will restart (`systemctl restart tomcat9` on ssh://admin@xnat.example.org) "
            "unless it has ohif-viewer-3.7.2.jar already: the sessions of all its users end, and uploads and metadata "
            "generations under way are lost",
        ),
        (
            {"restart": "none"},
            None,
            "XNAT https://xnat.example.org: ohif-viewer-3.7.2.jar is put in place; a person has to restart XNAT soon "
            "after",
        ),
        (
            {},
            {"START_TIMEOUT": "5"},
            "XNAT https://xnat.example.org may restart (`systemctl restart tomcat9` on ssh://admin@xnat.example.org), "
            "if ohif-viewer-3.7.2.jar is not in place: the sessions of all its users end, and uploads and metadata "
            "generations under way are lost",
        ),
        (
            {"restart": "none"},
            {"LOG": "cat log"},
            "XNAT https://xnat.example.org: the viewer plugin is looked at, and put in place if it is not there",
        ),
        (
            {},
            {"RESTART": "none"},
            "XNAT https://xnat.example.org will restart (`systemctl restart tomcat9` on ssh://admin@xnat.example.org), "
            "as nothing tells whether a person did so since the jars changed: the sessions of all its users end, and "
            "uploads and metadata generations under way are lost",
        ),
    ],
    ids=["new", "by a person", "same jar", "same jar by a person", "by a person before"],
)
def test_what_becomes_of_xnats_users_is_said_in_words(
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
    before: dict[str, str] | None,
    said: str,
) -> None:
    made = with_plugin(program, **settings)
    new = made.inputs("Command viewer-plugin")
    old = None if before is None else {**new, "environment": {**new["environment"], **before}}
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", told.append)
    monkeypatch.setattr(pulumi.log, "info", told.append)
    hook = made.hooks["viewer-plugin-announced"]
    assert hook.opts is not None
    assert hook.opts.on_dry_run
    hook(pulumi.ResourceHookArgs("urn", "", "viewer-plugin", "type", new_inputs=new, old_inputs=old))
    assert told == [said]


def test_a_check_that_failed_in_an_earlier_run_is_announced_but_not_beside_a_change_of_the_jar(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", told.append)
    checked = pulumi.ResourceHookArgs("urn", "", "xnat", "type")
    made = with_plugin(program)
    made.hooks["viewer-plugin-check-announced"](checked)
    assert told == [
        "XNAT https://xnat.example.org may restart (`systemctl restart tomcat9` on ssh://admin@xnat.example.org), if "
        "ohif-viewer-3.7.2.jar is not in place: the sessions of all its users end, and uploads and metadata "
        "generations under way are lost"
    ]
    jar = pulumi.ResourceHookArgs("urn", "", "viewer-plugin", "type", new_inputs=made.inputs("Command viewer-plugin"))
    made.hooks["viewer-plugin-announced"](jar)
    del told[:]
    made.hooks["viewer-plugin-check-announced"](checked)
    assert told == []
