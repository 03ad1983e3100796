"""The viewer plugin's lists of AIAA servers: bodies, statuses, content negotiation and fault injection."""

import json

import pytest
import requests

from .conftest import LIVER, SERVERS, SITE, Xnat

LISTS = pytest.mark.parametrize("path", [SITE, LIVER])
NO_LIST = ["No AIAA server list found"]


@LISTS
def test_no_list_is_a_404_with_a_json_array(xnat: Xnat, path: str) -> None:
    answer = xnat.get(path)
    assert (answer.status_code, answer.json()) == (404, NO_LIST)
    assert answer.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize(
    ("path", "sentence"), [(SITE, "Site server list updated"), (LIVER, "Project LIVER server list updated")]
)
@pytest.mark.parametrize("accept", [{}, {"Accept": "application/json"}])
def test_a_successful_put_answers_text_even_to_who_wants_json(
    xnat: Xnat, path: str, sentence: str, accept: dict[str, str]
) -> None:
    answer = xnat.put(path, json=SERVERS, headers=accept)
    assert (answer.status_code, answer.text) == (200, sentence)
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


@LISTS
@pytest.mark.parametrize(
    "servers",
    [
        SERVERS,
        list(reversed(SERVERS)),
        ["http://h:1", "http://h:1"],
        [" http://h/ ", "HTTP://H"],
        ["https://h/ü?a=1&b='<x>'"],
    ],
)
def test_a_list_is_kept_exactly_as_it_was_sent(xnat: Xnat, path: str, servers: list[str]) -> None:
    xnat.put(path, json=servers)
    answer = xnat.get(path)
    assert (answer.status_code, answer.json()) == (200, servers)


@LISTS
def test_a_put_replaces_the_whole_list(xnat: Xnat, path: str) -> None:
    xnat.put(path, json=SERVERS)
    xnat.put(path, json=SERVERS[1:])
    assert xnat.get(path).json() == SERVERS[1:]


@LISTS
def test_an_empty_list_stays_a_list(xnat: Xnat, path: str) -> None:
    assert xnat.put(path, json=[]).status_code == 200
    answer = xnat.get(path)
    assert (answer.status_code, answer.json()) == (200, [])


def test_site_and_projects_have_their_own_lists_and_no_fallback(xnat: Xnat) -> None:
    xnat.put(SITE, json=SERVERS)
    assert xnat.get(LIVER).status_code == 404
    xnat.put(LIVER, json=SERVERS[:1])
    assert xnat.get(SITE).json() == SERVERS
    assert xnat.get("/xapi/ohifaiaa/projects/SPLEEN/servers").status_code == 404


@pytest.mark.parametrize(
    ("servers", "reason"),
    [
        (["http://a", "bad"], "no protocol: bad"),
        (["h:8000", "bad"], "unknown protocol: h"),
        (["localhost:8000"], "unknown protocol: localhost"),
        ([""], "no protocol: "),
        ([None], ""),
        ([1, 2], "no protocol: 1"),
    ],
)
@LISTS
def test_the_first_malformed_address_refuses_the_whole_list(
    xnat: Xnat, path: str, servers: list[object], reason: str
) -> None:
    xnat.put(path, json=SERVERS)
    answer = xnat.put(path, json=servers)
    assert answer.status_code == 422
    assert answer.text.startswith(f"Malformed URL - Cause: {reason}")
    assert xnat.get(path).json() == SERVERS


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/json5", None])
@LISTS
def test_a_body_that_is_not_called_json_is_a_415(xnat: Xnat, path: str, kind: str | None) -> None:
    assert xnat.put(path, data=json.dumps(SERVERS), headers={"Content-Type": kind}).status_code == 415
    assert xnat.get(path).status_code == 404


def test_an_error_is_json_for_exactly_one_accept_header_and_text_for_all_others(xnat: Xnat) -> None:
    as_json = xnat.put(SITE, json=["bad"], headers={"Accept": "application/json"})
    assert as_json.text == '{ "ResponseMessage":"Malformed URL - Cause: no protocol: bad" }'
    for accept in ("application/json, text/plain, */*", "*/*", None):
        answer = xnat.put(SITE, json=["bad"], headers={"Accept": accept})
        assert answer.text == "Malformed URL - Cause: no protocol: bad"


def test_quotes_in_an_error_are_not_escaped(xnat: Xnat) -> None:
    answer = xnat.put(SITE, json=['"http://h"'], headers={"Accept": "application/json"})
    assert (answer.status_code, answer.text[:2]) == (422, "{ ")
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


@LISTS
@pytest.mark.parametrize(("accept", "status"), [("text/html", 406), ("application/*", 200), ("text/html, */*", 200)])
def test_a_get_wants_an_accept_header_that_admits_json(xnat: Xnat, path: str, accept: str, status: int) -> None:
    xnat.put(path, json=SERVERS)
    assert xnat.get(path, headers={"Accept": accept}).status_code == status


@LISTS
def test_head_is_get_without_its_body(xnat: Xnat, path: str) -> None:
    assert xnat.ask("HEAD", path).status_code == 404
    xnat.put(path, json=SERVERS)
    answer = xnat.ask("HEAD", path)
    assert (answer.status_code, answer.content) == (200, b"")


@LISTS
def test_a_slash_at_the_end_changes_nothing(xnat: Xnat, path: str) -> None:
    assert xnat.put(f"{path}/", json=SERVERS).status_code == 200
    assert xnat.get(f"{path}/").json() == xnat.get(path).json() == SERVERS


def test_a_put_whose_answer_was_lost_may_be_repeated(xnat: Xnat) -> None:
    xnat.put("/sandbox/faults", json=[{"path": SITE, "kind": "reset", "method": "PUT", "applied": True, "times": 1}])
    with pytest.raises(requests.ConnectionError):
        xnat.put(SITE, json=SERVERS)
    assert xnat.get(SITE).json() == SERVERS
    assert xnat.put(SITE, json=SERVERS).status_code == 200
    assert xnat.get(SITE).json() == SERVERS


def test_a_proxys_login_page_may_stand_where_the_session_id_belongs(xnat: Xnat) -> None:
    xnat.put("/sandbox/faults", json=[{"path": "/data/JSESSION", "kind": "html"}])
    answer = xnat.ask("POST", "/data/JSESSION")
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (200, "text/html")
