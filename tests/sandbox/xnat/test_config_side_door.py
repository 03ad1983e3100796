"""XNAT's configuration REST writes the rows in which the plugin keeps its lists, past the plugin's checks."""

from pathlib import Path

import pytest

from .conftest import LIVER, LIVER_ROW, SERVERS, SITE, SITE_ROW, Start, Xnat

ROWS = pytest.mark.parametrize(("row", "path"), [(SITE_ROW, SITE), (LIVER_ROW, LIVER)])
COLUMNS = {
    "tool",
    "path",
    "project",
    "user",
    "create_date",
    "reason",
    "contents",
    "unversioned",
    "version",
    "status",
}


def rows(xnat: Xnat, row: str, query: str = "format=json") -> list[dict[str, str]]:
    table = xnat.get(f"{row}?{query}").json()["ResultSet"]
    assert table["totalRecords"] == str(len(table["Result"]))
    found: list[dict[str, str]] = table["Result"]
    return found


@ROWS
def test_a_row_tells_who_wrote_the_list(xnat: Xnat, row: str, path: str) -> None:
    xnat.put(path, json=SERVERS)
    (found,) = rows(xnat, row)
    assert set(found) == COLUMNS
    assert (found["tool"], found["user"], found["status"]) == ("ohif-aiaa", "admin", "enabled")
    assert found["project"] == ("" if path == SITE else "LIVER")
    assert found["reason"] == f"Creating {'Site' if path == SITE else 'Project'} JSON"


@ROWS
def test_the_plugins_own_writes_leave_no_history(xnat: Xnat, row: str, path: str) -> None:
    xnat.put(path, json=SERVERS)
    xnat.put(path, json=[])
    (found,) = rows(xnat, row, "action=getHistory")
    assert (found["contents"], found["version"], found["unversioned"]) == ("[]", "1", "true")


@ROWS
def test_a_row_that_began_here_has_versions_and_the_plugin_adds_to_them(xnat: Xnat, row: str, path: str) -> None:
    assert xnat.put(f"{row}?inbody=true", data="[]").status_code == 201
    xnat.put(path, json=SERVERS)
    history = rows(xnat, row, "action=getHistory")
    assert [(found["version"], found["unversioned"]) for found in history] == [("1", "false"), ("2", "false")]
    assert xnat.get(path).json() == SERVERS


def test_a_row_that_the_plugin_began_stays_without_versions(xnat: Xnat) -> None:
    xnat.put(SITE, json=SERVERS)
    xnat.put(f"{SITE_ROW}?inbody=true", data="[]")
    (found,) = rows(xnat, SITE_ROW, "action=getHistory")
    assert (found["contents"], found["version"]) == ("[]", "1")


def test_versions_may_be_asked_for_later(xnat: Xnat) -> None:
    xnat.put(SITE, json=SERVERS)
    xnat.put(f"{SITE_ROW}?inbody=true&unversioned=false", data="[]")
    assert [found["version"] for found in rows(xnat, SITE_ROW, "action=getHistory")] == ["1", "2"]


@ROWS
def test_contents_come_alone_when_asked_for(xnat: Xnat, row: str, path: str) -> None:
    assert xnat.get(f"{row}?contents=true").status_code == xnat.get(row).status_code == 404
    assert xnat.get(f"{row}?contents=true&accept-not-found=true").status_code == 204
    xnat.put(path, json=SERVERS)
    assert xnat.get(f"{row}?contents=true").text == f'["{SERVERS[0]}","{SERVERS[1]}"]'


@ROWS
def test_delete_disables_a_row_which_the_plugin_still_reads(xnat: Xnat, row: str, path: str) -> None:
    """So it is no way to take a list away."""
    xnat.put(path, json=SERVERS)
    assert xnat.ask("DELETE", row).status_code == 200
    assert rows(xnat, row)[0]["status"] == "disabled"
    assert xnat.get(f"{row}?contents=true").status_code == 404
    assert xnat.get(path).json() == SERVERS


@ROWS
def test_there_is_nothing_to_disable_where_nothing_was_written(xnat: Xnat, row: str, path: str) -> None:
    assert xnat.ask("DELETE", row).status_code == 500
    assert xnat.get(path).status_code == 404


def test_a_write_enables_a_disabled_row(xnat: Xnat) -> None:
    xnat.put(SITE, json=SERVERS)
    xnat.ask("DELETE", SITE_ROW)
    xnat.put(SITE, json=[])
    assert [found["status"] for found in rows(xnat, SITE_ROW)] == ["enabled"]


@pytest.mark.parametrize("contents", ['["no address"]', '["http://foreign.example.org"]'])
def test_a_projects_owner_writes_what_the_plugin_would_refuse(xnat: Xnat, contents: str) -> None:
    assert xnat.put(LIVER, "owner", json=SERVERS).status_code == 403
    assert xnat.put(f"{LIVER_ROW}?inbody=true", "owner", data=contents).status_code == 201
    assert xnat.get(LIVER).text == contents
    assert rows(xnat, LIVER_ROW)[0]["user"] == "owner"


def test_the_same_contents_again_are_a_200_and_no_version(xnat: Xnat) -> None:
    assert [xnat.put(f"{SITE_ROW}?inbody=true", data="[]").status_code for _ in range(2)] == [201, 200]
    assert len(rows(xnat, SITE_ROW, "action=getHistory")) == 1


@pytest.mark.parametrize(("contents", "status"), [("no json", 500), ("null", 200)])
def test_contents_that_are_not_a_list_break_the_plugins_get_until_its_next_put(
    xnat: Xnat, contents: str, status: int
) -> None:
    xnat.put(f"{LIVER_ROW}?inbody=true", data=contents)
    assert xnat.get(LIVER).status_code == status
    assert xnat.put(LIVER, json=SERVERS).status_code == 200
    assert xnat.get(LIVER).json() == SERVERS


@ROWS
@pytest.mark.parametrize("contents", ["", " \n"])
def test_a_row_cannot_be_emptied(xnat: Xnat, row: str, path: str, contents: str) -> None:
    xnat.put(path, json=SERVERS)
    assert xnat.put(f"{row}?inbody=true", data=contents).status_code == 500
    assert xnat.get(path).json() == SERVERS


@pytest.mark.parametrize("user", ["member", "all_data", "stranger"])
def test_others_write_and_disable_no_row_of_a_project(xnat: Xnat, user: str) -> None:
    xnat.put(LIVER, json=SERVERS)
    assert xnat.put(f"{LIVER_ROW}?inbody=true", user, data="[]").status_code == 403
    assert xnat.ask("DELETE", LIVER_ROW, user).status_code == 403


@pytest.mark.parametrize("user", ["owner", "member", "all_data", "stranger"])
def test_the_sites_row_is_written_by_site_administrators_alone(xnat: Xnat, user: str) -> None:
    assert xnat.put(f"{SITE_ROW}?inbody=true", user, data="[]").status_code == 403
    assert xnat.ask("DELETE", SITE_ROW, user).status_code == 403
    assert xnat.put(f"{SITE_ROW}?inbody=true", "site_admin", data="[]").status_code == 201


@pytest.mark.parametrize(("user", "status"), [("owner", 200), ("member", 200), ("stranger", 404)])
def test_a_projects_row_is_for_those_who_may_read_the_project(xnat: Xnat, user: str, status: int) -> None:
    xnat.put(LIVER, json=SERVERS)
    assert xnat.get(LIVER_ROW, user).status_code == status


def test_a_projects_tools_tell_whether_a_list_was_ever_written(xnat: Xnat) -> None:
    tools = "/data/projects/LIVER/config"
    assert xnat.get(tools).status_code == 404
    xnat.put(LIVER, json=[])
    assert xnat.get(tools).json()["ResultSet"]["Result"] == [{"tool": "ohif-aiaa"}]
    assert xnat.get(tools, "stranger").status_code == 404


def test_rows_outlive_a_process_if_there_is_a_folder_for_them(start: Start, tmp_path: Path) -> None:
    with start(data=tmp_path) as xnat:
        xnat.put(SITE, json=SERVERS)
        xnat.put(f"{LIVER_ROW}?inbody=true", data="[]")
        before = rows(xnat, SITE_ROW), rows(xnat, LIVER_ROW)
    with start(data=tmp_path) as xnat:
        assert (rows(xnat, SITE_ROW), rows(xnat, LIVER_ROW)) == before
        assert xnat.get(SITE).json() == SERVERS
        assert xnat.get("/xapi/ohifaiaa/projects/SPLEEN/servers").status_code == 404
