"""Who may read and write which list: site administration and data access are two different rights."""

import pytest

from .conftest import LIVER, SERVERS, SITE, Xnat

UNKNOWN = "/xapi/ohifaiaa/projects/NONE/servers"
EVERYBODY = ["admin", "site_admin", "all_data", "owner", "member", "stranger"]
NO_ADMINISTRATORS = ["all_data", "owner", "member", "stranger"]
PROJECTS = pytest.mark.parametrize("path", [LIVER, UNKNOWN])


@pytest.mark.parametrize("user", EVERYBODY)
def test_whoever_is_logged_in_reads_the_sites_list(xnat: Xnat, user: str) -> None:
    xnat.put(SITE, json=SERVERS)
    assert xnat.get(SITE, user).json() == SERVERS


@pytest.mark.parametrize("user", ["admin", "all_data", "owner", "member"])
def test_a_projects_list_is_for_those_who_may_read_the_project(xnat: Xnat, user: str) -> None:
    assert xnat.get(LIVER, user).status_code == 404
    xnat.put(LIVER, json=SERVERS)
    assert xnat.get(LIVER, user).json() == SERVERS


@PROJECTS
def test_to_a_stranger_an_unknown_project_and_a_private_one_are_the_same_empty_403(xnat: Xnat, path: str) -> None:
    for answer in (xnat.get(path, "stranger"), xnat.put(path, "stranger", json=SERVERS)):
        assert (answer.status_code, answer.content) == (403, b"")


@pytest.mark.parametrize("path", [SITE, LIVER, UNKNOWN])
@pytest.mark.parametrize("user", NO_ADMINISTRATORS)
@pytest.mark.parametrize("servers", [SERVERS, ["no address"]])
def test_only_site_administrators_write_and_others_get_an_empty_403(
    xnat: Xnat, path: str, user: str, servers: list[str]
) -> None:
    answer = xnat.put(path, user, json=servers, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.content) == (403, b"")


@pytest.mark.parametrize("user", ["admin", "site_admin"])
def test_a_site_administrator_writes_the_sites_list(xnat: Xnat, user: str) -> None:
    assert xnat.put(SITE, user, json=SERVERS).status_code == 200


def test_a_site_administrator_without_data_access_may_not_touch_a_private_projects_list(xnat: Xnat) -> None:
    """Why the account has to be a member of ALL_DATA_ADMIN besides."""
    read = xnat.get(LIVER, "site_admin")
    assert (read.status_code, read.content) == (403, b"")
    written = xnat.put(LIVER, "site_admin", json=SERVERS)
    assert written.status_code == 403
    assert xnat.get(LIVER).status_code == 404


@pytest.mark.parametrize("right", ["groups/ALL_DATA_ADMIN", "groups/ALL_DATA_ACCESS"])
def test_with_a_group_for_all_data_a_site_administrator_may(xnat: Xnat, right: str) -> None:
    assert xnat.put(f"/xapi/users/site_admin/{right}").status_code == 200
    assert xnat.put(LIVER, "site_admin", json=SERVERS).status_code == 200
    assert xnat.get(LIVER, "site_admin").json() == SERVERS


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ("admin", "Bad project ID or not visible to user admin: NONE"),
        ("site_admin", "User site_admin does not have read permission for xnat:projectData/ID"),
    ],
)
def test_an_unknown_project_is_a_403_with_a_reason_for_an_administrator_who_writes(
    xnat: Xnat, user: str, message: str
) -> None:
    answer = xnat.put(UNKNOWN, user, json=SERVERS)
    assert (answer.status_code, answer.text) == (403, message)


def test_whoever_is_logged_in_reads_a_public_projects_list_and_sees_that_a_protected_one_is_there(xnat: Xnat) -> None:
    liver = xnat.site.archive.projects["LIVER"]
    assert "LIVER" not in xnat.get("/data/projects", "stranger").text
    liver.accessibility = "protected"
    assert xnat.get(LIVER, "stranger").status_code == 403
    assert "LIVER" in xnat.get("/data/projects", "stranger").text
    liver.accessibility = "public"
    assert xnat.get(LIVER, "stranger").status_code == 404
    assert "LIVER" in xnat.get("/data/projects", "stranger").text


@pytest.mark.parametrize("project", ["liver", "Liver", "hepar"])
def test_a_projects_list_is_found_by_its_exact_id_alone(xnat: Xnat, project: str) -> None:
    xnat.site.archive.projects["LIVER"].aliases = ("hepar",)
    path = f"/xapi/ohifaiaa/projects/{project}/servers"
    assert xnat.get(path).status_code == 422
    assert xnat.put(path, json=SERVERS).status_code == 403


@pytest.mark.parametrize("kind", ["roles", "groups"])
def test_ones_own_roles_and_groups_are_told_and_everybodys_to_administrators(xnat: Xnat, kind: str) -> None:
    assert xnat.get(f"/xapi/users/member/{kind}", "member").json() == []
    assert xnat.get(f"/xapi/users/member/{kind}", "site_admin").json() == []
    assert xnat.get(f"/xapi/users/admin/{kind}", "member").status_code == 403
    assert xnat.get(f"/xapi/users/nobody/{kind}").status_code == 404
    assert xnat.put(f"/xapi/users/nobody/{kind}/x").status_code == 404


def test_the_first_account_is_administrator_and_member_of_all_data_admin(xnat: Xnat) -> None:
    assert xnat.get("/xapi/users/admin/roles").json() == ["Administrator"]
    assert xnat.get("/xapi/users/admin/groups").json() == ["ALL_DATA_ADMIN"]


def test_a_service_account_is_made_by_an_administrator(xnat: Xnat) -> None:
    account = {"username": "svc", "password": "svc"}
    assert [xnat.ask("POST", "/xapi/users", json=account).status_code for _ in range(2)] == [201, 409]
    for right in ("roles/Administrator", "roles/non_expiring", "groups/ALL_DATA_ADMIN"):
        assert xnat.put(f"/xapi/users/svc/{right}").status_code == 200
    assert xnat.get("/xapi/users/svc/roles", "svc").json() == ["Administrator", "non_expiring"]
    assert xnat.put(LIVER, "svc", json=SERVERS).status_code == 200


def test_nobody_raises_his_own_rights(xnat: Xnat) -> None:
    assert xnat.put("/xapi/users/member/roles/Administrator", "member").status_code == 403
    assert xnat.ask("POST", "/xapi/users", "member", json={"username": "x", "password": "x"}).status_code == 403
    assert xnat.get("/xapi/users/member/roles", "member").json() == []
