"""Plugins from a folder: read at a start, as Tomcat does; a start fails with what Java or Spring cannot load."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.xnat.options import Options
from sandbox.xnat.site import Phase, Site
from tests.support.jars import JAVA_21, plugin_jar, viewer_jar


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "plugins"
    made.mkdir()
    return made


@pytest.fixture
def site(folder: Path, tmp_path: Path) -> Site:
    return Site(Options(plugins=folder, start_log=tmp_path / "log"))


def test_a_jar_is_loaded_at_the_next_start_and_stays_until_the_one_after(site: Site, folder: Path) -> None:
    assert (site.phase, site.plugins, site.has_lists) == (Phase.READY, {}, False)
    (folder / "ohif-viewer-3.7.2.jar").write_bytes(viewer_jar("3.7.2"))
    assert not site.has_lists
    site.restart()
    assert (site.plugins, site.has_lists) == ({"ohifViewerPlugin": "3.7.2"}, True)
    (folder / "ohif-viewer-3.7.2.jar").unlink()
    assert site.has_lists
    site.restart()
    assert not site.has_lists


@pytest.mark.parametrize(
    ("jars", "said"),
    [
        ({"a.jar": b"<html>"}, "ZipException: a.jar"),
        ({"a.jar": viewer_jar("3.7.2")[:-30]}, "ZipException: a.jar"),
        ({"a.jar": viewer_jar("3.8.0", java=JAVA_21)}, "UnsupportedClassVersionError"),
        ({"a.jar": viewer_jar("3.6.2"), "b.jar": viewer_jar("3.7.2")}, "plugin ohifViewerPlugin, which is there twice"),
        ({"a.jar": viewer_jar("3.7.2"), "xnat-roi-2.2.0.jar": plugin_jar("roi")}, "ConflictingBeanDefinition"),
    ],
    ids=["html", "cut", "java", "twice", "roi"],
)
def test_what_cannot_be_loaded_keeps_xnat_down(
    site: Site, folder: Path, tmp_path: Path, jars: dict[str, bytes], said: str
) -> None:
    for name, content in jars.items():
        (folder / name).write_bytes(content)
    site.restart()
    assert not _is_up(site)
    assert said in (tmp_path / "log").read_text().splitlines()[-1]
    for name in jars:
        (folder / name).unlink()
    site.restart()
    assert _is_up(site)


def _is_up(site: Site) -> bool:
    return site.phase is Phase.READY


def test_only_jars_of_the_folder_itself_count(site: Site, folder: Path) -> None:
    (folder / ".kept").mkdir()
    for name in (".kept/ohif-viewer-3.6.2.jar", "ohif-viewer-3.6.2.jar.kept", "arrived"):
        (folder / name).write_bytes(viewer_jar("3.6.2"))
    site.restart()
    assert site.plugins == {}


def test_before_3_0_the_roi_plugin_belongs_beside_the_viewer(site: Site, folder: Path) -> None:
    (folder / "ohif-viewer-2.1.0.jar").write_bytes(viewer_jar("2.1.0"))
    (folder / "xnat-roi-2.2.0.jar").write_bytes(plugin_jar("roi"))
    site.restart()
    assert (site.phase, site.has_lists) == (Phase.READY, False)
