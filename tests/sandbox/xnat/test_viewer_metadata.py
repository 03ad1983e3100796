"""The stand-in's ``/xapi/viewer`` as the plugin's sources have it (docs/xnat.md, Viewer metadata)."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from sandbox.faults import Fault
from sandbox.xnat.archive import Experiment
from tests.sandbox.xnat.conftest import Start, Xnat
from tests.support.until import until

LIVER = "/xapi/viewer/projects/LIVER"
FIRST = f"{LIVER}/experiments/XNAT_E00001"
SITE = "/xapi/viewer/generate-all-metadata"
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \[[^]]+\] (INFO |DEBUG|ERROR|WARN ) [\w.]+ - .+")


def messages(xnat: Xnat) -> list[str]:
    return [line.partition(" - ")[2] for line in xnat.site.metadata.log]


def test_a_new_plugin_has_nothing_of_what_was_there_before(xnat: Xnat) -> None:
    answer = xnat.get(f"{FIRST}/exists")
    assert (answer.status_code, answer.text) == (404, "")


def test_the_post_for_a_session_answers_200_and_nothing(xnat: Xnat) -> None:
    answer = xnat.ask("POST", FIRST)
    assert (answer.status_code, answer.text) == (200, "")
    assert xnat.get(f"{FIRST}/exists").status_code == 200
    assert messages(xnat)[1:5] == [
        "Session XNAT_E00001 metadata creation requested",
        "Creating session metadata for XNAT_E00001",
        "Session XNAT_E00001 metadata created and stored",
        "Session XNAT_E00001 metadata creation complete",
    ]


def test_a_get_builds_what_is_missing_or_outdated(xnat: Xnat) -> None:
    assert xnat.get(FIRST).json()["transactionId"] == "XNAT_E00001"
    assert xnat.get(f"{FIRST}/exists").status_code == 200
    xnat.site.metadata.revisions["XNAT_E00001"] = 1
    assert xnat.get(f"{FIRST}/exists").status_code == 404
    assert xnat.get(FIRST, "member").status_code == 200
    assert xnat.get(f"{FIRST}/exists").status_code == 200


@pytest.mark.parametrize(
    ("path", "built"),
    [
        (f"{LIVER}/subjects/XNAT_S00002", {"XNAT_E00003", "XNAT_E00004"}),
        (LIVER, {f"XNAT_E{n:05d}" for n in range(1, 7)}),
        (SITE, {f"XNAT_E{n:05d}" for n in range(1, 13)}),
    ],
)
def test_the_larger_ones_answer_201_and_build_all_that_is_theirs(xnat: Xnat, path: str, built: set[str]) -> None:
    answer = xnat.ask("POST", path)
    assert (answer.status_code, answer.text) == (201, "")
    assert set(xnat.site.metadata.revisions) == built


def test_the_log_has_the_lines_by_which_a_build_is_followed(xnat: Xnat) -> None:
    xnat.ask("POST", f"{LIVER}/subjects/XNAT_S00001")
    assert all(LINE.fullmatch(line) for line in xnat.site.metadata.log)
    told = messages(xnat)[1:]
    assert told[:4] == [
        "Subject XNAT_S00001 metadata creation requested",
        "Thread count for parallel JSON creation: 4",
        "ImageSession ID: XNAT_E00001",
        "ImageSession ID: XNAT_E00002",
    ]
    assert told[-1] == "Subject XNAT_S00001 metadata creation complete"
    assert told.count("Session XNAT_E00002 metadata created and stored") == 1


def test_201_although_sessions_failed_and_only_log_and_exists_tell(xnat: Xnat) -> None:
    xnat.site.metadata.unbuildable.add("XNAT_E00002")
    assert xnat.ask("POST", LIVER).status_code == 201
    assert "Session XNAT_E00002 metadata created and stored" not in messages(xnat)
    assert messages(xnat)[-1] == "Project LIVER metadata creation complete"
    assert xnat.get(f"{LIVER}/experiments/XNAT_E00002/exists").status_code == 404
    assert xnat.ask("POST", f"{LIVER}/experiments/XNAT_E00002").status_code == 500


@pytest.fixture
def at_work(start: Start) -> Iterator[Xnat]:
    """A project is being built, for as long as the test takes."""
    with start(build_seconds=60) as xnat, ThreadPoolExecutor(1) as other:
        other.submit(xnat.ask, "POST", LIVER)
        until(lambda: xnat.site.metadata.locked)
        yield xnat
        xnat.site.restart()


@pytest.mark.parametrize("path", [LIVER, f"{LIVER}/subjects/XNAT_S00001", "/xapi/viewer/projects/SPLEEN", SITE])
def test_one_lock_for_subjects_projects_and_the_site(at_work: Xnat, path: str) -> None:
    answer = at_work.ask("POST", path)
    assert (answer.status_code, answer.text) == (423, "")
    assert at_work.site.metadata.accepted == ["project LIVER"]


def test_no_lock_for_sessions(start: Start) -> None:
    with start() as xnat:
        xnat.site.metadata.locked = True
        assert xnat.ask("POST", FIRST).status_code == 200


def test_a_restart_aborts_and_begins_the_log_anew(at_work: Xnat) -> None:
    at_work.site.restart()
    assert messages(at_work) == ["OHIF Viewer XAPI initialised"]
    assert not at_work.site.metadata.locked
    assert at_work.site.metadata.finished == []


def test_a_proxy_gives_up_and_the_work_goes_on(start: Start, tmp_path: Path) -> None:
    log = tmp_path / "ohifviewer.log"
    with start(build_seconds=0.3, proxy_timeout=0.1, log=log) as xnat:
        assert xnat.ask("POST", LIVER).status_code == 504
        assert xnat.ask("POST", LIVER).status_code == 423
        until(lambda: xnat.site.metadata.finished == ["project LIVER"])
        assert xnat.ask("POST", "/data/JSESSION").status_code == 200
        assert log.read_text().splitlines()[-1].endswith(" - Project LIVER metadata creation complete")


def test_the_work_goes_on_without_its_client(start: Start) -> None:
    with start(build_seconds=0.3) as xnat:
        with pytest.raises(requests.Timeout):
            requests.post(xnat.url + LIVER, auth=("admin", "admin"), timeout=0.1)
        until(lambda: xnat.site.metadata.finished == ["project LIVER"])


@pytest.mark.parametrize(
    ("user", "path", "status"),
    [
        ("member", FIRST, 200),
        ("owner", FIRST, 200),
        ("all_data", FIRST, 403),  # may read, not edit
        ("site_admin", FIRST, 403),
        ("stranger", FIRST, 403),
        ("owner", LIVER, 403),
        ("owner", f"{LIVER}/subjects/XNAT_S00001", 403),
        ("owner", SITE, 403),
        ("site_admin", LIVER, 201),
    ],
)
def test_sessions_need_the_right_to_edit_and_all_else_an_administrator(
    xnat: Xnat, user: str, path: str, status: int
) -> None:
    answer = xnat.ask("POST", path, user)
    assert (answer.status_code, answer.text) == (status, "")


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        (f"{LIVER}/experiments/LIVER_001_CT1", 422, "No session found for ID: LIVER_001_CT1"),  # IDs alone
        (f"{LIVER}/experiments/XNAT_E00099", 422, "NotFoundException - "),
        ("/xapi/viewer/projects/NONE/experiments/XNAT_E00001", 422, "NotFoundException - "),
        (f"{LIVER}/experiments/XNAT_E00007", 404, ""),  # another project's
        (f"{LIVER}/subjects/XNAT_S00004", 422, "Subject XNAT_S00004 not found in project LIVER"),
        (f"{LIVER}/subjects/NONE", 500, "RuntimeException - "),
        ("/xapi/viewer/projects/NONE", 500, "RuntimeException - "),
    ],
)
def test_what_is_not_there_is_refused_as_documented(xnat: Xnat, path: str, status: int, text: str) -> None:
    answer = xnat.ask("POST", path)
    assert answer.status_code == status
    assert answer.text.startswith(text)


def test_what_is_no_imaging_session_is_422(xnat: Xnat) -> None:
    experiment = Experiment("XNAT_E00099", "notes", "XNAT_S00001", "2024-01-01", "xnat:clinicalAssessmentData")
    xnat.site.archive.projects["LIVER"].experiments.append(experiment)
    assert xnat.get(f"{LIVER}/experiments/XNAT_E00099/exists").status_code == 422
    xnat.ask("POST", LIVER)
    assert "XNAT_E00099" not in xnat.site.metadata.revisions


def test_a_shared_session_is_found_in_both_projects(xnat: Xnat) -> None:
    experiment = Experiment("XNAT_E00099", "shared", "XNAT_S00004", "2024-01-01", shared_into=("LIVER",))
    xnat.site.archive.projects["SPLEEN"].experiments.append(experiment)
    assert xnat.ask("POST", f"{LIVER}/experiments/XNAT_E00099").status_code == 200
    assert xnat.get("/xapi/viewer/projects/SPLEEN/experiments/XNAT_E00099/exists").status_code == 200
    rows = xnat.get("/data/projects/LIVER/experiments").json()["ResultSet"]["Result"]
    assert [row["ID"] for row in rows][-1] == "XNAT_E00099"


def test_the_experiments_of_a_subject_are_found_by_its_label_too(xnat: Xnat) -> None:
    for name in ("XNAT_S00002", "LIVER_002"):
        rows = xnat.get(f"/data/projects/LIVER/subjects/{name}/experiments").json()["ResultSet"]["Result"]
        assert [row["ID"] for row in rows] == ["XNAT_E00003", "XNAT_E00004"]
    assert xnat.get("/data/projects/LIVER/subjects/XNAT_S00009/experiments").status_code == 404


def test_an_expired_password_is_sent_to_the_page_that_changes_it(xnat: Xnat) -> None:
    xnat.site.accounts.users["admin"].password_expired = True
    answer = xnat.get(f"{FIRST}/exists")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/app/template/XDATScreen_UpdateUser.vm")


def test_faults_hit_these_routes_too(xnat: Xnat) -> None:
    xnat.plan.set(Fault(FIRST, "reset", method="POST", applied=True, times=1))
    with pytest.raises(requests.ConnectionError):
        xnat.ask("POST", FIRST)
    assert xnat.get(f"{FIRST}/exists").status_code == 200
