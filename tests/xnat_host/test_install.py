"""The plugin on XNAT's host, over a real sshd: what is in the folder, what XNAT has loaded, how often it restarted."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

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
    jar = at.folder.parent / f"downloaded '{version}'.jar"
    jar.write_bytes(content)
    return at.settings(version=version, jar=str(jar), **changes)


def fetched(host: XnatHost, server: HTTPServer, content: bytes, sha256: str | None = None) -> dict[str, object]:
    """Settings for one that the host fetches, which the server gives as `content`."""
    server.expect_request("/files/viewer.jar").respond_with_data(content)
    sum_ = sha256 or hashlib.sha256(NEW).hexdigest()
    return host.settings(version="3.7.2", url=server.url_for("/files/viewer.jar"), sha256=sum_)


def test_a_plugin_comes_to_where_there_was_none(host: XnatHost) -> None:
    told = deploy("install", wanted(host))
    assert "ohif-viewer-3.7.2.jar is in" in told
    assert host.jars() == {"ohif-viewer-3.7.2.jar": NEW}
    assert host.loaded() == "3.7.2"
    assert host.restarts == [1]


def test_an_upgrade_moves_the_old_viewer_and_what_it_took_in_out_and_others_stay(host: XnatHost) -> None:
    containers, new_roi = plugin_jar("containers"), plugin_jar("roi")
    host.put("ohif-viewer-2.1.0.jar", viewer_jar("2.1.0"))
    host.put("xnat-roi-2.2.0.jar", plugin_jar("roiPlugin"))
    host.put("xnat-roi-3.0.0.jar", new_roi)
    host.put("containers-3.4.jar", containers)
    deploy("install", wanted(host))
    assert host.jars() == {
        "ohif-viewer-3.7.2.jar": NEW,
        "containers-3.4.jar": containers,
        "xnat-roi-3.0.0.jar": new_roi,
    }
    assert host.loaded() == "3.7.2"


def test_another_jar_of_the_same_version_takes_its_place(host: XnatHost) -> None:
    deploy("install", wanted(host, NEW))
    other = viewer_jar("3.7.2", java=51)
    deploy("install", wanted(host, other))
    assert host.jars() == {"ohif-viewer-3.7.2.jar": other}
    assert host.restarts == [2]


def test_nothing_changed_is_no_restart_whatever_the_jar_is_called(host: XnatHost) -> None:
    host.put("ohif-viewer-3.7.2-fat.jar", NEW)
    for _ in range(2):
        assert deploy("install", wanted(host)).endswith("nothing changed\n")
    assert host.jars() == {"ohif-viewer-3.7.2-fat.jar": NEW}
    assert host.restarts == [0]


def test_the_new_jar_has_the_folders_owner_and_everybody_may_read_it(host: XnatHost) -> None:
    deploy("install", wanted(host))
    jar = host.plugins / "ohif-viewer-3.7.2.jar"
    assert jar.stat().st_mode & 0o777 == 0o644
    assert jar.stat().st_uid == host.plugins.stat().st_uid


def test_the_host_fetches_what_has_a_url(host: XnatHost, httpserver: HTTPServer) -> None:
    deploy("install", fetched(host, httpserver, NEW))
    assert host.loaded() == "3.7.2"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (OLD, "has checksum {found}, and viewer_plugin.sha256 is {wanted}: mend the one that is wrong"),
        (b"<!DOCTYPE html><html>Not here</html>", "is an HTML page, not a jar: give the address that the page's"),
        (NEW[:-30], "was cut off: it has {length} bytes, and no end of a zip file; run the command again"),
        (b"", "is empty: run the command again"),
        (b"plain", "is no jar: mend viewer_plugin.url"),
    ],
    ids=["checksum", "html", "truncated", "empty", "text"],
)
def test_what_is_not_the_jar_changes_nothing(host: XnatHost, httpserver: HTTPServer, content: bytes, said: str) -> None:
    host.put("ohif-viewer-3.6.2.jar", OLD)
    settings = fetched(host, httpserver, content)
    with pytest.raises(Failed) as failed:
        deploy("install", settings)
    line = said.format(
        found=hashlib.sha256(content).hexdigest(), wanted=hashlib.sha256(NEW).hexdigest(), length=len(content)
    )
    assert f"viewer_plugin on ssh://node0: {settings['url']} {line}" in str(failed.value)
    assert host.jars() == {"ohif-viewer-3.6.2.jar": OLD}
    assert host.restarts == [0]


def test_an_xnat_that_does_not_come_back_gets_its_former_jar_again_and_the_log_is_told(host: XnatHost) -> None:
    host.put("ohif-viewer-3.6.2.jar", OLD)
    host.restart_all()
    broken = wanted(host, viewer_jar("3.8.0", java=JAVA_21), "3.8.0")
    with pytest.raises(Failed) as failed:
        deploy("install", broken)
    said = str(failed.value)
    assert "ohif-viewer-3.8.0.jar: XNAT did not answer at http://localhost:8080 within 3 s of `sh" in said
    assert "what was there before was put back (ohif-viewer-3.6.2.jar), and XNAT came back with it." in said
    assert (
        "UnsupportedClassVersionError: org/nrg/xnatx/plugins/ohifviewer/OhifViewerPlugin.class in ohif-viewer-3.8.0.jar"
        in said
    )
    assert host.jars() == {"ohif-viewer-3.6.2.jar": OLD}
    assert host.loaded() == "3.6.2"
    with pytest.raises(Failed):  # it is tried again, and undone again
        deploy("install", broken)
    assert host.loaded() == "3.6.2"
    deploy("install", wanted(host))
    assert host.jars() == {"ohif-viewer-3.7.2.jar": NEW}
    assert host.loaded() == "3.7.2"


def test_a_first_plugin_that_xnat_does_not_come_back_with_is_taken_out_again(host: XnatHost) -> None:
    with pytest.raises(Failed, match=r"put back .no viewer plugin., and XNAT came back"):
        deploy("install", wanted(host, viewer_jar("3.8.0", java=JAVA_21), "3.8.0"))
    assert host.jars() == {}


def test_a_restart_command_that_fails_is_told_with_what_it_said(host: XnatHost) -> None:
    host.put("ohif-viewer-3.6.2.jar", OLD)
    settings = wanted(host, restart="echo no such unit >&2; exit 5")
    with pytest.raises(
        Failed, match=r"`echo no such unit >&2; exit 5` failed: no such unit; .* though it was not restarted"
    ):
        deploy("install", settings)
    assert host.jars() == {"ohif-viewer-3.6.2.jar": OLD}


def test_the_log_is_what_a_command_shows_if_one_is_given(host: XnatHost) -> None:
    settings = wanted(host, viewer_jar("3.8.0", java=JAVA_21), "3.8.0", log="echo 'from the journal'")
    with pytest.raises(Failed, match=r"from the journal\n$"):
        deploy("install", settings)


def test_a_jar_with_etherj_beside_it_is_named(host: XnatHost) -> None:
    host.put("pacs-fat-1.0.jar", plugin_jar("pacs", has_etherj=True))
    told = deploy("install", wanted(host))
    assert "warning: pacs-fat-1.0.jar in" in told
    with pytest.raises(Failed, match=r"pacs-fat-1.0.jar brings EtherJ along, too: that may be the reason"):
        deploy("install", wanted(host, viewer_jar("3.8.0", java=JAVA_21), "3.8.0"))


def test_a_copy_that_is_cut_off_on_its_way_changes_nothing_and_the_next_run_sends_it_again(host: XnatHost) -> None:
    cutting = host.folder.parent / "bin0" / "cat"
    cutting.write_text("#!/bin/sh\nexec head -c 300\n")
    cutting.chmod(0o755)
    with pytest.raises(
        Failed, match=r"the copy of viewer_plugin\.jar was cut off: it has 300 bytes, and no end of a zip"
    ):
        deploy("install", wanted(host))
    assert (host.jars(), host.restarts) == ({}, [0])
    cutting.unlink()
    deploy("install", wanted(host))
    assert host.loaded() == "3.7.2"


def test_sudo_runs_the_steps_there_and_asks_nobody(host: XnatHost) -> None:
    sudo = host.folder.parent / "bin0" / "sudo"
    sudo.write_text(f'#!/bin/sh\necho "$1 $2" >>{host.folder.parent}/as-root\nshift\nexec "$@"\n')
    sudo.chmod(0o755)
    deploy("install", wanted(host, sudo=True))
    assert host.loaded() == "3.7.2"
    assert (host.folder.parent / "as-root").read_text().splitlines() == ["-n sh"] * 3  # looks, receives, installs


def test_a_folder_that_is_not_there_is_named(host: XnatHost) -> None:
    with pytest.raises(Failed, match=r"node0: there is no folder /nowhere/plugins: mend viewer_plugin.plugins_dir"):
        deploy("install", wanted(host, plugins_dir="/nowhere/plugins"))


def test_a_host_whose_key_nobody_vouches_for_gets_nothing(host: XnatHost) -> None:
    (host.folder.parent / "ssh0" / "known_hosts").write_text("")
    with pytest.raises(Failed, match=r"Host key verification failed"):
        deploy("install", wanted(host))
    assert host.jars() == {}


def test_the_same_is_done_on_this_machine(host: XnatHost) -> None:
    settings = wanted(host, host=[], probe_url=host.url[0], restart=f"curl -fsS -X POST {host.url[0]}/sandbox/restart")
    deploy("install", settings)
    assert host.loaded() == "3.7.2"


def test_nothing_that_the_scripts_take_comes_from_who_runs_them(
    host: XnatHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOG", "SUDO", "JAR", "URL", "SSH_CONFIG"):
        monkeypatch.setenv(name, f"touch {tmp_path}/leaked")
    with pytest.raises(Failed, match=r"UnsupportedClassVersionError"):
        deploy("install", wanted(host, viewer_jar("3.8.0", java=JAVA_21), "3.8.0"))
    assert not (tmp_path / "leaked").exists()


def test_a_folder_that_the_login_may_not_get_to_is_not_called_missing(host: XnatHost) -> None:
    sudo = host.folder.parent / "bin0" / "sudo"
    as_nobody = "setpriv --reuid 65534 --clear-groups" if os.getuid() == 0 else ""
    sudo.write_text(f'#!/bin/sh\nshift\nexec {as_nobody} "$@"\n')
    sudo.chmod(0o755)
    host.folder.chmod(0)
    with pytest.raises(Failed, match=r"node0: \w+ may not enter .*, on the way to .*/plugins: let the log-in"):
        deploy("install", wanted(host, sudo=True))
    host.folder.chmod(0o755)


def test_a_restart_that_leaves_a_process_behind_is_not_waited_for_longer_than_xnat(host: XnatHost) -> None:
    deploy("install", wanted(host, restart=f"sleep 300 & echo $! >{host.folder.parent}/pid; {host.restart_command}"))
    assert host.loaded() == "3.7.2"
    os.kill(int((host.folder.parent / "pid").read_text()), signal.SIGKILL)


def test_an_xnat_that_the_host_cannot_see_is_told_before_anything_changes(host: XnatHost) -> None:
    host.put("ohif-viewer-3.6.2.jar", OLD)
    with pytest.raises(Failed, match=r"XNAT does not answer at http://localhost:1, .*viewer_plugin\.probe_url"):
        deploy("install", wanted(host, probe_url="http://localhost:1"))
    assert (host.jars(), host.restarts) == ({"ohif-viewer-3.6.2.jar": OLD}, [0])
    deploy("install", wanted(host, probe_url="http://localhost:1", restart="none"))
    assert host.jars() == {"ohif-viewer-3.7.2.jar": NEW}


def test_a_host_with_the_programs_of_busybox_alone_will_do(
    host: XnatHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busybox = shutil.which("busybox") or pytest.skip("needs busybox (Debian: busybox)")
    applets = tmp_path / "applets"
    applets.mkdir()
    subprocess.run([busybox, "--install", "-s", applets], check=True)
    monkeypatch.setenv("PATH", str(applets))
    restart = f"wget -q -O - --post-data '' {host.url[0]}/sandbox/restart"
    here: dict[str, Any] = {"host": [], "probe_url": host.url[0], "restart": restart}
    host.put("ohif-viewer-3.6.2.jar", OLD)
    host.put("pacs.jar", plugin_jar("pacs", has_etherj=True))
    assert "warning: pacs.jar in" in deploy("install", wanted(host, **here))
    assert deploy("install", wanted(host, **here)).endswith("nothing changed\n")
    with pytest.raises(Failed, match=r"put back \(ohif-viewer-3\.7\.2\.jar\), and XNAT came back with it"):
        deploy("install", wanted(host, viewer_jar("3.8.0", java=JAVA_21), "3.8.0", **here))
    deploy("restore", wanted(host, **here))
    assert (set(host.jars()), host.loaded()) == ({"ohif-viewer-3.6.2.jar", "pacs.jar"}, "3.6.2")
