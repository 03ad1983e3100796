"""`bin/aiaa viewer-metadata` against the stand-in: what it asks for, in which order, and what it tells of it."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from starlette.types import ASGIApp, Receive, Scope, Send

from clients.build_target import Target
from clients.xnat_viewer import ViewerClient
from operations import __main__ as command_line
from operations import stack_file
from operations.metadata.console import ProgressDisplay
from operations.metadata.notes import Noted, Notes
from operations.metadata.report import Report, Trouble
from operations.stack_file import Stack
from sandbox.faults import Fault
from sandbox.serve import serve
from sandbox.xnat.app import create_app
from sandbox.xnat.archive import Experiment
from settings import Settings
from tests.support.until import until
from tests.support.viewer_metadata import Run, Xnat, xnat_stand_in

LIVER = "projects/LIVER"
FIRST = f"{LIVER}/experiments/XNAT_E00001"
NEWEST_FIRST = [f"{LIVER}/experiments/XNAT_E{n:05d}" for n in (6, 4, 2, 5, 3, 1)]
ALL = ("--project", "LIVER", "--no-missing-only")


def told_in_one_line(complaint: str) -> str:
    *_, last = complaint.splitlines()
    assert last.startswith("bin/aiaa viewer-metadata: ")
    assert "Traceback" not in complaint
    return last


def test_a_project_is_built_session_by_session_the_most_recent_first(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        xnat.metadata.revisions["XNAT_E00003"] = 2
        xnat.metadata.revisions["XNAT_E00004"] = 1  # outdated
        code, said, _ = run(xnat, "--project", "LIVER")
        assert (code, said.splitlines()[-1]) == (0, "project LIVER: done 5 of 5, 0 failed")
        assert list(xnat.posts()) == [path for path in NEWEST_FIRST if not path.endswith("3")]
        code, said, _ = run(xnat, "--project", "LIVER")
        assert (code, said.splitlines()[-1]) == (0, "project LIVER: done 0 of 0, 0 failed")
        assert "All have metadata already" in said
        assert xnat.posts().total() == 5


@pytest.mark.parametrize(
    ("order", "paths"),
    [("oldest", NEWEST_FIRST[::-1]), ("listed", sorted(NEWEST_FIRST))],
)
def test_the_order_is_the_one_asked_for(tmp_path: Path, run: Run, order: str, paths: list[str]) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        assert run(xnat, "--project", "LIVER", "--order", order)[0] == 0
        assert list(xnat.posts()) == paths


def test_sessions_without_a_date_come_last(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        sessions = xnat.site.archive.projects["LIVER"].experiments
        sessions.insert(0, Experiment("XNAT_E00099", "undated", "XNAT_S00001", ""))
        run(xnat, "--project", "LIVER")
        assert list(xnat.posts())[-1].endswith("XNAT_E00099")


@pytest.mark.parametrize(
    ("args", "paths", "built"),
    [
        (("--project", "LIVER", "--session", "XNAT_E00001"), [FIRST], 1),
        (("--project", "LIVER", "--session", "LIVER_001_CT1"), [FIRST], 1),
        (("--project", "LIVER", "--subject", "XNAT_S00002"), [f"{LIVER}/subjects/XNAT_S00002"], 2),
        (("--project", "LIVER", "--subject", "LIVER_002"), [f"{LIVER}/subjects/XNAT_S00002"], 2),
        (("--project", "LIVER", "--subject", "LIVER_002", "--missing-only"), [NEWEST_FIRST[1], NEWEST_FIRST[4]], 2),
        (ALL, [LIVER], 6),
        (("--site", "--yes-all-data"), ["generate-all-metadata"], 12),
    ],
)
def test_each_level_is_one_request_unless_only_what_is_missing_is_wanted(
    tmp_path: Path, run: Run, args: tuple[str, ...], paths: list[str], built: int
) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        code, said, _ = run(xnat, *args)
        assert code == 0
        assert said.splitlines()[-1].endswith(f"done {built} of {built}, 0 failed")
        assert list(xnat.posts()) == paths
        assert len(xnat.metadata.revisions) == built
        assert xnat.noted() == []


def test_the_site_session_by_session(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        assert run(xnat, "--site", "--yes-all-data", "--missing-only")[0] == 0
        assert xnat.posts().total() == len(xnat.metadata.revisions) == 12


def test_a_session_that_cannot_be_built_is_named(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        xnat.metadata.unbuildable.add("XNAT_E00003")
        code, said, _ = run(xnat, "--project", "LIVER", "--session", "XNAT_E00003")
        assert code == 1
        assert "failed: session XNAT_E00003 (LIVER_002_CT1) of project LIVER: XNAT answered 500: DICOM" in said
        assert said.splitlines()[-1] == "session LIVER_002_CT1 of project LIVER: done 0 of 1, 1 failed"


@pytest.mark.parametrize("args", [(), ("--no-missing-only",)])
def test_what_failed_is_named(tmp_path: Path, run: Run, args: tuple[str, ...]) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        xnat.metadata.unbuildable.add("XNAT_E00003")
        code, said, _ = run(xnat, "--project", "LIVER", *args)
        assert code == 1
        assert said.splitlines()[-1] == "project LIVER: done 5 of 6, 1 failed"
        assert "failed: session XNAT_E00003 (LIVER_002_CT1) of project LIVER: " in said
        assert "built when somebody opens it" in said
        assert xnat.noted() == []


def test_what_failed_of_valid_metadata_is_known_from_the_log_alone(tmp_path: Path, run: Run) -> None:
    log = tmp_path / "ohifviewer.log"
    with xnat_stand_in(tmp_path / "notes", log=log) as xnat:
        xnat.metadata.revisions["XNAT_E00003"] = 2
        xnat.metadata.unbuildable.add("XNAT_E00003")
        code, said, _ = run(xnat, *ALL)
        assert code == 0
        assert "1 sessions had metadata before: whether theirs was built anew, only XNAT's ohifviewer.log tells" in said
        code, said, _ = run(xnat, *ALL, "--log-file", str(log))
        assert code == 1
        assert "failed: session XNAT_E00003" in said


@pytest.mark.parametrize(
    "see_it",
    [("--log-file", "{}"), ("--log-command", "tail -n +1 -F {}"), ("--log-command", "cat {}")],
    ids=["file", "tail", "cat"],
)
def test_a_rebuild_whose_answer_was_lost_is_followed_in_the_log(
    tmp_path: Path, run: Run, see_it: tuple[str, str]
) -> None:
    log = tmp_path / "ohifviewer.log"
    with xnat_stand_in(tmp_path / "notes", log=log, build_seconds=0.3, proxy_timeout=0.1) as xnat:
        xnat.metadata.revisions = {f"XNAT_E{n:05d}": 2 for n in range(1, 7)}
        code, said, _ = run(xnat, *ALL, *(word.format(log) for word in see_it))
        assert (code, said.splitlines()[-1]) == (0, "project LIVER: done 6 of 6, 0 failed")
        assert [each.status for each in xnat.plan.requests if each.path.endswith("/viewer/projects/LIVER")] == [504]
        assert xnat.posts() == {LIVER: 1}


def test_without_the_log_its_end_is_said_to_be_unknown_and_it_is_not_sent_again(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path, build_seconds=0.3, proxy_timeout=0.1) as xnat:
        xnat.metadata.revisions = {f"XNAT_E{n:05d}": 2 for n in range(1, 7)}
        for _ in range(2):
            code, said, _ = run(xnat, *ALL)
            assert code == 1
            assert "whether it has ended cannot be seen without the plugin's log" in said
            assert "`Project LIVER metadata creation complete`" in said
        assert xnat.posts() == {LIVER: 1}
        assert xnat.noted() == ["project-LIVER"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(f"/xapi/viewer/{LIVER}", "status", method="POST", status=504, times=1, applied=True),
        Fault(f"/xapi/viewer/{LIVER}", "status", method="POST", status=502, times=1, applied=True),
        Fault(f"/xapi/viewer/{LIVER}", "html", method="POST", times=1, applied=True),
        Fault(f"/xapi/viewer/{LIVER}", "reset", method="POST", times=1, applied=True),
        Fault(f"/xapi/viewer/{LIVER}", "hang", method="POST", times=1, applied=True),
    ],
    ids=["504", "502", "log-in page", "reset", "no answer"],
)
def test_an_answer_that_tells_nothing_is_no_reason_to_ask_again(tmp_path: Path, run: Run, fault: Fault) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        xnat.plan.set(fault)
        code, said, _ = run(xnat, *ALL)
        assert (code, said.splitlines()[-1]) == (0, "project LIVER: done 6 of 6, 0 failed")
        assert xnat.posts() == {LIVER: 1}


def test_a_session_that_gets_no_answer_is_left_and_the_others_go_on(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        xnat.plan.set(Fault(f"/xapi/viewer/{FIRST}", "hang", method="POST"))
        code, said, _ = run(xnat, "--project", "LIVER", "--order", "listed")
        assert code == 1
        assert "session LIVER_001_CT1 of project LIVER: no end was seen: nothing new was seen for 1 s" in said
        assert "--project LIVER --session XNAT_E00001 --forget-request" in said
        assert said.splitlines()[-1] == "project LIVER: done 5 of 6, 0 failed"
        assert run(xnat, "--project", "LIVER")[0] == 1
        assert set(xnat.posts().values()) == {1}
        assert run(xnat, "--project", "LIVER", "--patience", "1")[0] == 1  # and is not waited for once more
        # Somebody opens it.
        requests.get(f"{xnat.url}/xapi/viewer/{FIRST}", auth=("admin", "admin"), timeout=10)
        assert run(xnat, "--project", "LIVER")[0] == 0
        assert xnat.noted() == []


@pytest.mark.parametrize("sees_log", [True, False])
def test_a_larger_request_in_which_nothing_new_is_seen_is_left_too_and_its_note_stays(
    tmp_path: Path, run: Run, sees_log: bool
) -> None:
    log = tmp_path / "ohifviewer.log"
    with xnat_stand_in(tmp_path / "notes", log=log, build_seconds=60, build_threads=1) as xnat:
        if sees_log:
            xnat.metadata.revisions = {f"XNAT_E{n:05d}": 2 for n in range(1, 7)}
        for _ in range(2):
            code, said, _ = run(xnat, *ALL, *(("--log-file", str(log)) if sees_log else ()), "--patience", "0.5")
            assert code == 1
            assert "project LIVER: no end was seen: nothing new was seen for" in said
            assert "again to watch on" in said
            assert xnat.noted() == ["project-LIVER"]
        assert xnat.posts() == {LIVER: 1}
        xnat.site.restart()  # or the stand-in would go on for a minute


def test_what_only_the_answer_can_tell_is_waited_for_beyond_patience(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path, build_seconds=1.0) as xnat:
        xnat.metadata.revisions = {f"XNAT_E{n:05d}": 2 for n in range(1, 7)}
        code, said, _ = run(xnat, *ALL, "--patience", "0.2")
        assert (code, said.splitlines()[-1]) == (0, "project LIVER: done 6 of 6, 0 failed")
        assert xnat.noted() == []


def test_somebody_elses_build_is_waited_for(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path, build_seconds=0.5) as xnat, ThreadPoolExecutor(1) as other:
        other.submit(requests.post, f"{xnat.url}/xapi/viewer/projects/SPLEEN", auth=("admin", "admin"), timeout=20)
        until(lambda: xnat.metadata.locked)
        code, _, told = run(xnat, *ALL)
        assert code == 0
        assert "somebody else has metadata built there; waiting" in told
        assert xnat.metadata.finished == ["project SPLEEN", "project LIVER"]


def test_what_somebody_else_built_of_it_meanwhile_is_not_taken_for_the_end_of_ours(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path, build_seconds=0.5) as xnat, ThreadPoolExecutor(1) as other:
        other.submit(requests.post, f"{xnat.url}/xapi/viewer/projects/LIVER", auth=("admin", "admin"), timeout=20)
        until(lambda: xnat.metadata.locked)
        code, said, _ = run(xnat, *ALL)
        assert (code, said.splitlines()[-1]) == (0, "project LIVER: done 6 of 6, 0 failed")
        assert xnat.metadata.finished == ["project LIVER", "project LIVER"]


def test_and_not_for_ever(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        xnat.metadata.locked = True
        code, said, _ = run(xnat, *ALL, "--lock-timeout", "0.2")
        assert code == 1
        assert "project LIVER was not begun: somebody else has metadata built there" in said
        assert "--project LIVER --no-missing-only` again" in said
        assert xnat.noted() == []


def test_a_session_that_expires_while_somebody_else_is_waited_for_is_renewed(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat, ThreadPoolExecutor(1) as other:
        xnat.metadata.locked = True
        done = other.submit(run, xnat, *ALL)
        until(lambda: xnat.posts()[LIVER])
        xnat.site.sessions.close_all()
        xnat.metadata.locked = False
        assert done.result(20)[0] == 0
        assert xnat.metadata.accepted == ["project LIVER"]
        assert 401 not in [each.status for each in xnat.plan.requests if each.method == "POST"]


@pytest.mark.parametrize("args", [ALL, ("--project", "LIVER")])
def test_a_session_that_expires_just_before_the_request_is_renewed(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...]
) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        ask = ViewerClient.ask

        def too_late(*args: Any) -> Any:
            xnat.site.sessions.close_all()
            return ask(*args)

        monkeypatch.setattr(ViewerClient, "ask", too_late)
        assert run(xnat, *args)[0] == 0
        assert len(xnat.metadata.accepted) == len(set(xnat.metadata.accepted))
        assert max(xnat.posts().values()) == 2  # the first was 401


def test_what_was_asked_for_before_keeps_other_larger_ones_away(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        xnat.plan.set(Fault(f"/xapi/viewer/{LIVER}", "status", method="POST", status=504))
        assert run(xnat, *ALL, "--timeout", "0.5")[0] == 1
        for args in (
            ("--project", "SPLEEN"),
            ("--site", "--yes-all-data"),
            ("--project", "LIVER", "--session", "XNAT_E00001"),
        ):
            code, _, complaint = run(xnat, *args)
            assert code == 1
            assert "run the command for that to its end first" in told_in_one_line(complaint)
        assert xnat.posts() == {LIVER: 1}


def note(notes: Notes, *targets: Target) -> None:
    for target in targets:
        notes.write(Noted(target, "admin", 0.0))


NOTED = (
    Target("session", "SPLEEN", "XNAT_E00007", "CT_1"),
    Target("subject", "SPLEEN", "XNAT_S00004", "LIVER"),
    Target("project", "SPLEEN"),
    Target("site"),
)
NAMES = ["project-SPLEEN", "session-XNAT_E00007", "site", "subject-XNAT_S00004"]


@pytest.mark.parametrize(
    ("args", "gone"),
    [
        (("--project", "SPLEEN", "--session", "CT_1"), "session-XNAT_E00007"),
        (("--project", "SPLEEN", "--session", "XNAT_E00007", "--missing-only"), "session-XNAT_E00007"),
        (("--project", "SPLEEN", "--subject", "LIVER"), "subject-XNAT_S00004"),
        (("--project", "SPLEEN"), "project-SPLEEN"),
        (("--project", "SPLEEN", "--no-missing-only"), "project-SPLEEN"),
        (("--site", "--yes-all-data"), "site"),
    ],
)
def test_the_request_that_is_named_is_forgotten_and_no_other(
    tmp_path: Path, run: Run, args: tuple[str, ...], gone: str
) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        with xnat.holding_notes() as notes:
            note(notes, *NOTED)
        code, said, _ = run(xnat, *args, "--forget-request")
        assert code == 0
        assert said.startswith("Forgotten: ")
        assert xnat.noted() == [name for name in NAMES if name != gone]


@pytest.mark.parametrize(
    "args",
    [
        ("--project", "LIVER", "--session", "CT_1"),
        ("--project", "LIVER", "--subject", "LIVER"),
        ("--project", "LIVER"),
        ("--project", "spleen"),
        ("--project", "SPLEEN", "--session", "ct_1"),
        ("--project", "SPLEEN", "--session", "LIVER"),
    ],
)
def test_a_name_that_none_has_forgets_nothing_and_shows_those_that_there_are(
    tmp_path: Path, run: Run, args: tuple[str, ...]
) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        with xnat.holding_notes() as notes:
            note(notes, *NOTED)
        code, said, complaint = run(xnat, *args, "--forget-request")
        assert (code, said) == (2, "")
        told = told_in_one_line(complaint)
        for options in ("--project SPLEEN --session XNAT_E00007", "--project SPLEEN --subject XNAT_S00004", "--site"):
            assert f"`{options}" in told
        assert xnat.noted() == NAMES


def test_what_belongs_to_a_request_is_not_forgotten_with_it(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        with xnat.holding_notes() as notes:
            note(notes, *NOTED[:3])
        assert run(xnat, "--site", "--yes-all-data", "--forget-request")[0] == 2
        assert len(xnat.noted()) == 3
    with xnat_stand_in(tmp_path / "empty") as xnat:
        code, _, complaint = run(xnat, "--project", "LIVER", "--forget-request")
        assert code == 2
        assert "nothing at all is noted of this XNAT" in told_in_one_line(complaint)


def test_a_label_that_is_anothers_id_names_that_one(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        with xnat.holding_notes() as notes:
            note(notes, NOTED[0], Target("session", "SPLEEN", "XNAT_E00008", "XNAT_E00007"))
        assert run(xnat, "--project", "SPLEEN", "--session", "XNAT_E00007", "--forget-request")[0] == 0
        assert xnat.noted() == ["session-XNAT_E00008"]


def test_a_restart_of_xnat_is_survived_by_the_watch(tmp_path: Path) -> None:
    with xnat_stand_in(tmp_path, build_seconds=60) as xnat, xnat.begin(*ALL) as process:
        until(lambda: xnat.metadata.accepted)
        xnat.site.restart()
        said, told = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "no end was seen" in said
        assert "XNAT may be at work on it all the same" in told
        assert xnat.posts() == {LIVER: 1}


def test_a_restart_of_xnat_loses_one_session_and_the_others_go_on(tmp_path: Path) -> None:
    with xnat_stand_in(tmp_path, build_seconds=0.5, core_after=0.3, plugins_after=0.3) as xnat:
        until(lambda: xnat.site.has_lists)
        with xnat.begin("--project", "LIVER", "--patience", "3") as process:
            until(lambda: xnat.metadata.accepted)
            xnat.site.restart()
            said, told = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "XNAT cannot be asked just now" in told
        assert said.splitlines()[-1] == "project LIVER: done 5 of 6, 0 failed"
        assert set(xnat.posts().values()) == {1}


def test_a_log_that_cannot_be_read_any_more_ends_no_watch(tmp_path: Path, run: Run) -> None:
    log = tmp_path / "ohifviewer.log"
    once = f"sh -c 'mkdir {tmp_path}/once && cat {log}'"
    with xnat_stand_in(tmp_path / "notes", log=log, build_seconds=0.3, proxy_timeout=0.1) as xnat:
        code, _, told = run(xnat, *ALL, "--log-command", once)
        assert code == 0
        assert "File exists: try it by hand" in told
        assert xnat.posts() == {LIVER: 1}


def test_and_one_that_never_could_be_is_told_before_anything_is_asked_for(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        code, said, _ = run(xnat, *ALL, "--log-file", str(tmp_path / "none"))
        assert code == 1
        assert "--log-file" in said
        assert xnat.posts() == {}


def test_the_log_of_an_earlier_build_is_not_taken_for_that_of_a_request_that_got_lost(tmp_path: Path, run: Run) -> None:
    log = tmp_path / "ohifviewer.log"
    with xnat_stand_in(tmp_path / "notes", log=log) as xnat:
        assert run(xnat, *ALL, "--log-file", str(log))[0] == 0
        xnat.plan.set(Fault(f"/xapi/viewer/{LIVER}", "status", method="POST", status=504))
        for see_it in (("--log-file", str(log)), (), ("--log-file", str(log))):
            code, said, _ = run(xnat, *ALL, *see_it)
            assert code == 1
            assert "no end was seen" in said
        assert xnat.noted() == ["project-LIVER"]
        assert xnat.posts() == {LIVER: 2}


def test_nor_where_it_was_waited_for_somebody_else(tmp_path: Path, run: Run) -> None:
    log = tmp_path / "ohifviewer.log"
    with xnat_stand_in(tmp_path / "notes", log=log) as xnat:
        assert run(xnat, *ALL, "--log-file", str(log))[0] == 0
        path = f"/xapi/viewer/{LIVER}"
        xnat.plan.set(
            Fault(path, "status", method="POST", status=423, times=2), Fault(path, "status", method="POST", status=504)
        )
        for _ in range(2):
            assert run(xnat, *ALL, "--log-file", str(log))[0] == 1
        assert xnat.noted() == ["project-LIVER"]


@pytest.mark.parametrize("args", [(), ("--no-missing-only",)])
def test_ctrl_c_says_that_xnat_goes_on_and_how_to_pick_it_up(tmp_path: Path, args: tuple[str, ...]) -> None:
    with xnat_stand_in(tmp_path, build_seconds=1.5) as xnat:
        with xnat.begin("--project", "LIVER", *args) as process:
            until(lambda: xnat.metadata.accepted)
            process.send_signal(signal.SIGINT)
            said, told = process.communicate(timeout=10)
        assert (process.returncode, said) == (130, "")
        assert "XNAT goes on with it. Run the same command again to watch on" in told
        assert "project LIVER: done 0 of 6, 0 failed" in told
        assert "Traceback" not in told
        assert xnat.site.sessions.of("admin") == []
        assert xnat.run("--project", "LIVER", *args, "--patience", "10")[0] == 0
        assert set(xnat.posts().values()) == {1}


def test_only_one_command_here_is_at_work_on_an_xnat(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path, build_seconds=2) as xnat, xnat.begin("--project", "LIVER") as process:
        until(lambda: xnat.metadata.accepted)
        code, _, complaint = run(xnat, "--project", "SPLEEN")
        process.kill()
        process.communicate()
        assert code == 1
        assert f"process {process.pid} here has metadata built in it already" in complaint


def test_json_is_one_document(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        xnat.metadata.unbuildable.add("XNAT_E00003")
        code, said, _ = run(xnat, "--project", "LIVER", "--json")
        document = json.loads(said)
        told = document["failed"][0].pop("told")
        assert "DICOM catalog error" in told
        assert code == 1
        assert document == {
            "xnat": xnat.url,
            "what": "project LIVER",
            "missing_only": True,
            "well": False,
            "total": 6,
            "done": 5,
            "failed": [{"project": "LIVER", "session": "XNAT_E00003", "label": "LIVER_002_CT1"}],
            "open": [],
            "left_out": [],
            "told": ["A session without metadata is built when somebody opens it, too, with a short delay."],
        }


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("--site",),
        ("--site", "--yes-all-data", "--project", "LIVER"),
        ("--site", "--yes-all-data", "--subject", "x"),
        ("--project", "NONE"),
        ("--project", "LIVER", "--subject", "NONE"),
        ("--project", "LIVER", "--session", "XNAT_E00007"),
        ("--project", "LIVER", "--password-file", "/none"),
        ("--project", "LIVER", "--password-env", "NO_SUCH_VARIABLE"),
        ("--project", "LIVER", "--log-command", "'"),
    ],
)
def test_a_wrong_command_line_ends_with_2_and_asks_for_nothing(tmp_path: Path, run: Run, args: tuple[str, ...]) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        code, _, complaint = run(xnat, *args)
        assert code == 2
        told_in_one_line(complaint)
        assert xnat.posts() == {}


def without_rights(xnat: Xnat) -> None:
    xnat.site.accounts.users["admin"].roles.clear()


def with_an_expired_password(xnat: Xnat) -> None:
    xnat.site.accounts.users["admin"].password_expired = True


def with_another_password(xnat: Xnat) -> None:
    xnat.site.accounts.users["admin"].password = "changed"


def with_too_many_sessions(xnat: Xnat) -> None:
    while xnat.site.sessions.open(xnat.site.accounts.users["admin"]):
        pass


def behind_a_login_page(xnat: Xnat) -> None:
    xnat.plan.set(Fault("*", "html"))


def without_its_plugin(xnat: Xnat) -> None:
    xnat.plan.set(Fault("/xapi/viewer/*", "html", status=404), Fault("/xapi/plugins", "html", status=404))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (without_rights, "account admin is no site administrator"),
        (with_an_expired_password, "the password of admin has expired"),
        (with_another_password, "the log-in of admin was refused (401)"),
        (with_too_many_sessions, "or the account is locked or has too many sessions"),
        (behind_a_login_page, "expected a session id, got: an HTML page titled 'Log in'"),
        (without_its_plugin, "XNAT has no OHIF viewer plugin"),
    ],
)
def test_what_xnat_refuses_is_one_line_and_nothing_is_asked_for(
    tmp_path: Path, run: Run, spoil: Callable[[Xnat], None], told: str
) -> None:
    with xnat_stand_in(tmp_path, max_sessions=5) as xnat:
        spoil(xnat)
        code, said, complaint = run(xnat, *ALL)
        assert (code, said) == (1, "")
        assert told in told_in_one_line(complaint)
        assert "xnat." not in complaint.replace("xnat.html", "")  # no key of a stack file that there is not
        assert xnat.posts() == {}
        assert xnat.noted() == []


def test_a_login_page_amid_the_build_of_sessions_asks_for_nothing_twice(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        xnat.plan.set(Fault("/xapi/viewer/*", "html", method="POST", times=1))
        code, said, told = run(xnat, "--project", "LIVER")
        assert code == 1
        assert "an HTML page titled 'Log in'" in told
        assert said.splitlines()[-1] == "project LIVER: done 5 of 6, 0 failed"
        assert set(xnat.posts().values()) == {1}


def test_members_of_a_project_have_its_sessions_built_and_strangers_are_told(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        for name, role in (("member", "Members"), ("reader", "Collaborators")):
            xnat.site.accounts.add(name, "admin").project_roles["LIVER"] = role
        code, said, _ = run(xnat, "--project", "LIVER", "--username", "reader")
        assert code == 1
        assert said.count("account reader may not edit it") == 3
        assert said.count("groups/ALL_DATA_ADMIN") == 1
        assert "3 sessions were not begun: XNAT refused 3 of project LIVER, one after the other" in said
        assert xnat.posts().total() == 3  # and not once more for each session
        assert run(xnat, "--project", "LIVER", "--username", "member")[0] == 0


def test_projects_that_the_account_may_not_read_are_told(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        xnat.site.accounts.users["admin"].groups.clear()
        code, _, complaint = run(xnat, "--site", "--yes-all-data")
        assert code == 1
        assert "account admin may not read it" in told_in_one_line(complaint)
        assert "groups/ALL_DATA_ADMIN" in complaint


def test_one_login_is_enough_where_the_cookie_is_for_https_alone(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path, site_url="https://xnat.example.org", max_sessions=1) as xnat:
        assert run(xnat, *ALL)[0] == 0
        assert xnat.site.sessions.of("admin") == []


class ContextPath:
    """Tomcat's, of a web application that is not ROOT."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._app, self._path = app, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inside = scope["path"].startswith(f"{self._path}/")
        path = scope["path"].removeprefix(self._path) if inside else "/nothing-here"
        await self._app({**scope, "path": path, "raw_path": path.encode()}, receive, send)


def test_a_context_path_is_kept(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        app = create_app(xnat.site.options, xnat.site)
        with serve(ContextPath(app, "/xnat")) as url:
            assert run(xnat, *ALL, "--xnat", f"{url}/xnat/")[0] == 0
            assert run(xnat, "--project", "SPLEEN", "--xnat", f"{url}/xnat")[0] == 0
        assert xnat.posts() == {}
        assert len(xnat.metadata.revisions) == 12


def test_the_stacks_own_xnat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        settings = Settings.parse({"xnat": {"url": xnat.url, "username": "admin", "password": "admin"}})
        monkeypatch.setattr(stack_file, "load", lambda _stack: Stack("tests", settings))
        monkeypatch.setenv("XNAT_AIAA_REQUESTS", str(tmp_path))
        monkeypatch.setattr(sys, "argv", ["bin/aiaa", "viewer-metadata", "--project", "LIVER"])
        assert command_line.main() == 0
        assert "done 6 of 6" in capsys.readouterr().out


def test_what_cannot_be_noted_is_not_sent(tmp_path: Path, run: Run) -> None:
    (tmp_path / "file").write_text("")
    with xnat_stand_in(tmp_path / "file") as xnat:
        code, _, complaint = run(xnat, *ALL)
        assert code == 1
        assert "what is asked of XNAT is noted there, and cannot be (Not a directory)" in told_in_one_line(complaint)
        assert xnat.posts() == {}


def test_a_note_that_cannot_be_read_stands_for_a_request_all_the_same(tmp_path: Path, run: Run) -> None:
    with xnat_stand_in(tmp_path) as xnat:
        assert run(xnat, *ALL)[0] == 0
        next(tmp_path.iterdir()).joinpath("project-LIVER.json").write_text("{}")
        code, _, complaint = run(xnat, *ALL)
        assert code == 1
        assert "remove the file" in told_in_one_line(complaint)
        assert xnat.posts() == {LIVER: 1}


def test_a_sessions_label_commands_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("http://xnat", "project LIVER", missing_only=True)
    report.failed.append(Trouble("LIVER", "S1", "\x1b]0;owned\x07", "gave up"))
    assert next(iter(report.lines())) == "failed: session S1 (?]0;owned?) of project LIVER: gave up"
    with ProgressDisplay("viewer metadata") as display:
        display.tell("left out: S1 (\x1b]0;owned\x07)")
    assert capsys.readouterr().err == "left out: S1 (?]0;owned?)\n"
