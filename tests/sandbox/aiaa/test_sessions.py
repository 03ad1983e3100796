"""``/session/``: a viewer uploads a volume once and refers to it."""

import io
import tarfile
import time
import uuid
import zipfile
from pathlib import Path

import pytest
import requests

from sandbox.aiaa.sessions import MAX_EXPIRY, Sessions

from .conftest import Server


def test_a_session_id_is_a_uuid_of_version_1(aiaa: Server, phantom: bytes) -> None:
    answer = aiaa.put("/session/", files={"image": ("x.nii", phantom)})
    assert answer.status_code == 200
    assert uuid.UUID(answer.json()["session_id"]).version == 1


def test_inference_takes_the_sessions_image(aiaa: Server, phantom: bytes) -> None:
    aiaa.load("liver_demo")
    session = aiaa.put("/session/?expiry=7200&save_as=.nii", files={"image0": ("x.nii", phantom)}).json()["session_id"]
    answer = aiaa.infer("segmentation", "liver_demo", None, {}, session_id=session, output="image")
    assert answer.content == aiaa.infer("segmentation", "liver_demo", phantom, {}, output="image").content


def test_an_unknown_session_is_440_on_inference_and_404_on_get(aiaa: Server) -> None:
    aiaa.load("liver_demo")
    for name in (str(uuid.uuid1()), "no-uuid", "..%2F.."):
        assert aiaa.infer("segmentation", "liver_demo", None, {}, session_id=name).status_code == 440
        assert aiaa.get(f"/session/{name}").status_code == 404
        assert aiaa.delete(f"/session/{name}").status_code == 404


def test_delete_closes_the_session_and_removes_its_image(aiaa: Server, phantom: bytes) -> None:
    session = aiaa.put("/session", files={"image": ("x.nii", phantom)}).json()["session_id"]
    assert aiaa.get(f"/session/{session}").json()["session_id"] == session
    assert aiaa.delete(f"/session/{session}").status_code == 200
    assert aiaa.get(f"/session/{session}").status_code == 404
    assert list((aiaa.workspace / "sessions").iterdir()) == []


def test_fetching_from_a_pacs_is_aiaas_error_envelope(aiaa: Server) -> None:
    dicom = {"dicom": {"server_address": "pacs", "server_port": 11112, "ae_title": "A", "study_uid": "1.2"}}
    by_json = aiaa.put("/session/", json=dicom)
    by_form = aiaa.put("/session/", files={"params": (None, '{"dicom": {}}')})
    for answer in (by_json, by_form):
        assert (answer.status_code, answer.json()["error"]["type"]) == (500, "AIAAException")


def test_a_session_without_an_image_is_an_envelope(aiaa: Server) -> None:
    assert aiaa.put("/session/").json()["success"] is False


def test_an_archive_is_unpacked_when_told(aiaa: Server, phantom: bytes) -> None:
    aiaa.load("liver_demo")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("folder/x.nii", phantom)
    session = aiaa.put("/session/?uncompress=true", files={"image": ("x.zip", archive.getvalue())}).json()["session_id"]
    assert aiaa.infer("segmentation", "liver_demo", None, {}, session_id=session).status_code == 200


def test_a_tar_file_is_unpacked_only_where_python_sees_to_it_that_it_stays_in_its_folder(
    aiaa: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as content:
        content.addfile(tarfile.TarInfo("folder/x.nii"))
    files = {"image": ("x.tar", archive.getvalue())}
    if hasattr(tarfile, "data_filter"):
        assert "session_id" in aiaa.put("/session/?uncompress=true", files=files).json()
    monkeypatch.delattr(tarfile, "data_filter", raising=False)
    answer = aiaa.put("/session/?uncompress=true", files=files)
    assert (answer.status_code, answer.json()["error"]["type"]) == (500, "AIAAException")


def test_what_is_no_archive_cannot_be_unpacked(aiaa: Server) -> None:
    answer = aiaa.put("/session/?uncompress=true", files={"image": ("x.zip", b"no zip")})
    assert (answer.status_code, answer.json()["error"]["type"]) == (500, "AIAAException")
    assert list((aiaa.workspace / "sessions").iterdir()) == []


def test_a_dicom_series_is_stored_but_inference_on_it_says_that_it_cannot_read_it(aiaa: Server) -> None:
    aiaa.load("liver_demo")
    series = [(f"image{index}", (f"{index}.dcm", b"DICM")) for index in range(3)]
    session = requests.put(aiaa.url + "/session/", files=series, timeout=10).json()["session_id"]
    assert len(list((aiaa.workspace / "sessions" / session / "images").iterdir())) == 3
    answer = aiaa.infer("segmentation", "liver_demo", None, {}, session_id=session)
    assert (answer.status_code, answer.json()["error"]["message"][0]) == (500, "INVALID_INPUT")


def test_files_of_one_name_are_all_kept(aiaa: Server) -> None:
    series = [(f"image{index}", ("slice.dcm", b"%d" % index)) for index in range(3)]
    session = requests.put(aiaa.url + "/session/", files=series, timeout=10).json()["session_id"]
    stored = (aiaa.workspace / "sessions" / session / "images").iterdir()
    assert sorted(path.read_bytes() for path in stored) == [b"0", b"1", b"2"]


@pytest.mark.parametrize("name", ["../../x.nii", "C:\\scans\\x.nii", "x" * 300, "\x01", "..", "/"])
def test_any_file_name_is_stored_within_the_session(aiaa: Server, phantom: bytes, name: str) -> None:
    aiaa.load("liver_demo")
    session = aiaa.put("/session/", files={"image": (name, phantom)}).json()["session_id"]
    assert len(list((aiaa.workspace / "sessions" / session / "images").iterdir())) == 1
    assert aiaa.infer("segmentation", "liver_demo", None, {}, session_id=session).status_code == 200


@pytest.fixture
def upload(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    path = tmp_path_factory.mktemp("client") / "upload"
    path.write_bytes(b"x")
    return "x.nii", path


@pytest.mark.parametrize(("asked", "given"), [(0, MAX_EXPIRY), (60, 60), (7200, MAX_EXPIRY)])
def test_the_effective_expiry_is_the_smaller_of_the_servers_and_the_requested(
    tmp_path: Path, upload: tuple[str, Path], asked: int, given: int
) -> None:
    assert Sessions(tmp_path).create([upload], asked, uncompress=False).expiry == given


def test_a_session_ends_at_its_expiry_and_update_ts_starts_it_anew(tmp_path: Path, upload: tuple[str, Path]) -> None:
    now = [1000.0]
    sessions = Sessions(tmp_path, clock=lambda: now[0])
    kept, lost = (sessions.create([upload], 60, uncompress=False).session_id for _ in range(2))
    now[0] += 50
    assert sessions.get(kept, touch=True)
    assert sessions.get(lost)
    now[0] += 50
    assert sessions.get(kept)
    assert sessions.get(lost) is None
    sessions.create([upload], 60, uncompress=False)
    assert not (tmp_path / lost).exists()


def test_a_session_that_another_request_fills_stays_and_what_a_dead_server_left_goes(
    tmp_path: Path, upload: tuple[str, Path]
) -> None:
    now = [time.time()]
    sessions = Sessions(tmp_path, clock=lambda: now[0])
    filling = tmp_path / str(uuid.uuid1())
    (filling / "images").mkdir(parents=True)
    sessions.create([upload], 60, uncompress=False)
    assert filling.exists()
    now[0] += MAX_EXPIRY + 60
    sessions.create([upload], 60, uncompress=False)
    assert not filling.exists()
