"""Files out of wheels: pip gets them, checked, and they keep what makes them programs."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from toolchain import layout, wheels
from toolchain.errors import SetUpError
from toolchain.versions import Wheel

NAME = "a_package-1.0-py3-none-any.whl"


@pytest.fixture
def wheel(tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, cache: Path) -> Wheel:  # noqa: ARG001
    """A package in an index that is pip's only one."""
    file = tmp_path / NAME
    with zipfile.ZipFile(file, "w") as archive:
        program = zipfile.ZipInfo("tool/bin/program")
        program.external_attr = 0o755 << 16
        archive.writestr(program, "#!/bin/sh\n")
        archive.writestr("tool/share/text", "text")
        archive.writestr("other/file", "unwanted")
        archive.writestr("a_package-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: a-package\nVersion: 1.0\n")
        archive.writestr("a_package-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("a_package-1.0.dist-info/RECORD", "")
    content = file.read_bytes()
    httpserver.expect_request("/simple/a-package/").respond_with_data(
        f'<a href="/{NAME}">{NAME}</a>', content_type="text/html"
    )
    httpserver.expect_request(f"/{NAME}").respond_with_data(content)
    monkeypatch.setenv("PIP_INDEX_URL", httpserver.url_for("/simple"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    return Wheel("a-package", "1.0", hashlib.sha256(content).hexdigest())


def downloads(server: HTTPServer) -> int:
    return sum(request.path == f"/{NAME}" for request, _ in server.log)


def test_a_wheel_is_downloaded_once_from_the_users_own_index(wheel: Wheel, httpserver: HTTPServer) -> None:
    assert wheels.fetch(wheel) == wheels.fetch(wheel) == layout.DOWNLOADS / "a-package-1.0" / NAME
    assert downloads(httpserver) == 1


def test_a_file_that_was_half_written_is_downloaded_again(wheel: Wheel, httpserver: HTTPServer) -> None:
    file = wheels.fetch(wheel)
    whole = file.read_bytes()
    file.write_bytes(whole[:100])
    assert wheels.fetch(wheel).read_bytes() == whole
    assert downloads(httpserver) == 2


def test_another_checksum_than_the_lists_is_refused(wheel: Wheel) -> None:
    other = Wheel(wheel.package, wheel.version, "0" * 64)
    with pytest.raises(SetUpError, match=r"^Fetching a-package 1\.0 from PyPI failed: .* DO NOT MATCH THE HASHES "):
        wheels.fetch(other)
    assert [path for path in layout.DOWNLOADS.rglob("*") if path.is_file()] == []


def test_two_files_where_one_should_be_are_told(wheel: Wheel) -> None:
    wheels.fetch(wheel).with_name("another.whl").touch()
    with pytest.raises(SetUpError, match="should hold one wheel and holds 2: remove it and run again"):
        wheels.fetch(wheel)


def test_only_what_is_wanted_is_unpacked_and_programs_stay_executable(wheel: Wheel, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    wheels.unpack(wheels.fetch(wheel), folder, "tool/")
    modes = {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}
    assert modes == {"bin/program": 0o755, "share/text": 0o644}
