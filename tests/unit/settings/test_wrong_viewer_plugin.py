"""What a person is told of a wrong `viewer_plugin`, word for word."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from settings import Settings, SettingsError, ViewerPlugin
from tests.support.jars import viewer_jar

XNAT = {"url": "https://xnat.example.org", "username": "svc-aiaa", "password": "hunter2"}
SUM = "0" * 64
VALID: dict[str, Any] = {
    "version": "3.7.2",
    "url": "https://store.example.org/ohif-viewer-3.7.2-fat.jar",
    "sha256": SUM,
    "restart": "systemctl restart tomcat9",
}
NO_JAR = {key: value for key, value in VALID.items() if key not in ("url", "sha256")}


def told(plugin: object, **others: object) -> str:
    with pytest.raises(SettingsError) as failed:
        Settings.parse({"xnat": XNAT, "viewer_plugin": plugin, **others})
    return str(failed.value)


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in VALID.items() if name != key}


CASES: list[tuple[object, str]] = [
    (VALID | {"plugin_dir": "auto"}, ".plugin_dir: unknown key; did you mean 'plugins_dir'?"),
    (without("restart"), ".restart: is missing, and is needed here"),
    (without("version"), ".version: is missing, and is needed here"),
    (
        VALID | {"version": "latest"},
        ".version: must be a version as XNAT's list of plugins shows it, in quotes, such as \"3.7.2\", not 'latest'",
    ),
    (VALID | {"version": 3.7}, ".version: must be a text in quotes, not 3.7"),
    (NO_JAR, ": give exactly one of jar (a file of this machine) and url (which XNAT's host fetches)"),
    (without("sha256"), ".sha256: is missing, and a url needs it: give what `sha256sum` prints for the right file"),
    (VALID | {"sha256": "abc"}, ".sha256: must be the 64 hexadecimal digits that `sha256sum` prints, not 'abc'"),
    (
        VALID | {"url": "https://store.example.org/"},
        ".url: must name a file, as in https://store.example.org/models/model.ts, not 'https://store.example.org/'",
    ),
    (
        VALID | {"url": "https://store.example.org/v.jar?token=hunter2"},
        ".url: must end before any ? or #, as a token there would be in the stack's state and in error messages: give "
        "an address without one, or download the file and give it as jar",
    ),
    (
        VALID | {"host": "xnat.example.org"},
        ".host[0]: must be a host's SSH address, such as ssh://admin@xnat.example.org, with a port if it is not 22, "
        "not 'xnat.example.org'",
    ),
    (
        VALID | {"host": ["ssh://-oProxyCommand=x"]},
        ".host[0]: must be a host's SSH address, such as ssh://admin@xnat.example.org, with a port if it is not 22, "
        "not 'ssh://-oProxyCommand=x'",
    ),
    (
        VALID | {"host": ["ssh://a", "ssh://b", "ssh://a"]},
        ".host: names 'ssh://a' twice: name each host once",
    ),
    (
        VALID | {"plugins_dir": "xnat/plugins"},
        ".plugins_dir: must be auto, or the absolute folder on XNAT's host that has its plugins, such as "
        "/data/xnat/home/plugins, not 'xnat/plugins'",
    ),
    (
        VALID | {"restart": "systemctl restart 'tomcat9"},
        '.restart: must be a command as a shell takes it, with its quotes closed, not "systemctl restart \'tomcat9"',
    ),
    (VALID | {"restart": None}, ".restart: must be a text in quotes, not null"),
    (VALID | {"on_destroy": "remove"}, ".on_destroy: must be 'keep' or 'restore', not 'remove'"),
    (
        VALID | {"ssh_config": "none"},
        ".ssh_config: there is no file 'none' (a path is relative to the folder of Pulumi.yaml)",
    ),
    ({**NO_JAR, "jar": "no.jar"}, ".jar: there is no file 'no.jar' (a path is relative to the folder of Pulumi.yaml)"),
]


@pytest.mark.parametrize(("plugin", "line"), CASES, ids=[line.partition(": ")[0] or "jar or url" for _, line in CASES])
def test_the_line_names_the_key_what_is_wrong_and_what_is_wanted(plugin: object, line: str) -> None:
    assert told(plugin) == f"viewer_plugin{line}"


def test_the_plugin_that_these_cases_change_is_right() -> None:
    assert Settings.parse({"xnat": XNAT, "viewer_plugin": VALID}).viewer_plugin is not None


def test_xnat_is_needed_to_see_whether_the_plugin_is_loaded() -> None:
    assert told(VALID, xnat=None) == (
        "xnat: is missing, and viewer_plugin needs it: give its url, a username and a password"
    )


WHOLE = viewer_jar("3.7.2")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b"<!DOCTYPE html>\n<html></html>",
            "is an HTML page, not a jar: download it again, by the address of the page's own download link",
        ),
        (WHOLE[:-40], "was cut off: it has no end of a zip file; copy it again"),
        (b"", "is no jar: download it again"),
        (b"plain text", "is no jar: download it again"),
        (WHOLE.replace(b"PK\x01\x02", b"PK\x09\x09"), "is damaged: `unzip -t` tells where; copy it again"),
    ],
    ids=["html", "cut", "empty", "text", "damaged"],
)
def test_a_file_that_is_no_whole_jar_is_told_before_it_goes_anywhere(tmp_path: Path, content: bytes, said: str) -> None:
    jar = tmp_path / "v.jar"
    jar.write_bytes(content)
    line = told({**NO_JAR, "jar": str(jar)})
    assert line == f"viewer_plugin.jar: {str(jar)!r} {said}"


def test_a_jar_whose_checksum_is_another_is_told_with_the_one_that_it_has(tmp_path: Path) -> None:
    jar = tmp_path / "v.jar"
    jar.write_bytes(WHOLE)
    assert told({**NO_JAR, "jar": str(jar), "sha256": SUM}) == (
        f"viewer_plugin.sha256: is not the one of {str(jar)!r}, which is {hashlib.sha256(WHOLE).hexdigest()}: "
        "mend the wrong one"
    )
    both = told({**VALID, "jar": str(jar)})
    assert both == (
        "viewer_plugin: give exactly one of jar (a file of this machine) and url (which XNAT's host fetches), not both"
    )


@pytest.mark.parametrize(
    ("restart", "log"),
    [
        ("systemctl restart tomcat9", "journalctl --no-pager --lines 40 --unit tomcat9"),
        ("sudo systemctl restart tomcat9", "sudo journalctl --no-pager --lines 40 --unit tomcat9"),
        ("docker compose restart xnat-web", "docker compose logs --no-color --tail 40 xnat-web"),
        (
            "cd /srv/xnat-docker-compose && docker-compose restart xnat-web",
            "cd /srv/xnat-docker-compose && docker-compose logs --no-color --tail 40 xnat-web",
        ),
        (
            "cd '/srv/x y' && docker compose -f a.yml restart web",
            "cd '/srv/x y' && docker compose -f a.yml logs --no-color --tail 40 web",
        ),
        ("docker compose restart xnat-web && echo x", None),
        ("docker compose restart db; docker compose restart xnat-web", None),
        ("docker compose restart xnat-web >/dev/null", None),
        ("docker compose restart $(systemctl restart x)", None),
        ("docker compose restart --timeout 30 xnat-web", None),
        ("systemctl restart tomcat9;reboot", None),
        ("service tomcat7 restart", None),
        ("/opt/restart-xnat", None),
    ],
)
def test_the_log_is_where_what_restarts_xnat_keeps_it(restart: str, log: str | None) -> None:
    assert ViewerPlugin.model_validate(VALID | {"restart": restart}).log_command == log
    assert ViewerPlugin.model_validate(VALID | {"restart": restart, "log": "cat /log"}).log_command == "cat /log"


@pytest.mark.parametrize("word", ["none", "None", "NONE"])
def test_that_a_person_restarts_xnat_may_be_written_in_any_case(word: str) -> None:
    assert not ViewerPlugin.model_validate(VALID | {"restart": word}).restarts


def test_one_host_may_be_written_without_a_list() -> None:
    one = ViewerPlugin.model_validate(VALID | {"host": "ssh://admin@xnat.example.org:2222"})
    assert one.host == ("ssh://admin@xnat.example.org:2222",)
