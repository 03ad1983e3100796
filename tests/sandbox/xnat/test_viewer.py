"""Which address a clinician's browser would call for what stands in XNAT."""

import pytest

from sandbox.xnat.viewer import request_url, url_used

from .conftest import LIVER, SERVERS, SITE, SITE_ROW, Xnat


def used(xnat: Xnat) -> str | None:
    """As the viewer does it: the project's list, else the site's; whatever is not a 200 counts as no list."""
    project, site = (answer.json() if answer.status_code == 200 else None for answer in map(xnat.get, (LIVER, SITE)))
    return url_used(project, site)


def test_without_lists_there_is_no_server(xnat: Xnat) -> None:
    assert used(xnat) is None


def test_of_a_list_only_the_first_is_used(xnat: Xnat) -> None:
    xnat.put(LIVER, json=SERVERS)
    assert used(xnat) == SERVERS[0]


def test_a_projects_list_hides_the_sites(xnat: Xnat) -> None:
    xnat.put(SITE, json=SERVERS[:1])
    assert used(xnat) == SERVERS[0]
    xnat.put(LIVER, json=SERVERS[1:])
    assert used(xnat) == SERVERS[1]


def test_an_empty_list_of_a_project_switches_nothing_off(xnat: Xnat) -> None:
    xnat.put(SITE, json=SERVERS)
    xnat.put(LIVER, json=[])
    assert used(xnat) == SERVERS[0]


@pytest.mark.parametrize(
    ("stored", "called"),
    [
        ("http://h:5000/", "http://h:5000"),
        ("http://h:5000//", "http://h:5000/"),
        ("https://h", "https://h"),
        ("HTTP://h", "http://HTTP://h"),
        (" http://h", "http:// http://h"),
    ],
)
def test_an_address_is_cleaned_of_one_slash_and_given_a_scheme_unless_it_has_one_in_lower_case(
    xnat: Xnat, stored: str, called: str
) -> None:
    assert xnat.put(SITE, json=[stored]).status_code == 200
    assert used(xnat) == called


@pytest.mark.parametrize("server", ["https://h.example.org", "https://h.example.org/aiaa"])
@pytest.mark.parametrize("path", ["/v1/models", "/session/", "/v1/segmentation?model=m"])
def test_a_path_in_the_address_is_lost(server: str, path: str) -> None:
    assert request_url(server, path) == f"https://h.example.org{path}"


def test_the_landing_page_tells_which_server_each_project_uses(xnat: Xnat) -> None:
    xnat.put(LIVER, json=["http://h?a=<b>"])
    page = xnat.get("/", None).text
    assert "<td>LIVER</td><td>3</td><td>6</td><td>http://h?a=&lt;b&gt;</td>" in page
    assert "<td>SPLEEN</td><td>3</td><td>6</td><td>none</td>" in page


@pytest.mark.parametrize("contents", ["no json", "{}"])
def test_the_landing_page_stands_up_to_a_broken_list(xnat: Xnat, contents: str) -> None:
    xnat.put(f"{SITE_ROW}?inbody=true", data=contents)
    assert "<td>LIVER</td><td>3</td><td>6</td><td>none</td>" in xnat.get("/", None).text
