"""Where `bin/aiaa viewer-metadata` keeps its notes, and where it finds ohifviewer.log by itself."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import Any

import pytest

from operations import __main__ as command_line
from operations import stack_file
from operations.errors import CommandFailed
from operations.metadata.hosts_log import how_to_see
from operations.metadata.notes import held
from operations.stack_file import Stack
from settings import Settings, ViewerPlugin
from tests.support.viewer_metadata import xnat_stand_in

PLUGIN = {"version": "3.7.2", "url": "https://x.org/a.jar", "sha256": "0" * 64, "restart": "none"}


def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *urls: str) -> set[str]:
    monkeypatch.setenv("XNAT_AIAA_REQUESTS", str(tmp_path))
    for url in urls:
        with held(url):
            pass
    return {each.name for each in tmp_path.iterdir()}


@pytest.mark.parametrize(
    "urls",
    [
        ("https://x.org", "https://x.org:443", "https://X.org/", "https://x.org./", "HTTPS://x.org"),
        ("http://x.org/xnat", "http://x.org:80/xnat/", "http://x.ORG.:80/xnat"),
        ("http://[::1]:8080", "http://[::1]:8080/"),
    ],
)
def test_one_xnat_has_one_folder_however_its_address_is_spelt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, urls: tuple[str, ...]
) -> None:
    assert len(folders(tmp_path, monkeypatch, *urls)) == 1


def test_and_others_have_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    urls = ("http://x.org", "https://x.org", "http://x.org:443", "http://x.org/a", "http://x.org/A", "http://y.org")
    assert len(folders(tmp_path, monkeypatch, *urls)) == len(urls)


def test_a_folder_that_is_named_is_seen_from_where_the_user_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIAA_CALLED_FROM", str(tmp_path))
    monkeypatch.setenv("XNAT_AIAA_REQUESTS", "notes")
    with held("http://x.org"):
        assert len(list((tmp_path / "notes").iterdir())) == 1


def test_a_folder_that_takes_no_lock_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a network share."""

    def no_lock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setenv("XNAT_AIAA_REQUESTS", str(tmp_path))
    monkeypatch.setattr("operations.metadata.notes.fcntl.flock", no_lock)
    with pytest.raises(CommandFailed, match=r"No locks available\).*name another folder in XNAT_AIAA_REQUESTS"):
        held("http://x.org").__enter__()


@pytest.mark.parametrize("is_there", [True, False])
def test_the_log_beside_the_plugins_is_followed_if_it_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, is_there: bool
) -> None:
    home = tmp_path / "it's home"
    (home / "logs").mkdir(parents=True)
    monkeypatch.setattr("operations.metadata.log_source._FIRST", 1.0)
    log = home / ("logs" if is_there else ".") / "ohifviewer.log"
    with xnat_stand_in(tmp_path, log=log, build_seconds=0.2, proxy_timeout=0.1) as xnat:
        xnat.metadata.revisions = {f"XNAT_E{number:05d}": 2 for number in range(1, 7)}
        account = {"url": xnat.url, "username": "admin", "password": "admin"}
        settings = Settings.parse({"xnat": account, "viewer_plugin": {**PLUGIN, "plugins_dir": f"{home}/plugins"}})
        monkeypatch.setattr(stack_file, "load", lambda _stack: Stack("tests", settings))
        monkeypatch.setenv("XNAT_AIAA_REQUESTS", str(tmp_path / "notes"))
        options = ("--project", "LIVER", "--no-missing-only", "--interval", "0.1")
        monkeypatch.setattr(sys, "argv", ["bin/aiaa", "viewer-metadata", *options])
        assert command_line.main() == (0 if is_there else 1)
        said, told = capsys.readouterr()
        assert ("it told no line): going on without it" in told) != is_there
        assert ("XNAT's ohifviewer.log tells what becomes of a request: `--log-command" in said) != is_there
        assert sum(xnat.posts().values()) == 1


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"plugins_dir": "/data/home/plugins", "host": "ssh://me@x.org"},
            "`--log-command 'ssh -o BatchMode=yes -o ConnectTimeout=20 -- ssh://me@x.org "
            "tail -n +1 -F /data/home/logs/ohifviewer.log'` shows it",
        ),
        ({}, "`--log-command 'tail -n +1 -F HOME/logs/ohifviewer.log'`, HOME being XNAT's home folder, shows it"),
        ({"host": ["ssh://a", "ssh://b"], "plugins_dir": "/data/plugins"}, "shows it; each node writes its own"),
        ({"sudo": True}, "sudo -n tail"),
    ],
)
def test_how_to_see_it_is_a_command(given: dict[str, Any], told: str) -> None:
    assert told in how_to_see(ViewerPlugin.model_validate({**PLUGIN, **given}))
