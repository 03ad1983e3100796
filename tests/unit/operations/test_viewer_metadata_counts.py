"""`bin/aiaa viewer-metadata`: what it says is done, failed, left out or not known, and that none of it is a guess."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Literal

import pytest

from clients.build_target import Target
from clients.xnat_viewer import ViewerClient
from operations.metadata.notes import Noted
from sandbox.faults import Fault
from sandbox.xnat.archive import Experiment
from tests.support.until import until
from tests.support.viewer_metadata import Run, Xnat, xnat_stand_in

LIVER = "projects/LIVER"
ALL = ("--project", "LIVER", "--no-missing-only")
IDS = [f"XNAT_E{number:05d}" for number in range(1, 7)]


def add(xnat: Xnat, *ids: str) -> None:
    sessions = xnat.site.archive.projects["LIVER"].experiments
    sessions.extend(Experiment(each, f"label of {each}", "XNAT_S00001", "2024-01-01") for each in ids)


def take_out(xnat: Xnat, *ids: str) -> None:
    project = xnat.site.archive.projects["LIVER"]
    project.experiments = [each for each in project.experiments if each.id not in ids]


def note(xnat: Xnat, target: Target, missing: tuple[str, ...] = (), had: int = 0, **facts: Any) -> None:
    with xnat.holding_notes() as notes:
        notes.write(Noted(target, "admin", time.time(), missing, had, **facts))


def last_line(said: str) -> str:
    return said.splitlines()[-1]


@pytest.fixture
def vanishing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """IDs of sessions that XNAT lists and no longer has when it is asked for one."""
    ids: list[str] = []
    listed = ViewerClient.image_sessions

    def image_sessions(client: ViewerClient, project: str, subject: str | None = None) -> Any:
        real = listed(client, project, subject)
        sample = real[0]
        return [*real, *(type(sample)(project, each, f"label of {each}") for each in ids)]

    monkeypatch.setattr(ViewerClient, "image_sessions", image_sessions)
    return ids


def test_all_that_is_missing_is_asked_for_once_more_when_the_log_says_that_it_is_over(tmp_path: Path, run: Run) -> None:
    log = tmp_path / "ohifviewer.log"
    with xnat_stand_in(tmp_path / "notes", log=log) as xnat:
        add(xnat, *(f"XNAT_E1{number:04d}" for number in range(54)))
        # The answer is lost, and XNAT is done when it is looked at for the first time.
        xnat.plan.set(Fault(f"/xapi/viewer/{LIVER}", "status", method="POST", status=504, applied=True))
        code, said, _ = run(xnat, *ALL, "--log-file", str(log))
        assert (code, last_line(said)) == (0, "project LIVER: done 60 of 60, 0 failed")
        assert xnat.noted() == []


def test_a_watch_that_is_picked_up_counts_from_the_request_on(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        xnat.metadata.revisions = dict.fromkeys(IDS[:5], 2)
        note(xnat, Target("project", "LIVER"), tuple(IDS))
        for _ in range(2):
            code, said, _ = run(xnat, *ALL, "--patience", "0.2")
            assert (code, last_line(said)) == (1, "project LIVER: done 5 of 6, 0 failed")
        xnat.metadata.revisions[IDS[5]] = 2
        code, said, _ = run(xnat, *ALL)
        assert (code, last_line(said)) == (0, "project LIVER: done 6 of 6, 0 failed")
        assert "had metadata before" not in said
        assert xnat.posts() == {}


def test_a_session_that_came_after_the_request_is_not_done_with_it(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        xnat.metadata.revisions = dict.fromkeys(IDS, 2)
        note(xnat, Target("project", "LIVER"), tuple(IDS))
        add(xnat, "XNAT_E00099")
        code, said, _ = run(xnat, *ALL)
        assert (code, last_line(said)) == (1, "project LIVER: done 6 of 7, 0 failed")
        assert "1 sessions came after the request of" in said
        assert "label of XNAT_E00099: `bin/aiaa viewer-metadata" in said
        assert xnat.posts() == {}


@pytest.mark.parametrize("args", [("--project", "LIVER"), ALL])
def test_what_xnat_does_not_know_as_an_imaging_session_is_left_out_by_name(
    tmp_path: Path, run: Run, vanishing: list[str], args: tuple[str, ...]
) -> None:
    vanishing.append("XNAT_E00099")
    with xnat_stand_in(tmp_path) as xnat:
        began = time.monotonic()
        code, said, _ = run(xnat, *args, "--patience", "30")
        assert time.monotonic() - began < 20
        assert (code, last_line(said)) == (0, "project LIVER: done 6 of 6, 0 failed")
        assert "left out: session XNAT_E00099 (label of XNAT_E00099) of project LIVER: GET" in said
        document = json.loads(run(xnat, *args, "--json")[1])
        assert [each["session"] for each in document["left_out"]] == ["XNAT_E00099"]
        assert not any(path.endswith("XNAT_E00099") for path in xnat.posts())


def test_a_session_that_is_named_and_does_not_exist_is_a_failure(
    tmp_path: Path, run: Run, vanishing: list[str]
) -> None:
    vanishing.append("XNAT_E00099")
    with xnat_stand_in(tmp_path) as xnat:
        code, said, _ = run(xnat, "--project", "LIVER", "--session", "XNAT_E00099")
        assert code == 1
        assert last_line(said).endswith("done 0 of 1, 1 failed")
        assert xnat.posts() == {}


@pytest.mark.parametrize("args", [("--project", "LIVER"), ALL])
def test_a_session_that_is_taken_out_meanwhile_is_not_done(tmp_path: Path, args: tuple[str, ...]) -> None:
    with xnat_stand_in(tmp_path, build_seconds=0.7, build_threads=1) as xnat:
        with xnat.begin(*args, "--patience", "10") as process:
            until(lambda: xnat.metadata.accepted)
            take_out(xnat, "XNAT_E00001")
            said, _ = process.communicate(timeout=60)
        assert (process.returncode, last_line(said)) == (0, "project LIVER: done 5 of 5, 0 failed")
        assert "left out: session XNAT_E00001" in said
        assert max(xnat.posts().values()) == 1


@pytest.mark.parametrize(("times", "code"), [(8, 0), (None, 1)])
def test_an_end_that_cannot_be_looked_at_is_asked_for_again_and_never_sent_again(
    tmp_path: Path, times: int | None, code: int
) -> None:
    with xnat_stand_in(tmp_path, build_seconds=0.5) as xnat:
        with xnat.begin(*ALL, "--patience", "2", "--interval", "0.5") as process:
            until(lambda: xnat.metadata.accepted)
            xnat.plan.set(Fault("*/exists", "status", status=503, times=times))
            said, _ = process.communicate(timeout=60)
        assert process.returncode == code, said
        if code:
            assert "it has ended, and XNAT could not be asked what came of it" in said
            xnat.plan.set()
            again, said, _ = xnat.run(*ALL)
            assert again == 0
        assert last_line(said) == "project LIVER: done 6 of 6, 0 failed"
        assert xnat.posts() == {LIVER: 1}
        assert xnat.noted() == []


def test_a_session_is_done_by_its_answer_where_it_cannot_be_looked_at(tmp_path: Path) -> None:
    with xnat_stand_in(tmp_path, build_seconds=0.3) as xnat:
        take_out(xnat, *IDS[:4])
        with xnat.begin("--project", "LIVER", "--patience", "0.5") as process:
            until(lambda: xnat.metadata.accepted)
            xnat.plan.set(Fault(f"*/{IDS[5]}/exists", "status", status=503))
            said, _ = process.communicate(timeout=60)
        assert (process.returncode, last_line(said)) == (0, "project LIVER: done 2 of 2, 0 failed"), said
        assert xnat.noted() == []


@pytest.mark.parametrize(
    ("options", "fault", "told"),
    [
        ({"viewer_plugin": None, "other_plugins": ("containers",)}, None, "XNAT has no OHIF viewer plugin, only"),
        ({"viewer_plugin": "2.1"}, None, "version 2.1, which keeps no lists of servers"),
        ({}, Fault("*/exists", "html"), "an HTML page titled"),
    ],
    ids=["no plugin", "too old", "a log-in page"],
)
def test_an_xnat_that_cannot_be_asked_at_all_is_told_at_once(
    tmp_path: Path, run: Run, options: dict[str, Any], fault: Fault | None, told: str
) -> None:
    with xnat_stand_in(tmp_path, **options) as xnat:
        if fault:
            xnat.plan.set(fault)
        code, _, complaint = run(xnat, "--project", "LIVER", "--patience", "2")
        assert code == 1
        assert told in complaint
        assert len([each for each in xnat.plan.requests if each.path.endswith("/exists")]) == 1
        assert xnat.posts() == {}


@pytest.mark.parametrize("kind", ["status", "html"])
def test_a_500_that_is_not_the_plugins_may_mean_that_xnat_is_at_work(
    tmp_path: Path, run: Run, kind: Literal["status", "html"]
) -> None:
    with xnat_stand_in(tmp_path, build_seconds=0.05) as xnat:
        xnat.plan.set(Fault(f"/xapi/viewer/{LIVER}", kind, method="POST", status=500, applied=True))
        code, said, _ = run(xnat, *ALL)
        assert (code, last_line(said)) == (0, "project LIVER: done 6 of 6, 0 failed")
        assert xnat.posts() == {LIVER: 1}


def test_where_a_run_ends_early_it_says_what_was_not_begun(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        path = f"/xapi/viewer/{LIVER}/experiments/{IDS[3]}"
        xnat.plan.set(Fault(path, "status", method="POST", status=405))
        code, said, _ = run(xnat, "--project", "LIVER")
        assert (code, last_line(said)) == (1, "project LIVER: done 1 of 6, 0 failed")
        assert "5 sessions were not begun: that ended the command; run `bin/aiaa viewer-metadata" in said


def test_one_session_that_xnat_refuses_ends_nothing(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        xnat.plan.set(
            Fault(f"*/{IDS[5]}", "status", method="POST", status=403),
            Fault(f"*/{IDS[0]}/exists", "status", status=403),
        )
        code, said, _ = run(xnat, "--site", "--yes-all-data", "--missing-only")
        assert (code, last_line(said)) == (1, "the whole site: done 10 of 12, 2 failed")
        for refused in (IDS[0], IDS[5]):
            assert f"failed: session {refused}" in said
        assert "curl -u ADMIN -X PUT" in said


def test_a_session_whose_end_was_not_seen_keeps_a_larger_request_that_contains_it_away(
    tmp_path: Path, run: Run
) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        note(xnat, Target("session", "LIVER", IDS[5], "a"), (IDS[5],))
        for args in (ALL, ("--site", "--yes-all-data"), ("--project", "LIVER", "--subject", "LIVER_003")):
            code, _, complaint = run(xnat, *args)
            assert code == 1
            assert "--project LIVER --session XNAT_E00006`, or, if XNAT is not at work on it, add" in complaint
        assert xnat.posts() == {}
        assert run(xnat, "--project", "SPLEEN", "--no-missing-only")[0] == 0
        xnat.metadata.revisions[IDS[5]] = 2  # its end
        assert run(xnat, *ALL)[0] == 0


def test_an_empty_project_has_nothing_to_build_and_says_so(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        take_out(xnat, *IDS)
        for args in (("--project", "LIVER"), ALL):
            code, said, _ = run(xnat, *args)
            assert (code, last_line(said)) == (0, "project LIVER: done 0 of 0, 0 failed")
            assert "project LIVER has no imaging session that admin may see" in said
            assert "All have metadata already" not in said


def test_time_that_is_up_before_all_were_looked_at_is_told(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        xnat.plan.set(Fault("*/exists", "delay", seconds=0.2))
        code, said, complaint = run(xnat, *ALL, "--timeout", "0.5")
        assert (code, said) == (1, "")
        assert "of 6 sessions that were looked at, time is up: give more --timeout" in complaint
        assert xnat.posts() == {}


def test_what_was_asked_for_commands_no_terminal(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        note(xnat, Target("subject", "SPLEEN", "XNAT_S00004", "\x1b]0;owned\x07"))
        for args in (
            ("--project", "LIVER"),
            ("--project", "LIVER", "--forget-request"),
            ("--project", "SPLEEN", "--subject", "XNAT_S00004", "--forget-request"),
        ):
            _, said, complaint = run(xnat, *args)
            assert "owned" in said + complaint
            assert "\x1b" not in said + complaint
            assert "\x07" not in said + complaint


def test_a_pause_longer_than_xnats_session_is_no_reason_to_stop(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clients.xnat_session._LASTING", 0.2)
    with xnat_stand_in(tmp_path, session_timeout=0.2) as xnat:
        add(xnat, *(f"XNAT_E1{number:04d}" for number in range(8)))
        code, said, _ = run(xnat, "--project", "LIVER", "--pause", "0.3")
        assert (code, last_line(said)) == (0, "project LIVER: done 14 of 14, 0 failed")


def test_a_log_in_that_xnat_cannot_serve_just_then_ends_no_watch(tmp_path: Path) -> None:
    with xnat_stand_in(tmp_path, build_seconds=0.7) as xnat:
        with xnat.begin("--project", "LIVER", "--patience", "8") as process:
            until(lambda: xnat.metadata.accepted)
            xnat.plan.set(Fault("/data/JSESSION", "status", status=502, times=1))
            xnat.site.sessions.close_all()
            said, _ = process.communicate(timeout=60)
        assert (process.returncode, last_line(said)) == (0, "project LIVER: done 6 of 6, 0 failed")
        assert set(xnat.posts().values()) == {1}


def test_a_proxys_page_with_500_tells_no_end(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        xnat.plan.set(Fault(f"/xapi/viewer/{LIVER}", "html", method="POST", status=500, times=1, applied=True))
        code, said, _ = run(xnat, *ALL)
        assert (code, last_line(said)) == (0, "project LIVER: done 6 of 6, 0 failed")
        assert xnat.posts() == {LIVER: 1}


def test_a_build_that_went_over_midnight_is_seen_to_end(tmp_path: Path, run: Run) -> None:
    log = tmp_path / "ohifviewer.log"
    with xnat_stand_in(tmp_path / "notes", log=log, build_seconds=0.5) as xnat:
        xnat.metadata.revisions = dict.fromkeys(IDS, 2)
        xnat.plan.set(Fault(f"/xapi/viewer/{LIVER}", "hang", method="POST", applied=True))
        with xnat.begin(*ALL, "--log-file", str(log)) as process:
            until(lambda: xnat.metadata.accepted)
            process.kill()
            process.communicate()
        log.rename(tmp_path / "ohifviewer.log.2024-01-31")
        until(lambda: xnat.metadata.finished)
        code, said, _ = run(xnat, *ALL, "--log-file", str(log))
        assert (code, last_line(said)) == (0, "project LIVER: done 6 of 6, 0 failed")
        assert "6 sessions had metadata before: whether theirs was built anew" in said
        assert xnat.posts() == {LIVER: 1}
