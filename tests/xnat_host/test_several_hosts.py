"""Nodes of one XNAT that share the plugins folder: one after the other, each waited for, all with the same plugin."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deploy_script import Failed, deploy
from tests.support.jars import viewer_jar
from tests.support.xnat_host import XnatHost, xnat_host

OLD, NEW = viewer_jar("3.6.2"), viewer_jar("3.7.2")


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[XnatHost]:
    with xnat_host(tmp_path, nodes=2) as made:
        made.put("ohif-viewer-3.6.2.jar", OLD)
        made.restart_all()
        (tmp_path / "new.jar").write_bytes(NEW)
        yield made


def wanted(hosts: XnatHost, **changes: object) -> dict[str, object]:
    return hosts.settings(version="3.7.2", jar=str(hosts.folder.parent / "new.jar"), **changes)


def test_each_node_restarts_once_and_one_after_the_other(hosts: XnatHost) -> None:
    said = deploy("install", wanted(hosts))
    assert [hosts.loaded(0), hosts.loaded(1)] == ["3.7.2", "3.7.2"]
    assert hosts.restarts == [1, 1]
    first_is_back = said.index("answered after")
    assert said.index("on ssh://node0: restarting") < first_is_back < said.index("on ssh://node1: restarting")
    deploy("install", wanted(hosts))
    assert hosts.restarts == [1, 1]


def test_a_node_that_does_not_come_back_takes_the_plugin_from_those_before_it_too(hosts: XnatHost) -> None:
    """Its restart fails for a reason of its own, so the first has come back with the new jar by then."""
    only_the_first = f"case $(command -v curl) in */bin1/*) exit 9 ;; esac; {hosts.restart_command}"
    with pytest.raises(Failed, match=r"viewer_plugin on ssh://node1: .* though it was not restarted"):
        deploy("install", wanted(hosts, restart=only_the_first))
    assert hosts.jars() == {"ohif-viewer-3.6.2.jar": OLD}
    assert [hosts.loaded(0), hosts.loaded(1)] == ["3.6.2", "3.6.2"]
    assert hosts.restarts == [2, 0]


def test_a_node_that_cannot_be_used_is_told_before_anything_changes(hosts: XnatHost) -> None:
    (hosts.folder.parent / "ssh1" / "known_hosts").write_text("")
    with pytest.raises(Failed, match="Host key verification failed"):
        deploy("install", wanted(hosts))
    assert (hosts.restarts, hosts.jars()) == ([0, 0], {"ohif-viewer-3.6.2.jar": OLD})


def test_a_fault_of_a_new_node_leaves_those_alone_that_work(hosts: XnatHost) -> None:
    """Their change is an old one by then."""
    deploy("install", wanted(hosts, host="ssh://node0"))
    deploy("confirm", wanted(hosts, host="ssh://node0"))
    shell = hosts.folder.parent / "bin1" / "sha256sum"
    shell.write_text("#!/bin/sh\nexit 1\n")
    shell.chmod(0o755)
    with pytest.raises(Failed, match="viewer_plugin on ssh://node1"):
        deploy("install", wanted(hosts))
    assert (hosts.restarts, hosts.jars()) == ([1, 0], {"ohif-viewer-3.7.2.jar": NEW})


def test_a_new_node_loads_the_plugin_too(hosts: XnatHost) -> None:
    deploy("install", wanted(hosts, host="ssh://node0"))
    deploy("install", wanted(hosts))
    assert [hosts.loaded(0), hosts.loaded(1)] == ["3.7.2", "3.7.2"]
    assert hosts.restarts == [1, 1]


def test_a_new_node_that_cannot_see_xnat_restarts_none(hosts: XnatHost) -> None:
    deploy("install", wanted(hosts, host="ssh://node0"))
    deploy("confirm", wanted(hosts, host="ssh://node0"))
    with pytest.raises(Failed, match=r"viewer_plugin on ssh://node1: XNAT does not answer at http://localhost:1"):
        deploy("install", wanted(hosts, probe_url="http://localhost:1"))
    assert (hosts.restarts, hosts.jars()) == ([1, 0], {"ohif-viewer-3.7.2.jar": NEW})


def test_a_node_is_the_same_one_however_its_address_is_written(hosts: XnatHost) -> None:
    deploy("install", wanted(hosts, host="ssh://node0", restart="none"))
    other = f"ssh://{getpass.getuser()}@node0"
    deploy("install", wanted(hosts, host=other))
    assert (hosts.loaded(0), hosts.restarts) == ("3.7.2", [1, 0])
    assert deploy("install", wanted(hosts, host="ssh://node0")).endswith("nothing changed\n")
    assert hosts.restarts == [1, 0]


def lost_after_the_first(hosts: XnatHost) -> str:
    """A restart command, after which the other node cannot be reached."""
    known = hosts.folder.parent / "ssh1" / "known_hosts"
    return f"{hosts.restart_command}; : >{known}"


def test_a_node_that_gets_lost_on_the_way_gets_the_plugin_by_the_next_run(hosts: XnatHost) -> None:
    known = hosts.folder.parent / "ssh1" / "known_hosts"
    keys = known.read_text()
    with pytest.raises(Failed, match="Host key verification failed"):
        deploy("install", wanted(hosts, restart=lost_after_the_first(hosts)))
    assert (hosts.restarts, hosts.jars()) == ([1, 0], {"ohif-viewer-3.7.2.jar": NEW})
    known.write_text(keys)
    deploy("install", wanted(hosts))
    assert hosts.restarts == [1, 1]
    assert [hosts.loaded(0), hosts.loaded(1)] == ["3.7.2", "3.7.2"]


def test_a_node_that_has_left_holds_nothing_open(hosts: XnatHost) -> None:
    with pytest.raises(Failed):
        deploy("install", wanted(hosts, restart=lost_after_the_first(hosts)))
    deploy("install", wanted(hosts, host="ssh://node0"))
    ours = {path.name for path in (hosts.plugins / ".xnat-aiaa").iterdir()}
    assert "former" in ours
    assert "undo" not in ours


def test_undo_and_restore_reach_all_nodes(hosts: XnatHost) -> None:
    deploy("install", wanted(hosts))
    assert "was put back (ohif-viewer-3.6.2.jar), and XNAT came back with it" in deploy("undo", wanted(hosts))
    assert [hosts.loaded(0), hosts.loaded(1)] == ["3.6.2", "3.6.2"]
    assert hosts.restarts == [2, 2]
    deploy("install", wanted(hosts))
    deploy("restore", wanted(hosts))
    assert [hosts.loaded(0), hosts.loaded(1)] == ["3.6.2", "3.6.2"]
    assert hosts.restarts == [4, 4]
    assert [path.name for path in hosts.plugins.iterdir()] == ["ohif-viewer-3.6.2.jar"]
