"""What the plugin's and XNAT's own controllers answered: docs/xnat.md, "What the real controllers answered"."""

import http.client
import json
import re
from base64 import b64encode
from urllib.parse import urlsplit

import pytest
import requests

from .conftest import LIVER, LIVER_ROW, SERVERS, SITE, SITE_ROW, Start, Xnat

JSON = {"Content-Type": "application/json"}
LISTS = pytest.mark.parametrize("path", [SITE, LIVER])
UNASSIGNED = "/xapi/ohifaiaa/projects/Unassigned/servers"
UNKNOWN = "/xapi/ohifaiaa/projects/NONE/servers"
NOT_FOUND = "NotFoundException - The following item(s) don't exist: NONE"
JAVA_21 = 65
TEXT_LABEL = "text/plain;charset=ISO-8859-1"
JSON_LABEL = "application/json;charset=ISO-8859-1"


def raw(xnat: Xnat, path: str) -> http.client.HTTPResponse:
    """A GET by admin of a path as it is spelt: `requests` would tidy it up first."""
    connection = http.client.HTTPConnection(urlsplit(xnat.url).netloc, timeout=10)
    connection.putrequest("GET", path)
    connection.putheader("Authorization", "Basic YWRtaW46YWRtaW4=")
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def store(xnat: Xnat, contents: str | bytes) -> None:
    assert xnat.put(f"{LIVER_ROW}?inbody=true", "owner", data=contents).status_code in (200, 201)


@pytest.mark.parametrize("path", [SITE, LIVER, "/data/JSESSION", "/data/projects", "/xapi/plugins", "/data/auth"])
def test_an_expired_password_leads_every_call_to_the_page_that_changes_it(xnat: Xnat, path: str) -> None:
    user = xnat.site.accounts.users["member"]
    user.password_expired = True
    answer = xnat.get(path, "member")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/app/template/XDATScreen_UpdateUser.vm")
    user.roles.add("non_expiring")
    assert xnat.get(path, "member").status_code in (200, 404)


@pytest.mark.parametrize(
    ("stored", "status", "body"),
    [
        ("null", 200, ""),
        (" null ", 200, ""),
        ('["a"] rest', 200, '["a"]'),
        ('["a"]["b"]', 200, '["a"]'),
        ("[1, true, 2.50]", 200, '["1","true","2.50"]'),
        ('["a", null]', 200, '["a",null]'),
        ('["<&>\'"]', 200, '["<&>\'"]'),
        ('["h\u00fc"]', 200, '["h\u00fc"]'),
        (r'["\u0007\n"]', 200, r'["\u0007\n"]'),
    ],
)
def test_a_get_gives_what_jackson_reads_of_the_stored_text(xnat: Xnat, stored: str, status: int, body: str) -> None:
    store(xnat, stored.encode())
    answer = xnat.get(LIVER)
    assert (answer.status_code, answer.content.decode()) == (status, body)


@pytest.mark.parametrize(
    "stored",
    [
        b"no json",
        b"{}",
        b'"http://h"',
        b"[[]]",
        b'[{"a": 1}]',
        b"['http://h']",
        b'# x\n["http://h"]',
        b'["a",]',
        b"[",
        b"nullx",
        b'["a"',
        b'["\t"]',
        b"[" * 100_000,
        b"[01]",
        b'["a" "b"]',
        b"\xff\xfe\xfa",
        rb'["\ud800"]',
    ],
)
def test_a_get_of_a_stored_text_that_is_not_a_list_is_a_500(xnat: Xnat, stored: bytes) -> None:
    store(xnat, stored)
    answer = xnat.get(LIVER)
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == JSON_LABEL


@LISTS
@pytest.mark.parametrize(
    ("body", "stored"),
    [
        ("['http://h']", ["http://h"]),
        ('# who\n["http://h"]', ["http://h"]),
        ('["http://h", # the first\n "http://i"]', ["http://h", "http://i"]),
        ('["http://h"] and more', ["http://h"]),
        ('["http://h"]["http://i"]', ["http://h"]),
        (r"['http://h?\'\u00fc']", ["http://h?'\u00fc"]),
        ("\ufeff[]", []),
    ],
)
def test_a_put_reads_json_leniently(xnat: Xnat, path: str, body: str, stored: list[str]) -> None:
    assert xnat.put(path, data=body.encode(), headers=JSON).status_code == 200
    assert xnat.get(path).json() == stored


@LISTS
@pytest.mark.parametrize("user", ["admin", "stranger"])
@pytest.mark.parametrize(
    "body", [b"[", b"x", b"{}", b'"http://h"', b"[[]]", b"[{}]", b"\xff", b"  ", b"[a]", b'["a",]']
)
def test_a_put_that_is_not_a_list_is_refused_before_the_role_is_checked(
    xnat: Xnat, path: str, user: str, body: bytes
) -> None:
    answer = xnat.put(path, user, data=body, headers=JSON)
    assert (answer.status_code, answer.text) == (500, "RuntimeException - ")


@LISTS
@pytest.mark.parametrize("user", ["admin", "stranger"])
@pytest.mark.parametrize("body", [b"", b"null", b" null # none"])
def test_a_put_of_nothing_is_a_body_that_is_missing(xnat: Xnat, path: str, user: str, body: bytes) -> None:
    answer = xnat.put(path, user, data=body, headers=JSON)
    assert answer.status_code == 500
    assert answer.text.startswith("RuntimeException - Required request body is missing")


@pytest.mark.parametrize("user", ["admin", "site_admin", "all_data"])
def test_an_unknown_project_is_a_422_to_read(xnat: Xnat, user: str) -> None:
    answer = xnat.get(UNKNOWN, user)
    assert (answer.status_code, answer.text) == (422, NOT_FOUND)


@pytest.mark.parametrize("user", ["admin", "site_admin"])
def test_an_unknown_project_is_a_403_to_write(xnat: Xnat, user: str) -> None:
    assert xnat.put(UNKNOWN, user, json=SERVERS).status_code == 403


def test_the_project_of_what_is_in_no_project_is_a_403_with_a_text(xnat: Xnat) -> None:
    read, written = xnat.get(UNASSIGNED), xnat.put(UNASSIGNED, json=SERVERS)
    assert (read.status_code, written.status_code) == (403, 403)
    assert "Unassigned" in read.text
    assert xnat.get(UNASSIGNED, "stranger").content == b""


def test_a_site_administrator_without_data_access_is_named_with_the_right_that_is_missing(xnat: Xnat) -> None:
    answer = xnat.put(LIVER, "site_admin", json=SERVERS)
    message = "User site_admin does not have read permission for xnat:projectData/ID"
    assert (answer.status_code, answer.text) == (403, message)


def test_on_a_protected_project_the_same_account_writes_what_it_may_not_read(xnat: Xnat) -> None:
    xnat.site.archive.projects["LIVER"].accessibility = "protected"
    assert xnat.put(LIVER, "site_admin", json=SERVERS).status_code == 200
    refused = xnat.get(LIVER, "site_admin")
    assert (refused.status_code, refused.content) == (403, b"")
    assert xnat.get(LIVER).json() == SERVERS


@pytest.mark.parametrize("accept", ["*/*", "application/json, text/plain, */*", "application/json;q=0.9"])
def test_an_error_of_a_get_is_a_bare_text_labelled_json(xnat: Xnat, accept: str) -> None:
    answer = xnat.get(UNKNOWN, headers={"Accept": accept})
    assert (answer.status_code, answer.text) == (422, NOT_FOUND)
    assert answer.headers["Content-Type"].startswith("application/json")


def test_an_error_of_a_get_is_json_for_exactly_one_accept_header(xnat: Xnat) -> None:
    answer = xnat.get(UNKNOWN, headers={"Accept": "application/json"})
    assert answer.text == f'{{ "ResponseMessage":"{NOT_FOUND}" }}'


@pytest.mark.parametrize(
    ("accept", "label"),
    [
        (None, TEXT_LABEL),
        ("*/*", TEXT_LABEL),
        ("text/*", TEXT_LABEL),
        ("application/json", JSON_LABEL),
        ("application/json, text/plain, */*", JSON_LABEL),
        ("text/html", "text/html;charset=ISO-8859-1"),
        ("text/html;q=0.5, text/csv", "text/csv;charset=ISO-8859-1"),
    ],
)
@pytest.mark.parametrize(("servers", "status"), [(SERVERS, 200), (["bad"], 422)])
def test_a_text_of_a_put_is_labelled_as_the_request_accepts(
    xnat: Xnat, accept: str | None, label: str, servers: list[str], status: int
) -> None:
    answer = xnat.put(LIVER, json=servers, headers={"Accept": accept})
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, label)


def test_characters_beyond_latin_1_are_question_marks_in_texts(xnat: Xnat) -> None:
    answer = xnat.put(SITE, json=["h\u00fc\u20ac\U0001f600"])
    assert answer.content == b"Malformed URL - Cause: no protocol: h\xfc??"


def test_a_charset_that_the_request_accepts_is_used_for_texts(xnat: Xnat) -> None:
    answer = xnat.put(SITE, json=["h\u20ac"], headers={"Accept": "text/plain;charset=UTF-8"})
    assert answer.headers["Content-Type"] == "text/plain;charset=UTF-8"
    assert answer.content.decode() == "Malformed URL - Cause: no protocol: h\u20ac"


@pytest.mark.parametrize("agent", ["python-requests/2.32", "Mozilla/5.0"])
@pytest.mark.parametrize("login", [("admin", "wrong"), ("nobody", "admin"), ("admin", "")])
def test_wrong_credentials_are_not_asked_for_again(xnat: Xnat, agent: str, login: tuple[str, str]) -> None:
    answer = requests.get(xnat.url + SITE, auth=login, headers={"User-Agent": agent}, timeout=10)
    assert answer.status_code == 401
    assert "WWW-Authenticate" not in answer.headers


@LISTS
@pytest.mark.parametrize("method", ["POST", "OPTIONS", "DELETE", "PATCH"])
def test_without_a_login_all_methods_get_a_401(xnat: Xnat, path: str, method: str) -> None:
    assert xnat.ask(method, path, None).status_code == 401


@LISTS
def test_options_is_a_200_for_who_is_logged_in(xnat: Xnat, path: str) -> None:
    assert xnat.ask("OPTIONS", path, "stranger").status_code == 200


@LISTS
@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH"])
def test_a_405_names_the_methods_that_are_allowed(xnat: Xnat, path: str, method: str) -> None:
    answer = xnat.ask(method, path, "stranger")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, PUT")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/xapi//ohifaiaa/servers", 500),
        ("//xapi/ohifaiaa/servers", 500),
        ("/xapi/ohifaiaa/servers;a=b", 500),
        ("/xapi/./ohifaiaa/servers", 500),
        ("/xapi/x/../ohifaiaa/servers", 500),
        ("/xapi/ohifaiaa/projects/A%25B/servers", 500),
        ("/xapi/ohifaiaa/projects/A%2eB/servers", 500),
        ("/xapi/ohifaiaa/projects/A%2EB/servers", 500),
        ("/xapi/ohifaiaa/projects/A%3BB/servers", 500),
        ("/xapi/ohifaiaa/projects/A%2FB/servers", 400),
        ("/xapi/ohifaiaa/projects/A%2fB/servers", 400),
        ("/xapi/ohifaiaa/projects/A%20B/servers", 422),
        ("/xapi/ohifaiaa/servers?a=//%2F%25;", 404),
    ],
)
def test_unusual_paths_are_refused_before_anything_else(xnat: Xnat, path: str, status: int) -> None:
    assert raw(xnat, path).status == status


@pytest.mark.parametrize(
    "path",
    [
        "/xapi/ohifaiaa/servers.json",
        "/admin/ohifaiaa/servers",
        "/pages/ohifaiaa/servers",
        "/schemas/ohifaiaa/servers",
        "/schemas/ohifaiaa/servers.json",
    ],
)
def test_the_list_has_other_names(xnat: Xnat, path: str) -> None:
    xnat.put(SITE, json=SERVERS)
    answer = xnat.get(path)
    assert (answer.status_code, answer.json()) == (200, SERVERS)


@LISTS
@pytest.mark.parametrize(
    "accept", ["json", "application/", "*/json", "text/html; q=2", "a b/c", ", ,", "text/a;charset=x"]
)
def test_an_accept_header_that_cannot_be_read_is_noticed_when_the_list_is_stored(
    xnat: Xnat, path: str, accept: str
) -> None:
    assert xnat.put(path, json=SERVERS, headers={"Accept": accept}).status_code == 406
    assert xnat.get(path).json() == SERVERS
    assert xnat.get(path, headers={"Accept": accept}).status_code == 406


def test_basic_is_known_by_its_capital_letter(xnat: Xnat) -> None:
    answer = xnat.get(SITE, None, headers={"Authorization": "basic YWRtaW46YWRtaW4="})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("value", ["YWRtaW4=", "", "%%%"])
def test_basic_without_a_colon_is_a_500(xnat: Xnat, value: str) -> None:
    assert xnat.get(SITE, None, headers={"Authorization": f"Basic {value}"}).status_code == 500


def test_basic_in_another_charset_is_a_401(xnat: Xnat) -> None:
    value = b64encode("s\u00fcd:pw".encode("iso-8859-1")).decode()
    assert xnat.get(SITE, None, headers={"Authorization": f"Basic {value}"}).status_code == 401


@pytest.mark.parametrize(("user", "status"), [("admin", 404), (None, 401)])
def test_cookies_come_with_every_answer_also_to_who_is_not_logged_in(xnat: Xnat, user: str | None, status: int) -> None:
    answer = xnat.get(SITE, user)
    assert answer.status_code == status
    assert set(answer.cookies.keys()) == {"JSESSIONID", "SESSION_EXPIRATION_TIME"}
    assert re.fullmatch(r'"\d{13},900000"', answer.cookies["SESSION_EXPIRATION_TIME"] or "")


def test_the_session_of_who_is_not_logged_in_is_none(xnat: Xnat) -> None:
    anonymous = xnat.get(SITE, None).cookies["JSESSIONID"]
    assert xnat.get(SITE, None, cookies={"JSESSIONID": anonymous}).status_code == 401
    assert xnat.get(SITE, "admin", cookies={"JSESSIONID": anonymous}).cookies["JSESSIONID"] != anonymous


def test_a_living_session_gets_no_new_cookie_but_the_time_of_its_end(xnat: Xnat) -> None:
    cookie = {"JSESSIONID": xnat.ask("POST", "/data/JSESSION").text}
    assert set(xnat.get(SITE, None, cookies=cookie).cookies.keys()) == {"SESSION_EXPIRATION_TIME"}


@pytest.mark.parametrize(("row", "path"), [(SITE_ROW, SITE), (LIVER_ROW, LIVER)])
def test_what_is_disabled_may_be_disabled_again(xnat: Xnat, row: str, path: str) -> None:
    xnat.put(path, json=SERVERS)
    assert [xnat.ask("DELETE", row).status_code for _ in range(3)] == [200, 200, 200]
    assert xnat.get(path).json() == SERVERS


@pytest.mark.parametrize("address", ["http://a b", "http://h|x", "http://a<b", "https://h^", "http://h`x:80/p"])
def test_java_21_refuses_hosts_that_older_ones_take(start: Start, address: str) -> None:
    with start() as older:
        assert older.put(SITE, json=[address]).status_code == 200
    with start(java=JAVA_21) as newer:
        answer = newer.put(SITE, json=[address])
        assert answer.status_code == 422
        assert answer.text.startswith("Malformed URL - Cause: Illegal character found in host: ")
        assert newer.put(SITE, json=["http://user@h:5000/a b|c", "http://[::1]:5000"]).status_code == 200


@pytest.mark.parametrize("body", [r'["http://h/\ud800"]', r'["http://h/\udfff"]'])
def test_half_of_a_surrogate_pair_is_stored_as_a_question_mark(xnat: Xnat, body: str) -> None:
    assert xnat.put(SITE, data=body, headers=JSON).status_code == 200
    assert xnat.get(SITE).json() == ["http://h/?"]
    whole = json.dumps(["http://h/\U0001f600"])  # as two halves
    assert xnat.put(SITE, data=whole, headers=JSON).status_code == 200
    assert xnat.get(SITE).json() == ["http://h/\U0001f600"]


@pytest.mark.parametrize("user", ["admin", "site_admin", "stranger"])
@LISTS
def test_a_session_limit_is_a_401(start: Start, path: str, user: str) -> None:
    with start(max_sessions=0) as xnat:
        assert xnat.get(path, user).status_code == 401


@pytest.mark.parametrize("path", [LIVER, "/data/projects/LIVER?format=json"])
def test_on_an_open_site_who_is_not_logged_in_is_a_guest(start: Start, path: str) -> None:
    with start(require_login=False) as xnat:
        assert xnat.get("/data/auth", None).text == "User 'guest' is logged in"
        assert xnat.get(SITE, None).status_code == 404
        assert xnat.put(SITE, None, json=SERVERS).status_code == 403
        assert xnat.get(path, None).status_code in (403, 404)
        assert xnat.get(path, None, cookies={"JSESSIONID": "0" * 32}).status_code in (403, 404)
        xnat.site.archive.projects["LIVER"].accessibility = "public"
        assert xnat.get("/data/projects/LIVER", None).status_code == 200
        assert requests.get(xnat.url + SITE, auth=("admin", "wrong"), timeout=10).status_code == 401
