"""Projects, and what is in them, as ``/data`` tells it: by ID or alias, and only to those who may see them."""

import pytest

from .conftest import Xnat


def ids(xnat: Xnat, user: str, query: str = "") -> list[str]:
    table = xnat.get(f"/data/projects?format=json{query}", user).json()["ResultSet"]
    assert table["totalRecords"] == str(len(table["Result"]))
    return [row["ID"] for row in table["Result"]]


@pytest.mark.parametrize(
    ("user", "visible"),
    [
        ("admin", ["LIVER", "SPLEEN"]),
        ("all_data", ["LIVER", "SPLEEN"]),
        ("owner", ["LIVER"]),
        ("member", ["LIVER"]),
        ("site_admin", []),
        ("stranger", []),
    ],
)
def test_the_listing_shows_what_the_user_may_read(xnat: Xnat, user: str, visible: list[str]) -> None:
    assert ids(xnat, user) == visible


def test_a_site_administrator_may_ask_for_all_and_nobody_else(xnat: Xnat) -> None:
    assert ids(xnat, "site_admin", "&allDataOverride=true") == ["LIVER", "SPLEEN"]
    assert ids(xnat, "stranger", "&allDataOverride=true") == []


def test_missing_values_of_a_listing_are_empty_texts(xnat: Xnat) -> None:
    row = xnat.get("/data/projects?format=json", "member").json()["ResultSet"]["Result"][0]
    assert set(row) == {"ID", "secondary_ID", "name", "description", "pi_firstname", "pi_lastname", "URI"}
    assert (row["URI"], row["description"], row["pi_firstname"]) == ("/data/projects/LIVER", "", "")


@pytest.mark.parametrize("prefix", ["/data", "/REST"])
def test_an_alias_leads_to_the_project_and_its_id(xnat: Xnat, prefix: str) -> None:
    xnat.site.archive.add("KIDNEY", aliases=("renal",))
    for name in ("KIDNEY", "renal"):
        answer = xnat.get(f"{prefix}/projects/{name}?format=json")
        assert answer.json()["items"][0]["data_fields"]["ID"] == "KIDNEY"


@pytest.mark.parametrize("part", ["", "/subjects", "/experiments", "/config"])
@pytest.mark.parametrize(("user", "project"), [("stranger", "LIVER"), ("site_admin", "LIVER"), ("admin", "NONE")])
def test_a_project_that_is_not_visible_does_not_exist(xnat: Xnat, user: str, project: str, part: str) -> None:
    assert xnat.get(f"/data/projects/{project}{part}?format=json", user).status_code == 404


def test_ids_are_matched_exactly(xnat: Xnat) -> None:
    assert xnat.get("/data/projects/liver?format=json").status_code == 404


def test_experiments_are_ct_sessions_of_the_projects_subjects_and_their_ids_are_the_sites(xnat: Xnat) -> None:
    seen: set[str] = set()
    for project in ("LIVER", "SPLEEN"):
        base = f"/data/projects/{project}"
        subjects = xnat.get(f"{base}/subjects?format=json").json()["ResultSet"]["Result"]
        experiments = xnat.get(f"{base}/experiments?format=json").json()["ResultSet"]["Result"]
        assert {row["subject_ID"] for row in experiments} == {row["ID"] for row in subjects}
        assert {row["xsiType"] for row in experiments} == {"xnat:ctSessionData"}
        here = {row["ID"] for row in experiments}
        assert len(here) == len(experiments) == 6
        assert not here & seen
        seen |= here
