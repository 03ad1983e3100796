"""MMARs as zip files and folders: what is found in them, and which are not taken."""

from __future__ import annotations

import hashlib
import io
import stat
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_files.mmar import Mmar, NoMmar

CONFIG = b'{"version": 1}'
WEIGHTS = bytes(range(256)) * 50
PARTS = {
    "config/config_aiaa.json": CONFIG,
    "config/config_train.json": b"{}",
    "models/model.pt": b"checkpoint",
    "models/model.ts": WEIGHTS,
    "docs/Readme.md": b"",
}


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return made.getvalue()


def made(folder: Path, entries: dict[str, bytes], *, as_zip: bool) -> Path:
    if as_zip:
        (folder / "mmar.zip").write_bytes(zipped(entries))
        return folder / "mmar.zip"
    for name, content in entries.items():
        file = folder / "mmar" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder / "mmar"


def renamed(**names: str) -> dict[str, bytes]:
    """The parts with `models/model.ts` under another name, or in a folder of the given name."""
    top = names.get("top", "")
    weights = names.get("weights", "models/model.ts")
    return {top + (weights if name == "models/model.ts" else name): content for name, content in PARTS.items()}


def refused(path: Path, api: str = "clara-4.0") -> str:
    with pytest.raises(NoMmar) as caught, Mmar.open(path, api):  # type: ignore[arg-type]
        pass
    line = str(caught.value)
    assert line.isprintable()
    assert line.startswith(f"{path}: ")
    return line.removeprefix(f"{path}: ")


@pytest.mark.parametrize("as_zip", [True, False], ids=["zip", "folder"])
class TestFound:
    @pytest.mark.parametrize("top", ["", "clara_pt_spleen_v1/"])
    def test_the_configuration_and_the_weights_are_found_also_in_a_folder(
        self, tmp_path: Path, as_zip: bool, top: str
    ) -> None:
        path = made(tmp_path, renamed(top=top), as_zip=as_zip)
        with Mmar.open(path, "clara-4.1") as mmar:
            assert mmar.config == CONFIG
            assert (mmar.config_name, mmar.weights_name) == (f"{top}config/config_aiaa.json", f"{top}models/model.ts")
            assert mmar.weights_size == len(WEIGHTS)
            assert mmar.weights_sha256() == hashlib.sha256(WEIGHTS).hexdigest()
            weights = mmar.extract_weights(tmp_path)
        assert weights.name == "model.ts"
        assert weights.read_bytes() == WEIGHTS

    def test_those_of_clara_3_are_found(self, tmp_path: Path, as_zip: bool) -> None:
        path = made(tmp_path, renamed(weights="models/model.trt.pb"), as_zip=as_zip)
        with Mmar.open(path, "clara-3.1") as mmar:
            assert mmar.weights_name == "models/model.trt.pb"

    def test_what_macos_adds_is_no_second_mmar(self, tmp_path: Path, as_zip: bool) -> None:
        entries = {**renamed(top="a/"), "__MACOSX/config/config_aiaa.json": b"x", ".DS_Store": b"x"}
        with Mmar.open(made(tmp_path, entries, as_zip=as_zip), "clara-4.0") as mmar:
            assert mmar.config_name == "a/config/config_aiaa.json"

    @pytest.mark.parametrize(
        ("entries", "line"),
        [
            (
                {"config/environment.json": b""},
                "has no config/config_aiaa.json, at its root or in one folder; there is: c",
            ),
            ({"a/b/config/config_aiaa.json": b"", "README": b""}, "there is: "),
            ({**renamed(top="a/"), **renamed(top="b/")}, "holds several MMARs (a/, b/): give one of them"),
            (
                {name: content for name, content in PARTS.items() if name != "models/model.ts"},
                "has no models/model.ts; in models there is: model.pt: run the MMAR's commands/export.sh",
            ),
            ({"config/config_aiaa.json": b"{}"}, "has no models/model.ts; in models there is: nothing"),
            (renamed(weights="models/model.trt.pb"), "run the MMAR's commands/export.sh"),
            (
                {"config/config_aiaa.json": b"{}", "models/model.trt.pb": b""},
                "in models there is: model.trt.pb: this is an MMAR of Clara 3",
            ),
            ({**PARTS, "config/config_aiaa.json": bytes(5 << 20)}, "has 5.24 MB, which no configuration has"),
        ],
    )
    def test_a_missing_part_is_told_with_what_is_there(
        self, tmp_path: Path, as_zip: bool, entries: dict[str, bytes], line: str
    ) -> None:
        assert line in refused(made(tmp_path, entries, as_zip=as_zip))

    def test_an_mmar_of_clara_4_is_none_for_clara_3(self, tmp_path: Path, as_zip: bool) -> None:
        assert "this is an MMAR of Clara 4" in refused(made(tmp_path, PARTS, as_zip=as_zip), "clara-3.1")

    def test_an_error_of_who_uses_it_stays_what_it_is(self, tmp_path: Path, as_zip: bool) -> None:
        path = made(tmp_path, PARTS, as_zip=as_zip)
        with pytest.raises(FileExistsError), Mmar.open(path, "clara-4.0"):
            raise FileExistsError


def zip_of(tmp_path: Path, content: bytes) -> Path:
    file = tmp_path / "mmar.zip"
    file.write_bytes(content)
    return file


def changed(entry: str, *, method: int | None = None, flags: int = 0, volume: int = 0) -> bytes:
    """The parts as a zip file that says something else of one entry."""
    content = bytearray(zipped(PARTS, zipfile.ZIP_STORED))
    local, central = content.index(entry.encode()) - 30, content.rindex(entry.encode()) - 46
    for place in (local + 6, central + 8):
        content[place] |= flags
    if method is not None:
        for place in (local + 8, central + 10):
            content[place : place + 2] = method.to_bytes(2, "little")
    content[central + 34] = volume
    return bytes(content)


class TestUnreadable:
    """What is clear before anything is unpacked is reported when the MMAR is opened, as a preview does."""

    @pytest.mark.parametrize("entry", ["config/config_aiaa.json", "models/model.ts"])
    @pytest.mark.parametrize(
        ("method", "name"),
        [
            (1, "Shrink"),
            (4, "Reduce"),
            (6, "Implode"),
            (9, "Deflate64"),
            (93, "Zstandard"),
            (95, "XZ"),
            (98, "PPMd"),
            (4711, "a method of number 4711"),
        ],
    )
    def test_an_entry_that_is_packed_in_another_way_is_reported_with_what_to_do(
        self, tmp_path: Path, entry: str, method: int, name: str
    ) -> None:
        assert refused(zip_of(tmp_path, changed(entry, method=method))) == (
            f"its entry '{entry}' is packed with {name}, which cannot be unpacked here: pack the archive again with "
            "another program, such as `zip -r`, or 7-Zip with the method Deflate"
        )

    @pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_what_python_unpacks_is_taken(self, tmp_path: Path, method: int) -> None:
        with Mmar.open(zip_of(tmp_path, zipped(PARTS, method)), "clara-4.0") as mmar:
            assert mmar.weights_sha256() == hashlib.sha256(WEIGHTS).hexdigest()

    def test_a_python_without_a_methods_module_is_reported(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = zip_of(tmp_path, zipped(PARTS, zipfile.ZIP_LZMA))
        monkeypatch.setitem(sys.modules, "lzma", None)
        assert "because this Python has no module lzma: pack the archive again" in refused(file)

    def test_how_other_entries_are_packed_does_not_matter(self, tmp_path: Path) -> None:
        with Mmar.open(zip_of(tmp_path, changed("models/model.pt", method=9)), "clara-4.0") as mmar:
            assert mmar.config == CONFIG

    @pytest.mark.parametrize(
        ("how", "line"),
        [
            ({"flags": 0x20}, "is a patch of another file"),
            ({"flags": 0x1, "method": 99}, "is encrypted"),
            ({"flags": 0x41}, "is encrypted"),
            ({"volume": 1}, "is in another file of an archive in several parts"),
        ],
    )
    def test_an_entry_that_is_not_whole_or_not_plain_is_reported(
        self, tmp_path: Path, how: dict[str, int], line: str
    ) -> None:
        message = refused(zip_of(tmp_path, changed("models/model.ts", **how)))
        assert message.startswith(f"its entry 'models/model.ts' {line}: pack ")

    @pytest.mark.parametrize("content", [b"PK\x07\x08" + zipped(PARTS)[:2000], zipped(PARTS), b"more" + zipped(PARTS)])
    def test_a_part_of_an_archive_in_several_files_is_reported(self, tmp_path: Path, content: bytes) -> None:
        if content.endswith(zipped(PARTS)):
            place = content.rindex(b"PK\x05\x06") + 4
            content = content[:place] + b"\x02\0" + content[place + 2 :]
        assert refused(zip_of(tmp_path, content)).startswith("is a part of an archive in several files: pack the MMAR")

    def test_an_archive_that_needs_a_newer_program_is_reported(self, tmp_path: Path) -> None:
        content = bytearray(zipped(PARTS))
        content[content.index(b"PK\x01\x02") + 6] = 200
        message = refused(zip_of(tmp_path, bytes(content)))
        assert message.startswith(
            "is a zip archive of a kind that cannot be read here (zip file version 20.0): pack the"
        )

    def test_weights_that_end_too_early_are_reported_in_a_whole_sentence(self, tmp_path: Path) -> None:
        """Their entry says more bytes than the file has behind it."""
        content = bytearray(zipped({"config/config_aiaa.json": CONFIG, "models/model.ts": WEIGHTS}, zipfile.ZIP_STORED))
        central = content.rindex(b"models/model.ts") - 46
        for place in (central + 20, central + 24):
            content[place : place + 4] = (len(WEIGHTS) + 5000).to_bytes(4, "little")
        with (
            Mmar.open(zip_of(tmp_path, bytes(content)), "clara-4.0") as mmar,
            pytest.raises(NoMmar, match=r"is damaged: .+: copy or download it again$"),
        ):
            mmar.weights_sha256()


class TestUnsafe:
    @pytest.mark.parametrize(
        ("name", "line"),
        [
            ("/etc/passwd", "has an absolute path"),
            ("../outside", "leads out of the archive"),
            ("models/../../outside", "leads out of the archive"),
            ("C:/outside", "has an absolute path"),
            ("models\\model.ts", "has a backslash in its name"),
            ("..\\outside", "has a backslash in its name"),
        ],
    )
    def test_an_entry_that_leads_out_of_the_archive_is_refused_by_name(
        self, tmp_path: Path, name: str, line: str
    ) -> None:
        told = refused(zip_of(tmp_path, zipped({**PARTS, name: b"x"})))
        assert told.startswith(f"its entry {name!r} {line}")

    @pytest.mark.parametrize(("mode", "line"), [(stat.S_IFLNK, "is a link"), (stat.S_IFIFO, "is a special file")])
    def test_an_entry_that_is_no_file_is_refused(self, tmp_path: Path, mode: int, line: str) -> None:
        file = zip_of(tmp_path, zipped(PARTS))
        with zipfile.ZipFile(file, "a") as archive:
            info = zipfile.ZipInfo("models/link")
            info.external_attr = (mode | 0o777) << 16
            archive.writestr(info, "/etc/passwd")
        assert refused(file).startswith(f"its entry 'models/link' {line}")

    def test_an_encrypted_entry_is_refused(self, tmp_path: Path) -> None:
        content = bytearray(zipped({"models/model.ts": b"x", "config/config_aiaa.json": b"{}"}))
        directory = content.index(b"PK\x01\x02")
        content[6] |= 1
        content[directory + 8] |= 1
        assert "its entry 'models/model.ts' is encrypted" in refused(zip_of(tmp_path, bytes(content)))

    def test_an_entry_that_claims_to_unpack_to_very_much_is_refused(self, tmp_path: Path) -> None:
        told = refused(zip_of(tmp_path, zipped({**PARTS, "models/model.ts": bytes(64 << 20)})))
        assert "its entry 'models/model.ts' claims to unpack from" in told

    def test_an_entry_that_has_more_than_it_claims_is_not_unpacked(self, tmp_path: Path) -> None:
        """The directory says 10 bytes, the packed data have more."""
        content = bytearray(zipped({"models/model.ts": bytes(1000), "config/config_aiaa.json": b"{}"}))
        for place in (22, content.index(b"PK\x01\x02") + 24):
            content[place : place + 4] = (10).to_bytes(4, "little")
        file = zip_of(tmp_path, bytes(content))
        with Mmar.open(file, "clara-4.0") as mmar:
            with pytest.raises(NoMmar, match="is damaged: Bad CRC-32"):
                mmar.extract_weights(tmp_path)
            with pytest.raises(NoMmar, match="is damaged"):
                mmar.weights_sha256()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["mmar.zip"]

    @given(
        names=st.lists(
            st.text(st.sampled_from("ab./\\:\0 \n\u202e"), min_size=1, max_size=8), min_size=1, max_size=3, unique=True
        )
    )
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_with_whatever_names_only_the_weights_are_written(self, tmp_path: Path, names: list[str]) -> None:
        entries = dict.fromkeys(names, b"x")
        file = zip_of(tmp_path, zipped(entries | PARTS))
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        try:
            with Mmar.open(file, "clara-4.0") as mmar:
                mmar.extract_weights(out)
                told = ""
        except NoMmar as error:
            told = str(error)
        assert told.isprintable()
        assert {path.name for path in tmp_path.iterdir()} == {"mmar.zip", "out"}
        assert {path.name for path in out.iterdir()} <= {"model.ts"}


class TestNoArchive:
    @pytest.mark.parametrize(
        ("content", "line"),
        [
            (b"", "is empty"),
            (b"<html>", "is a web page"),
            (b"\x1f\x8b\x08", "is a gzip archive: unpack it"),
            (bytes(257) + b"ustar" + bytes(250), "is a tar archive: unpack it"),
            (b"version https://git-lfs.github.com/spec/v1", "is Git LFS's pointer"),
            (b"anything", "is neither a zip archive nor a folder"),
            (zipped(PARTS)[:-30], "is no whole zip archive"),
        ],
    )
    def test_another_file_is_told_by_what_it_is(self, tmp_path: Path, content: bytes, line: str) -> None:
        assert refused(zip_of(tmp_path, content)).startswith(line)

    def test_a_path_that_is_not_there_is_told(self, tmp_path: Path) -> None:
        assert refused(tmp_path / "none") == "cannot be read: No such file or directory"

    def test_damaged_weights_are_told(self, tmp_path: Path) -> None:
        content = zipped(PARTS, zipfile.ZIP_STORED).replace(WEIGHTS, WEIGHTS[::-1])
        with Mmar.open(zip_of(tmp_path, content), "clara-4.0") as mmar, pytest.raises(NoMmar, match="is damaged"):
            mmar.weights_sha256()
