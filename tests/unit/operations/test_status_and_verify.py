"""What is seen of servers, models and XNAT, and what is told where one of them is dead."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from clients.aiaa import AiaaClient
from clients.smoke_image import volume
from model_files.config import Declared
from operations import models, registrations, servers, status, verify
from operations.browsers import BrowserView
from operations.errors import CommandFailed
from operations.models import ModelState
from operations.servers import ContainerState
from operations.stack_file import Stack
from sandbox.faults import Fault
from sandbox.serve import serve
from sandbox.xnat.aiaa_api import TOOL
from sandbox.xnat.app import create_app
from sandbox.xnat.site import Site
from settings import Server, Settings
from tests.support.aiaa_stand_in import AiaaStandIn
from tests.support.certificate import certificate
from tests.support.free_port import free_port

from .conftest import SPLEEN, register, stack_of

LIVER = Path(__file__).parents[3] / "models" / "liver_demo"
RUNNING = {"aiaa": "running, healthy", "tritonserver": "running"}


def with_containers(monkeypatch: pytest.MonkeyPatch, states: Mapping[str, str]) -> None:
    """In place of a Docker engine."""

    def look(stack: Stack, name: str) -> tuple[tuple[ContainerState, ...], str]:
        return tuple(ContainerState(stack.container(name, role), state) for role, state in states.items()), ""

    monkeypatch.setattr(servers, "_containers", look)


def test_a_stack_that_is_well_is_well(
    monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any], aiaa: AiaaStandIn, xnat: str
) -> None:
    with_containers(monkeypatch, RUNNING)
    register(xnat, "projects/LIVER", [aiaa.url])
    seen = status.look(stack_of(wanted), infer=True)
    assert seen.well
    assert [(model.model, model.state) for model in seen.models] == [(SPLEEN, "infers")]
    assert seen.models[0].told.startswith("mask of 64 x 64 x 64 voxels")
    assert [(view.comes_from, view.url) for view in seen.browsers] == [("project", aiaa.url)]


def test_a_dead_engine_hides_the_containers_and_nothing_else(wanted: dict[str, Any]) -> None:
    server = servers.look(stack_of(wanted), "main")
    assert server.state == "up"
    assert server.containers == ()
    assert "did not answer" in server.told
    assert "docker info" in server.told


def test_a_server_hangs_if_its_page_answers_and_its_list_does_not(
    monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any], aiaa: AiaaStandIn
) -> None:
    with_containers(monkeypatch, {**RUNNING, "aiaa": "running, unhealthy"})
    monkeypatch.setattr(servers, "_PATIENCE", 0.5)
    aiaa.app.state.faults.set(Fault("/v1/models", "hang"))
    server = servers.look(stack_of(wanted), "main")
    assert server.state == "hung"
    engine = wanted["servers"]["main"]["docker"]
    assert f"run `docker --host {engine} restart xnat-aiaa-tests-main-aiaa`" in server.told
    assert [model.state for model in models.look(stack_of(wanted), server, infer=True)] == ["unknown"]
    assert aiaa.triton.inferences == []


def test_a_server_that_does_not_answer_at_all_is_down(monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any]) -> None:
    with_containers(monkeypatch, RUNNING)
    wanted["servers"]["main"]["url"] = f"http://127.0.0.1:{free_port()}"
    server = servers.look(stack_of(wanted), "main")
    assert server.state == "down"
    assert "connection failed" in server.told


@pytest.mark.parametrize("state", ["exited, exit code 137", "exited, out of memory", "absent", "paused"])
def test_a_container_that_does_not_run_is_told_with_the_way_on(
    monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any], state: str
) -> None:
    with_containers(monkeypatch, {**RUNNING, "tritonserver": state})
    server = servers.look(stack_of(wanted), "main")
    assert server.state == "wrong"
    assert server.told == (
        f"container xnat-aiaa-tests-main-tritonserver is {state}: run `bin/pulumi refresh`, then `bin/pulumi up`; "
        "`bin/aiaa logs main` tells more"
    )


def test_a_server_that_answers_nonsense_is_wrong(
    monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any], aiaa: AiaaStandIn
) -> None:
    with_containers(monkeypatch, RUNNING)
    aiaa.app.state.faults.set(Fault("/v1/models", "html"))
    server = servers.look(stack_of(wanted), "main")
    assert server.state == "wrong"
    assert "an HTML page titled 'Log in'" in server.told


def test_models_are_listed_absent_or_not_of_the_stack(
    monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any], aiaa: AiaaStandIn
) -> None:
    with_containers(monkeypatch, RUNNING)
    wanted["models"] = {"gone": wanted["models"][SPLEEN], "quiet": {**wanted["models"][SPLEEN], "smoke_test": False}}
    stack = stack_of(wanted)
    found = {model.model: model for model in models.look(stack, servers.look(stack, "main"), infer=True)}
    assert {name: model.state for name, model in found.items()} == {
        "gone": "absent",
        "quiet": "absent",
        SPLEEN: "listed",
    }
    assert "bin/pulumi refresh" in found["gone"].told
    assert found[SPLEEN].told == "not in the stack file"
    assert aiaa.triton.inferences == []


def test_a_list_that_is_not_the_stack_files_is_told_and_hides_the_sites(
    wanted: dict[str, Any], aiaa: AiaaStandIn, xnat: str
) -> None:
    register(xnat, "site", [aiaa.url])
    other = f"http://127.0.0.1:{free_port()}/prefix"
    register(xnat, "projects/LIVER", [other])
    trouble, views = registrations.look(stack_of(wanted))
    assert trouble == ""
    assert views[0].url == other
    assert [
        any(word in problem for problem in views[0].problems)
        for word in ("the stack file says", "drops the path", "connection failed")
    ] == [True] * 3
    assert len(views[0].problems) == 3


def test_a_project_without_a_list_uses_the_sites_and_that_is_told(
    wanted: dict[str, Any], aiaa: AiaaStandIn, xnat: str
) -> None:
    register(xnat, "site", [aiaa.url])
    _, views = registrations.look(stack_of(wanted))
    assert (views[0].comes_from, views[0].url) == ("site", aiaa.url)
    assert views[0].problems[0].startswith("XNAT has no list, the stack file says")


def test_a_wrong_password_is_tried_once_and_told(wanted: dict[str, Any], site: Any, xnat: str) -> None:
    del site, xnat
    wanted["xnat"]["password"] = "tangerine-4711"
    trouble, views = registrations.look(stack_of(wanted))
    assert "the log-in of admin was refused" in trouble
    assert "tangerine" not in trouble
    assert views == []


def test_an_expired_password_is_reported_with_what_to_do(wanted: dict[str, Any], site: Site, xnat: str) -> None:
    site.accounts.users["admin"].password_expired = True
    message, _ = registrations.look(stack_of(wanted))
    assert message.startswith(
        f"the password of admin has expired: log in once as admin at {xnat} in a browser, set a new"
    )


def test_an_unknown_project_does_not_hide_the_others(wanted: dict[str, Any], aiaa: AiaaStandIn, xnat: str) -> None:
    register(xnat, "projects/LIVER", [aiaa.url])
    wanted["registrations"]["projects"]["NOSUCH"] = "main"
    _, views = registrations.look(stack_of(wanted))
    assert {view.scope: bool(view.problems) for view in views} == {"projects/LIVER": False, "projects/NOSUCH": True}


def test_of_a_list_that_could_not_be_read_no_server_is_told(
    wanted: dict[str, Any],
    aiaa: AiaaStandIn,
    xnat: str,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    site.accounts.add("svc", "svc", roles={"Administrator"})
    register(xnat, "site", [aiaa.url])
    register(xnat, "projects/LIVER", ["http://liver.example.org:5000"])
    wanted["xnat"].update(username="svc", password="svc")
    with_containers(monkeypatch, RUNNING)
    seen = status.look(stack_of(wanted), infer=False)
    (view,) = seen.browsers
    (problem,) = view.problems
    assert view == BrowserView("projects/LIVER", "", "", (problem,), known=False)
    assert "may not read project LIVER" in problem
    status.show(seen, xnat)
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("projects/LIVER")]
    assert row.split()[1:3] == ["unknown", "-"]


@pytest.mark.parametrize("stored", ["nonsense", "null"])
def test_what_is_no_list_sends_browsers_on_to_the_sites(
    wanted: dict[str, Any], aiaa: AiaaStandIn, xnat: str, site: Site, stored: str
) -> None:
    register(xnat, "site", [aiaa.url])
    site.config.write(TOOL, "project-json", "LIVER", stored, user="owner", reason="", unversioned=True)
    _, (view,) = registrations.look(stack_of(wanted))
    assert (view.comes_from, view.url, view.known) == ("site", aiaa.url, True)
    assert f"there is no list of servers: {stored}" in view.problems[0]


def test_the_authority_of_xnat_is_trusted_for_servers_too(
    wanted: dict[str, Any], xnat: str, site: Site, tmp_path: Path
) -> None:
    cert, key = certificate(tmp_path)
    with serve(create_app(site.options, site), ssl_certfile=cert, ssl_keyfile=key) as url:
        register(xnat, "projects/LIVER", [url])
        wanted["xnat"].update(url=url, ca_file=cert)
        wanted["registrations"]["allow"] = ["mixed_content"]
        _, (view,) = registrations.look(stack_of(wanted))
    assert f"from this machine, GET {url}/v1/models: answered 404" in " ".join(view.problems)


def test_verify_asks_a_server_that_lists_nothing_for_no_inference(
    monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any], aiaa: AiaaStandIn
) -> None:
    with_containers(monkeypatch, RUNNING)
    monkeypatch.setattr(servers, "_PATIENCE", 0.5)
    aiaa.app.state.faults.set(Fault("/v1/models", "hang"))
    results = verify.run(stack_of(wanted))
    assert not verify.well(results)
    assert [result.told.startswith("server main is hung: it hangs") for result in results] == [True]
    assert aiaa.triton.inferences == []


def test_verify_tries_every_model_with_a_smoke_test(
    monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any], aiaa: AiaaStandIn
) -> None:
    with_containers(monkeypatch, RUNNING)
    wanted["models"]["quiet"] = {**wanted["models"][SPLEEN], "smoke_test": False}
    results = verify.run(stack_of(wanted))
    assert [(result.model, result.state) for result in results] == [(SPLEEN, "infers")]
    assert verify.well(results)
    aiaa.app.state.faults.set(Fault("/v1/segmentation", "status", status=500))
    failed = verify.run(stack_of(wanted))
    assert not verify.well(failed)
    assert "answered 500" in failed[0].told


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Fault("/session/", "status", status=500), 'shows a clinician "Failed to create AIAA Session!'),
        (Fault("/session/", "html"), 'shows a clinician "Failed to create AIAA Session!'),
        (Fault("/v1/*", "status", status=500, query="*session_id=*"), f'shows a clinician "Failed to run {SPLEEN}!'),
        (Fault("/v1/*", "status", status=440, query="*session_id=*"), f'shows a clinician "Failed to run {SPLEEN}!'),
    ],
)
def test_a_server_on_which_no_viewer_can_work_fails_even_if_an_image_sent_with_the_inference_works(
    monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any], aiaa: AiaaStandIn, broken: Fault, message: str
) -> None:
    with_containers(monkeypatch, RUNNING)
    aiaa.app.state.faults.set(broken)
    (verified,) = verify.run(stack_of(wanted))
    assert (verified.state, message in verified.told) == ("fails", True)
    seen = status.look(stack_of(wanted), infer=True)
    assert not seen.well
    assert [(model.state, message in model.told) for model in seen.models] == [("fails", True)]
    with AiaaClient(aiaa.url) as client:
        (entry,) = client.models()
        assert client.infer(entry, volume(Declared()), "image.nii.gz", 30).image


def test_verify_leaves_no_session_behind(
    monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any], aiaa: AiaaStandIn, tmp_path: Path
) -> None:
    with_containers(monkeypatch, RUNNING)
    assert verify.well(verify.run(stack_of(wanted)))
    aiaa.app.state.faults.set(Fault("/v1/segmentation", "status", status=500))
    assert not verify.well(verify.run(stack_of(wanted)))
    assert list((tmp_path / "workspace" / "sessions").iterdir()) == []


def test_junit_tells_what_passed_and_what_failed_whatever_the_server_said(
    wanted: dict[str, Any], tmp_path: Path
) -> None:
    results = [ModelState("main", "a", "infers", "mask", 1.5), ModelState("main", "b", "fails", "bad \x00 <&> \x1b[0m")]
    verify.write_junit(tmp_path / "results.xml", stack_of(wanted), results)
    suite = ElementTree.parse(tmp_path / "results.xml").getroot().find("testsuite")  # noqa: S314 - we wrote it
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("time")) == ("2", "1", "1.500")
    failure = suite.find("testcase[@name='b']/failure")
    assert failure is not None
    assert failure.get("message") == "bad   <&>  [0m"


def test_a_junit_file_that_cannot_be_written_is_one_line(wanted: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"--junit .*: cannot be written: No such file or directory: name a file"):
        verify.write_junit(tmp_path / "none" / "results.xml", stack_of(wanted), [])


def test_json_and_tables_hold_the_same_and_no_password(
    monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any], aiaa: AiaaStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    with_containers(monkeypatch, RUNNING)
    wanted["xnat"]["password"] = "tangerine-4711"
    stack = stack_of(wanted)
    seen = status.look(stack, infer=False)
    document = json.loads(status.as_json(stack, seen))
    status.show(seen, stack.settings.xnat_url)
    table = capsys.readouterr().out
    assert document["well"] is False
    assert document["servers"][0]["url"] == aiaa.url
    assert document["servers"][0]["models"] == [SPLEEN]
    assert aiaa.url in table
    assert document["xnat"]["told"] in table
    assert "tangerine" not in table + json.dumps(document)


def four_channels(folder: Path) -> tuple[Path, Path]:
    """A configuration, and an MMAR with it."""
    document = json.loads((LIVER / "config_aiaa.json").read_text())
    document["inference"]["TRITON"]["triton_model_config"]["input"][0]["dims"] = [4, 32, 32, 32]
    config = folder / "config_aiaa.json"
    config.write_text(json.dumps(document))
    with zipfile.ZipFile(folder / "mmar.zip", "w") as archive:
        archive.write(config, "config/config_aiaa.json")
        archive.write(LIVER / "model.ts", "models/model.ts")
    return config, folder / "mmar.zip"


@pytest.mark.parametrize("answer", [None, {"name": SPLEEN}, {"inference": {}}])
@pytest.mark.parametrize("source", ["local", "mmar"])
def test_a_model_is_tried_with_the_image_of_its_configuration_also_if_the_server_does_not_show_that(
    monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any], tmp_path: Path, answer: Any, source: str
) -> None:
    config, mmar = four_channels(tmp_path)
    local = {"config": str(config), "data": str(LIVER / "model.ts")}
    wanted["models"] = {SPLEEN: {"local": local} if source == "local" else {"mmar": str(mmar)}}
    tried: list[Declared | None] = []

    def run(*_args: Any, declared: Declared | None) -> str:
        tried.append(declared)
        return "answered"

    monkeypatch.setattr(AiaaClient, "config", lambda _self, _name: answer)
    monkeypatch.setattr("clients.smoke_test.run", run)
    assert verify.well(verify.run(stack_of(wanted)))
    assert tried == [Declared() if answer == {"inference": {}} else Declared(4, (32, 32, 32))]


def test_a_server_that_hangs_on_an_engine_with_tls_is_restarted_with_its_certificate(wanted: dict[str, Any]) -> None:
    wanted["servers"]["main"] |= {"docker": "tcp://gpu1:2376", "docker_cert_path": "certs"}
    stack = Stack("tests", Settings.model_construct(servers={"main": Server.model_validate(wanted["servers"]["main"])}))
    command = "env DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=certs docker --host tcp://gpu1:2376 restart xnat-aiaa-tests-"
    assert f"run `{command}main-aiaa`" in servers._hung(stack, "main")
