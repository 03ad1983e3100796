"""Pulumi's tools by the first route that works, and by no other than the one asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.toolchain.conftest import Program
from toolchain import go, layout, official_release, pulumi_tools
from toolchain.errors import SetUpError, Unreachable
from toolchain.versions import CLI, DOCKER_PLUGIN, DOCKER_PLUGIN_SOURCE, LANGUAGE_PYTHON, PULUMI, GoBinary

PLUGIN = f"plugins/resource-docker-v{DOCKER_PLUGIN}/pulumi-resource-docker"
HOST = "pulumi-language-python"
OFFICIAL = ["official cli", "official plugin"]
MIRROR = [LANGUAGE_PYTHON.binary, CLI.binary, DOCKER_PLUGIN_SOURCE.binary]


def pulumi(version: str = f"v{PULUMI}") -> str:
    """A script that knows its version and installs plugins."""
    return f"""
case $1 in
  version) echo {version} ;;
  plugin) /bin/mkdir -p "${{PULUMI_HOME}}/{Path(PLUGIN).parent}" && : >"${{PULUMI_HOME}}/{PLUGIN}" ;;
esac
"""


class Routes:
    """Stands for GitHub and the Go modules.

    Attributes:
        used: what was fetched or built, in this order.
        failures: what goes wrong, by the same names.
    """

    def __init__(self) -> None:
        self.used: list[str] = []
        self.failures: dict[str, BaseException] = {}

    def fetch_cli(self, folder: Path) -> None:
        self._use("official cli")
        for name in ("pulumi", HOST, "pulumi-language-nodejs"):
            self._program(folder / name)

    def fetch_docker_plugin(self) -> Path:
        self._use("official plugin")
        return self._program(layout.DOWNLOADS / "plugin.tar.gz")

    def build(self, program: GoBinary, folder: Path, _: str) -> None:
        self._use(program.binary)
        self._program(folder / program.binary)

    def unreachable(self) -> None:
        self.failures = dict.fromkeys(OFFICIAL, Unreachable("github.com: name not known here"))

    def _use(self, what: str) -> None:
        self.used.append(what)
        if what in self.failures:
            raise self.failures[what]

    def _program(self, file: Path) -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/bash\n{pulumi()}")
        file.chmod(0o755)
        return file


@pytest.fixture
def routes(cache: Path, program: Program, monkeypatch: pytest.MonkeyPatch) -> Routes:  # noqa: ARG001
    """On a machine without Pulumi."""
    routes = Routes()
    monkeypatch.setattr(official_release, "fetch_cli", routes.fetch_cli)
    monkeypatch.setattr(official_release, "fetch_docker_plugin", routes.fetch_docker_plugin)
    monkeypatch.setattr(go, "build", routes.build)
    return routes


def route() -> str:
    return layout.ROUTE.read_text()


def tools() -> list[str]:
    return sorted(path.name for path in layout.BIN.iterdir())


def test_the_official_release_comes_before_the_mirror(routes: Routes) -> None:
    pulumi_tools.ensure(None)
    assert routes.used == OFFICIAL
    assert route() == "official"
    assert (layout.PULUMI_HOME / PLUGIN).exists()
    assert list(layout.DOWNLOADS.iterdir()) == [], "the plugin's archive is not kept"


def test_an_unreachable_release_leads_to_the_mirror_and_says_why(
    routes: Routes, capsys: pytest.CaptureFixture[str]
) -> None:
    routes.unreachable()
    pulumi_tools.ensure(None)
    assert routes.used == ["official cli", *MIRROR]
    assert route() == "mirror"
    assert "  github.com: name not known here\n" in capsys.readouterr().out


def test_a_plugin_alone_may_come_from_the_mirror(routes: Routes) -> None:
    routes.failures["official plugin"] = Unreachable("github.com: no answer")
    pulumi_tools.ensure(None)
    assert routes.used == [*OFFICIAL, DOCKER_PLUGIN_SOURCE.binary]
    assert route() == "mirror"


def test_a_release_that_is_not_what_was_published_is_not_passed_over(routes: Routes) -> None:
    routes.failures["official cli"] = SetUpError("another SHA-256")
    with pytest.raises(SetUpError, match="another SHA-256"):
        pulumi_tools.ensure(None)
    assert routes.used == ["official cli"]


def test_the_official_route_when_asked_for_is_the_only_one(routes: Routes, program: Program) -> None:
    program("pulumi", pulumi())
    program(HOST)
    routes.unreachable()
    with pytest.raises(Unreachable):
        pulumi_tools.ensure("official")
    assert routes.used == ["official cli"]


def test_the_mirror_route_when_asked_for_is_the_only_one(routes: Routes, program: Program) -> None:
    program("pulumi", pulumi())
    program(HOST)
    pulumi_tools.ensure("mirror")
    assert routes.used == MIRROR
    assert route() == "mirror"


def test_a_route_asked_for_replaces_the_tools_of_another(routes: Routes) -> None:
    pulumi_tools.ensure("official")
    pulumi_tools.ensure("mirror")
    assert routes.used == [*OFFICIAL, *MIRROR]
    assert tools() == ["pulumi", HOST], "no language host of the other route is left"


def test_a_route_that_fails_leaves_the_tools_that_are_there(routes: Routes) -> None:
    pulumi_tools.ensure("mirror")
    routes.unreachable()
    with pytest.raises(Unreachable):
        pulumi_tools.ensure("official")
    routes.used.clear()
    pulumi_tools.ensure(None)
    assert routes.used == []
    assert route() == "mirror"


@pytest.mark.parametrize("version", [f"v{PULUMI}", "v3.259.1", "3.1000.0"])
def test_a_new_enough_pulumi_of_the_machine_is_used(version: str, routes: Routes, program: Program) -> None:
    machine = program("pulumi", pulumi(version))
    program(HOST)
    pulumi_tools.ensure(None)
    assert (layout.BIN / "pulumi").resolve() == machine
    assert routes.used == ["official plugin"]
    assert route() == "machine"


@pytest.mark.parametrize("version", ["v3.258.9", "v2.300.0", "v4.0.0", "v3.300.0-alpha.1", "", "error: no"])
def test_an_older_newer_or_unknown_pulumi_of_the_machine_is_not_used(
    version: str, routes: Routes, program: Program
) -> None:
    program("pulumi", pulumi(version))
    program(HOST)
    pulumi_tools.ensure(None)
    assert routes.used == OFFICIAL


def test_a_pulumi_of_the_machine_without_language_host_is_not_used(routes: Routes, program: Program) -> None:
    program("pulumi", pulumi())
    pulumi_tools.ensure(None)
    assert routes.used == OFFICIAL


def test_a_language_host_beside_the_file_that_a_link_leads_to_counts(routes: Routes, program: Program) -> None:
    machine = program("pulumi", pulumi(), below="opt")
    program(HOST, below="opt")
    (machine.parents[1] / "pulumi").symlink_to(machine)
    pulumi_tools.ensure(None)
    assert routes.used == ["official plugin"]


def test_a_pulumi_of_the_machine_that_cannot_run_is_not_used(routes: Routes, program: Program) -> None:
    program("pulumi").write_bytes(b"\x7fELF of another machine")
    program(HOST)
    pulumi_tools.ensure(None)
    assert routes.used == OFFICIAL


def test_a_pulumi_of_this_project_on_the_path_is_not_the_machines(
    routes: Routes, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wrapper in bin would call itself for ever."""
    monkeypatch.setattr(layout, "PROJECT", program("pulumi", pulumi()).parent)
    monkeypatch.setattr(pulumi_tools, "_digest", lambda: "")
    program(HOST)
    pulumi_tools.ensure(None)
    assert routes.used == OFFICIAL


def test_a_pulumi_of_the_machine_that_goes_is_replaced(routes: Routes, program: Program) -> None:
    machine = program("pulumi", pulumi())
    program(HOST)
    pulumi_tools.ensure(None)
    machine.unlink()
    routes.used.clear()
    pulumi_tools.ensure(None)
    assert routes.used == OFFICIAL


def test_a_plugin_from_the_mirror_does_not_make_the_machines_cli_one_of_the_mirror(
    routes: Routes, program: Program
) -> None:
    program("pulumi", pulumi())
    program(HOST)
    routes.unreachable()
    pulumi_tools.ensure(None)
    assert route() == "mirror", "bin/pulumi must not try to fetch plugins"
    routes.used.clear()
    pulumi_tools.ensure("mirror")
    assert routes.used == MIRROR


@pytest.mark.parametrize("asked", [None, "mirror"])
def test_what_is_done_is_one_look_at_the_version(asked: str | None, routes: Routes, tmp_path: Path) -> None:
    pulumi_tools.ensure("mirror")
    calls = tmp_path / "calls"
    with (layout.BIN / "pulumi").open("a") as script:
        script.write(f'echo "$@" >>{calls}\n')
    routes.used.clear()
    pulumi_tools.ensure(asked)
    assert routes.used == []
    assert calls.read_text() == "version\n"


@pytest.mark.parametrize("step", MIRROR)
@pytest.mark.parametrize("failure", [KeyboardInterrupt(), SetUpError("no space left on device")])
def test_what_an_interrupted_build_leaves_is_done_again(step: str, failure: BaseException, routes: Routes) -> None:
    routes.failures = {step: failure}
    with pytest.raises(type(failure)):
        pulumi_tools.ensure("mirror")
    routes.failures.clear()
    routes.used.clear()
    pulumi_tools.ensure("mirror")
    assert routes.used == MIRROR
    assert tools() == ["pulumi", HOST]
    assert not (layout.CACHE / "bin.partial").exists()


def test_a_change_of_route_that_is_interrupted_is_done_again(routes: Routes) -> None:
    pulumi_tools.ensure("mirror")
    routes.failures["official plugin"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        pulumi_tools.ensure("official")
    routes.failures.clear()
    routes.used.clear()
    pulumi_tools.ensure(None)
    assert routes.used == OFFICIAL


@pytest.mark.parametrize("lost", ["bin/pulumi", f"pulumi/{PLUGIN}", "stamps/pulumi-tools"])
def test_what_was_removed_comes_back(lost: str, routes: Routes, cache: Path) -> None:
    pulumi_tools.ensure(None)
    routes.used.clear()
    (cache / lost).unlink()
    pulumi_tools.ensure(None)
    assert routes.used == OFFICIAL


def test_another_list_of_versions_brings_other_tools(routes: Routes, monkeypatch: pytest.MonkeyPatch) -> None:
    pulumi_tools.ensure(None)
    routes.used.clear()
    monkeypatch.setattr(pulumi_tools, "LANGUAGE_PYTHON", GoBinary("language-python", "p", HOST, "v", "v3.80.0"))
    pulumi_tools.ensure(None)
    assert routes.used == OFFICIAL


def test_go_keeps_8_gb_no_longer_than_needed(routes: Routes) -> None:
    routes.unreachable()
    layout.GO.mkdir(parents=True)
    pulumi_tools.ensure(None)
    assert not layout.GO.exists()
