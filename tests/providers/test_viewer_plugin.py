"""`xnat:ViewerPlugin`: XNAT has loaded the plugin, or what was there before is put back."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dynamic_providers.xnat.viewer_plugin import ViewerPluginProvider
from sandbox.faults import Fault
from sandbox.serve import serve
from sandbox.xnat.app import create_app
from sandbox.xnat.options import Options
from sandbox.xnat.site import Site
from tests.support.provider_host import Provider, ProviderFailed, ProviderHost, provider_host

from .conftest import PASSWORD, USER

LISTS = "/xapi/ohifaiaa/servers"

# Stands for the deployment: what it was asked, and an answer that is the file's of that name.
DEPLOY = 'cd "$(dirname "$0")"\necho "$1" >>asked\n[ ! -e "$1" ] || cat "$1"\n'


@pytest.fixture
def plugin(host: ProviderHost) -> Provider:
    return host.provider(ViewerPluginProvider)


@pytest.fixture
def deploy(tmp_path: Path) -> Path:
    script = tmp_path / "deploy.sh"
    script.write_text(DEPLOY)
    (tmp_path / "install").write_text("ohif-viewer-3.7.2.jar is in /plugins: nothing changed\n")
    (tmp_path / "undo").write_text("what was there before was put back (ohif-viewer-3.6.2.jar)\n")
    (tmp_path / "asked").touch()
    return script


def asked(deploy: Path) -> list[str]:
    return (deploy.parent / "asked").read_text().split()


def inputs(xnat: str, deploy: Path, **changed: Any) -> dict[str, Any]:
    own = {"deployed": "at noon", "deploy": f"sh {deploy}", "environment": {}, "timeout": 2}
    return {"url": xnat, "version": "3.7.2", **own, **changed}


def xnat_with(faults: Sequence[Fault] = (), **options: Any) -> Iterator[str]:
    made = Options(**options)
    site = Site(made)
    site.accounts.add(USER, PASSWORD, roles={"Administrator"}, groups={"ALL_DATA_ADMIN"})
    app = create_app(made, site)
    app.state.faults.set(*faults)
    with serve(app) as url:
        yield url


def test_a_plugin_that_is_loaded_is_all_there_is_to_it(plugin: Provider, xnat: str, deploy: Path) -> None:
    id_, state = plugin.create(inputs(xnat, deploy))
    assert (id_, state["version"], asked(deploy)) == ("xnat", "3.7.2", ["install", "confirm"])
    assert not plugin.diff(id_, state, inputs(xnat, deploy, timeout=9))
    assert plugin.diff(id_, state, inputs(xnat, deploy, deployed="at one"))
    plugin.delete(id_, state)
    assert asked(deploy) == ["install", "confirm"]


def test_plugins_that_come_late_are_waited_for(plugin: Provider, deploy: Path) -> None:
    for url in xnat_with(core_after=1, plugins_after=1):
        began = time.monotonic()
        plugin.create(inputs(url, deploy, timeout=30))
        assert time.monotonic() - began >= 1
        assert asked(deploy) == ["install", "confirm"]


@pytest.mark.parametrize(
    "fault",
    [
        *(Fault(LISTS, "status", status=status, times=1) for status in (400, 429, 500)),
        Fault(LISTS, "html", times=1),
        Fault(LISTS, "reset", times=1),
        Fault("/xapi/plugins/ohifViewerPlugin", "status", status=500, times=1),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}-{fault.path.rpartition('/')[2]}",
)
def test_one_odd_answer_of_an_xnat_that_starts_undoes_nothing(plugin: Provider, deploy: Path, fault: Fault) -> None:
    for url in xnat_with(faults=[replace(fault)]):
        plugin.create(inputs(url, deploy, timeout=30))
        assert asked(deploy) == ["install", "confirm"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (
            Fault(LISTS, "status", status=500),
            r"answered 500 although|expected a list of addresses, got: fault injected",
        ),
        (Fault(LISTS, "reset"), "GET .*/xapi/ohifaiaa/servers: "),
    ],
    ids=["500", "reset"],
)
def test_odd_answers_until_the_end_are_undone_and_the_last_is_told(
    plugin: Provider, deploy: Path, fault: Fault, reason: str
) -> None:
    for url in xnat_with(faults=[replace(fault)]):
        with pytest.raises(
            ProviderFailed, match=rf"({reason}).*\(waited [23] s\).*; what was there before was put back"
        ):
            plugin.create(inputs(url, deploy))
        assert asked(deploy) == ["install", "undo"]


def test_a_missing_right_undoes_nothing(plugin: Provider, deploy: Path) -> None:
    for url in xnat_with(faults=[Fault(LISTS, "status", status=403)]):
        with pytest.raises(ProviderFailed, match=r"answered 403"):
            plugin.create(inputs(url, deploy, timeout=60))
        assert asked(deploy) == ["install"]


def test_an_xnat_without_the_plugin_gets_back_what_it_had_and_says_so(plugin: Provider, deploy: Path) -> None:
    for url in xnat_with(viewer_plugin=None, other_plugins=("containers",)):
        with pytest.raises(ProviderFailed) as failed:
            plugin.create(inputs(url, deploy, timeout=60))
        assert str(failed.value) == (
            f"XNAT {url}: XNAT has no OHIF viewer plugin, only containers: install version 3.0 or newer and restart "
            "XNAT; what was there before was put back (ohif-viewer-3.6.2.jar)"
        )
        assert asked(deploy) == ["install", "undo"]


def test_a_jar_that_no_change_is_open_of_stays_and_that_is_said(plugin: Provider, deploy: Path) -> None:
    (deploy.parent / "undo").write_text("")
    for url in xnat_with(viewer_plugin=None, other_plugins=("containers",)):
        with pytest.raises(ProviderFailed, match=r"; the jar stays as it is, as no change of it is open$"):
            plugin.create(inputs(url, deploy))


def test_a_way_back_that_fails_does_not_hide_why_it_was_begun(plugin: Provider, deploy: Path) -> None:
    deploy.write_text('[ "$1" != undo ] || { echo no way back >&2; exit 1; }\n')
    for url in xnat_with(viewer_plugin=None, other_plugins=("containers",)):
        with pytest.raises(ProviderFailed, match=r"only containers: .*; the former jar could not be put back: no way"):
            plugin.create(inputs(url, deploy))


def test_another_version_than_was_written_undoes_nothing(plugin: Provider, site: Site, xnat: str, deploy: Path) -> None:
    site.plugins = {"ohifViewerPlugin": "3.6.2"}
    with pytest.raises(ProviderFailed, match=r"it has loaded version 3\.6\.2 of the OHIF viewer plugin, not 3\.7\.2"):
        plugin.create(inputs(xnat, deploy))
    assert asked(deploy) == ["install"]


def test_a_deployment_that_fails_is_told_in_its_own_words(plugin: Provider, deploy: Path) -> None:
    deploy.write_text("echo no way in >&2; exit 255\n")
    for url in xnat_with(viewer_plugin=None, other_plugins=("containers",)):
        with pytest.raises(ProviderFailed, match=r": no way in$"):
            plugin.create(inputs(url, deploy))


def test_a_refused_login_is_tried_once_and_undoes_nothing(xnat: str, site: Site, deploy: Path) -> None:
    with provider_host({"xnat": {"username": USER, "password": "wrong"}}) as host:
        plugin = host.provider(ViewerPluginProvider)
        for _ in range(2):
            with pytest.raises(ProviderFailed, match=r"the log-in of svc-aiaa was refused"):
                plugin.create(inputs(xnat, deploy))
    assert site.accounts.users[USER].failed_logins == 1
    assert asked(deploy) == ["install", "install"]


def test_an_expired_password_undoes_nothing(plugin: Provider, xnat: str, site: Site, deploy: Path) -> None:
    site.accounts.users[USER].password_expired = True
    with pytest.raises(ProviderFailed, match=r"the password of svc-aiaa has expired: log in once as svc-aiaa at "):
        plugin.create(inputs(xnat, deploy))
    assert asked(deploy) == ["install"]
