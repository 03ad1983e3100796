"""What was there before the plugin: when it comes back, when it must not, and what a person is told of restarts."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deploy_script import Failed, deploy
from tests.support.jars import JAVA_21, plugin_jar, viewer_jar
from tests.support.xnat_host import XnatHost, xnat_host

OLD, NEW = viewer_jar("3.6.2"), viewer_jar("3.7.2")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[XnatHost]:
    with xnat_host(tmp_path) as made:
        yield made


def wanted(at: XnatHost, content: bytes = NEW, version: str = "3.7.2", **changes: object) -> dict[str, object]:
    """Settings for a jar of this machine."""
    jar = at.folder.parent / "downloaded.jar"
    jar.write_bytes(content)
    return at.settings(version=version, jar=str(jar), **changes)


def test_restore_brings_back_what_was_there_before_the_first_and_leaves_nothing_of_ours(host: XnatHost) -> None:
    roi = plugin_jar("roiPlugin")
    first = viewer_jar("2.1.0")
    host.put("ohif-viewer-2.1.0.jar", first)
    host.put("xnat-roi-2.2.0.jar", roi)
    deploy("install", wanted(host, OLD, "3.6.2"))
    deploy("install", wanted(host))
    deploy("restore", wanted(host))
    assert sorted(path.name for path in host.plugins.iterdir()) == ["ohif-viewer-2.1.0.jar", "xnat-roi-2.2.0.jar"]
    assert host.jars() == {"ohif-viewer-2.1.0.jar": first, "xnat-roi-2.2.0.jar": roi}
    assert host.restarts == [3]
    deploy("restore", wanted(host))
    assert host.restarts == [3]


def test_a_person_restarts_where_that_is_wanted(host: XnatHost) -> None:
    host.put("ohif-viewer-3.6.2.jar", OLD)
    host.restart_all()
    assert "restart XNAT soon" in deploy("install", wanted(host, restart="none"))
    assert host.jars() == {"ohif-viewer-3.7.2.jar": NEW}
    assert (host.loaded(), host.restarts) == ("3.6.2", [0])
    assert deploy("install", wanted(host, restart="none")).endswith("nothing changed\n")


def test_a_jar_that_has_worked_is_not_undone_whatever_fails_later(host: XnatHost) -> None:
    host.put("ohif-viewer-3.6.2.jar", OLD)
    deploy("install", wanted(host))
    deploy("confirm", wanted(host))
    assert deploy("install", wanted(host)).endswith("nothing changed\n")
    assert deploy("undo", wanted(host)) == ""
    assert (host.jars(), host.restarts) == ({"ohif-viewer-3.7.2.jar": NEW}, [1])


def test_a_restart_that_was_left_to_a_person_is_done_by_the_first_run_that_may(host: XnatHost) -> None:
    host.put("ohif-viewer-3.6.2.jar", OLD)
    host.restart_all()
    deploy("install", wanted(host, restart="none"))
    assert "XNAT was restarted" in deploy("install", wanted(host))
    assert (host.loaded(), host.restarts) == ("3.7.2", [1])
    assert deploy("install", wanted(host)).endswith("nothing changed\n")


def test_a_restart_that_was_left_to_a_person_and_fails_is_undone(host: XnatHost) -> None:
    host.put("ohif-viewer-3.6.2.jar", OLD)
    broken = viewer_jar("3.8.0", java=JAVA_21)
    deploy("install", wanted(host, broken, "3.8.0", restart="none"))
    with pytest.raises(Failed, match="and XNAT came back with it"):
        deploy("install", wanted(host, broken, "3.8.0"))
    assert (host.jars(), host.loaded()) == ({"ohif-viewer-3.6.2.jar": OLD}, "3.6.2")


UNSEEN = "http://localhost:1"


@pytest.mark.parametrize(("content", "version"), [(NEW, "3.7.2"), (viewer_jar("3.8.0", java=51), "3.8.0")])
def test_a_restart_that_was_left_to_a_person_is_not_done_where_nobody_would_see_xnat_come_back(
    host: XnatHost, content: bytes, version: str
) -> None:
    host.put("ohif-viewer-3.6.2.jar", OLD)
    deploy("install", wanted(host, restart="none"))
    host.restart_all()
    with pytest.raises(Failed, match=r"XNAT does not answer at http://localhost:1, so nobody would see it come back"):
        deploy("install", wanted(host, content, version, probe_url=UNSEEN))
    assert (host.jars(), host.loaded(), host.restarts) == ({"ohif-viewer-3.7.2.jar": NEW}, "3.7.2", [0])


def test_an_xnat_that_came_back_with_neither_jar_has_to_be_seen_before_the_next_change(host: XnatHost) -> None:
    host.put("ohif-viewer-3.6.2.jar", OLD)
    stop = f"""curl -fsS -X PUT -d '[{{"path": "*", "kind": "status"}}]' {host.url[0]}/sandbox/faults"""
    down = wanted(host, restart=stop)
    with pytest.raises(Failed, match=r"XNAT does not come back with it either"):
        deploy("install", down)
    with pytest.raises(Failed, match=r"XNAT does not answer at http://localhost:8080, so nobody would see it come"):
        deploy("install", wanted(host))


def test_what_needs_no_restart_needs_no_look_at_xnat(host: XnatHost) -> None:
    deploy("install", wanted(host))
    assert deploy("install", wanted(host, probe_url=UNSEEN)).endswith("nothing changed\n")


@pytest.mark.parametrize("action", ["restore", "undo"])
def test_what_comes_back_where_a_person_restarts_says_so(host: XnatHost, action: str) -> None:
    host.put("ohif-viewer-3.6.2.jar", OLD)
    deploy("install", wanted(host, restart="none"))
    assert "put back (ohif-viewer-3.6.2.jar): restart XNAT soon" in deploy(action, wanted(host, restart="none"))
    assert (host.jars(), host.restarts) == ({"ohif-viewer-3.6.2.jar": OLD}, [0])


@pytest.mark.parametrize("name", ["ohif-viewer-9.9.9.jar", "ohif-viewer-3.7.2.jar", "ohif-viewer-3.6.2.jar"])
def test_a_jar_that_somebody_put_there_by_hand_is_not_restored_away(host: XnatHost, name: str) -> None:
    host.put("ohif-viewer-3.6.2.jar", OLD)
    deploy("install", wanted(host))
    (host.plugins / "ohif-viewer-3.7.2.jar").unlink()
    host.put(name, viewer_jar("9.9.9"))
    with pytest.raises(Failed, match=f"{name} is not this project's, so nothing is restored: move it out"):
        deploy("restore", wanted(host))
    assert (host.jars(), host.restarts) == ({name: viewer_jar("9.9.9")}, [1])


def test_a_jar_that_came_by_hand_while_xnat_started_is_kept_when_the_former_comes_back(host: XnatHost) -> None:
    host.put("ohif-viewer-3.6.2.jar", OLD)
    by_hand = host.folder.parent / "by-hand.jar"
    by_hand.write_bytes(viewer_jar("9.9.9"))
    with pytest.raises(Failed, match=r"ohif-viewer-9\.9\.9\.jar is not this project's: it is kept as"):
        deploy(
            "install",
            wanted(host, restart=f"mv {by_hand} {shlex.quote(str(host.plugins))}/ohif-viewer-9.9.9.jar; exit 5"),
        )
    assert host.jars() == {"ohif-viewer-3.6.2.jar": OLD}
    assert kept_by_hand(host) == {"ohif-viewer-9.9.9.jar": viewer_jar("9.9.9")}


def kept_by_hand(host: XnatHost) -> dict[str, bytes]:
    """Jars of others that had to leave the folder."""
    folder = host.plugins / ".xnat-aiaa" / "by-hand"
    return {path.name.rpartition(".jar.")[0] + ".jar": path.read_bytes() for path in folder.glob("*")}


def test_a_jar_that_came_by_hand_after_a_failed_change_is_what_comes_back_from_the_next(host: XnatHost) -> None:
    host.put("ohif-viewer-3.6.2.jar", OLD)
    with pytest.raises(Failed, match="XNAT answers, though it was not restarted"):
        deploy("install", wanted(host, restart="exit 5"))
    (host.plugins / "ohif-viewer-3.6.2.jar").unlink()
    host.put("ohif-viewer-3.7.0-site.jar", viewer_jar("3.7.0"))
    with pytest.raises(Failed, match=r"put back \(ohif-viewer-3\.7\.0-site\.jar\), and XNAT came back with it"):
        deploy("install", wanted(host, viewer_jar("3.8.0", java=JAVA_21), "3.8.0"))
    assert (host.jars(), host.loaded()) == ({"ohif-viewer-3.7.0-site.jar": viewer_jar("3.7.0")}, "3.7.0")


def test_a_jar_that_came_by_hand_outlives_all_changes_after_it(host: XnatHost) -> None:
    deploy("install", wanted(host, OLD, "3.6.2"))
    for version in ("9.9.8", "9.9.9"):
        (host.plugins / "ohif-viewer-9.9.9.jar").write_bytes(viewer_jar(version))
        deploy("install", wanted(host, viewer_jar(version, java=51), f"{version}-ours"))
    deploy("install", wanted(host))
    deploy("restore", wanted(host))
    kept = (host.plugins / ".xnat-aiaa" / "by-hand").glob("*")
    assert {path.read_bytes() for path in kept} == {viewer_jar("9.9.8"), viewer_jar("9.9.9")}


def test_a_link_to_a_jar_comes_back_as_that_jar(host: XnatHost) -> None:
    (host.folder / "versions").mkdir()
    (host.folder / "versions" / "v362.jar").write_bytes(OLD)
    (host.plugins / "ohif-viewer-3.6.2.jar").symlink_to("../versions/v362.jar")
    with pytest.raises(Failed, match=r"put back \(ohif-viewer-3\.6\.2\.jar\), and XNAT came back with it"):
        deploy("install", wanted(host, viewer_jar("3.8.0", java=JAVA_21), "3.8.0"))
    assert (host.jars(), host.loaded()) == ({"ohif-viewer-3.6.2.jar": OLD}, "3.6.2")
    assert (host.folder / "versions" / "v362.jar").read_bytes() == OLD


def test_a_restore_that_failed_leaves_nothing_to_one_after_another_install(host: XnatHost) -> None:
    host.put("ohif-viewer-3.6.2.jar", OLD)
    deploy("install", wanted(host))
    with pytest.raises(Failed, match=r"`exit 7` failed: , after ohif-viewer-3\.6\.2\.jar came back"):
        deploy("restore", wanted(host, restart="exit 7"))
    deploy("install", wanted(host))
    assert (host.loaded(), host.restarts) == ("3.7.2", [2])
    deploy("restore", wanted(host))
    assert (host.jars(), host.loaded(), host.restarts) == ({"ohif-viewer-3.6.2.jar": OLD}, "3.6.2", [3])
