"""Log-in by Basic, session cookie and alias token; session limit and lock-out. All refusals look the same: 401."""

import re
from base64 import b64encode

import pytest
import requests

from .conftest import SITE, Start, Xnat

SCRIPTS = ["python-requests/2.32", "curl/8.5.0", "xnat-aiaa"]
BROWSERS = ["Mozilla/5.0 (X11)", "Opera/9.80", "MSIE 8", "AppleWebKit/537"]


@pytest.mark.parametrize("agent", SCRIPTS)
def test_a_script_without_credentials_is_asked_for_basic(xnat: Xnat, agent: str) -> None:
    answer = xnat.get(SITE, None, headers={"User-Agent": agent})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("agent", BROWSERS)
def test_a_browser_without_credentials_is_sent_to_the_login_page(xnat: Xnat, agent: str) -> None:
    answer = xnat.get(SITE, None, headers={"User-Agent": agent})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/app/template/Login.vm")


@pytest.mark.parametrize("agent", [*SCRIPTS, *BROWSERS])
@pytest.mark.parametrize("login", [("admin", "wrong"), ("nobody", "admin"), ("admin", "")])
def test_wrong_credentials_are_a_401_page(xnat: Xnat, agent: str, login: tuple[str, str]) -> None:
    answer = requests.get(xnat.url + SITE, auth=login, headers={"User-Agent": agent}, timeout=10)
    assert answer.status_code == 401
    assert answer.headers["Content-Type"].startswith("text/html")


def test_a_header_that_is_no_basic_is_a_401(xnat: Xnat) -> None:
    assert xnat.get(SITE, None, headers={"Authorization": "Bearer abc"}).status_code == 401


@pytest.mark.parametrize("name", ["admin", "localdb/admin"])
def test_a_name_may_have_its_provider_before_it(xnat: Xnat, name: str) -> None:
    answer = requests.get(xnat.url + "/data/auth", auth=(name, "admin"), timeout=10)
    assert answer.text == "User 'admin' is logged in"


def test_a_password_may_have_colons_and_any_letters(xnat: Xnat) -> None:
    xnat.site.accounts.add("svc", "a:b:ü")
    basic = "Basic " + b64encode("svc:a:b:ü".encode()).decode()
    answer = xnat.get("/xapi/users/username", None, headers={"Authorization": basic})
    assert (answer.status_code, answer.text) == (200, "svc")
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("prefix", ["/data", "/REST"])
def test_a_login_gives_a_session_id_as_text(xnat: Xnat, prefix: str) -> None:
    answer = xnat.ask("POST", f"{prefix}/JSESSION")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert re.fullmatch("[0-9A-F]{32}", answer.text)
    assert answer.cookies["JSESSIONID"] == answer.text


def test_a_csrf_token_comes_with_the_session_when_asked_for(xnat: Xnat) -> None:
    answer = xnat.ask("POST", "/data/JSESSION?CSRF=true")
    assert re.fullmatch(r"[0-9A-F]{32}; XNAT_CSRF=[0-9a-f-]{36}", answer.text)


def test_a_session_stands_in_for_the_password_until_it_is_ended(xnat: Xnat) -> None:
    cookie = {"JSESSIONID": xnat.ask("POST", "/data/JSESSION").text}
    assert xnat.get("/data/JSESSION", None, cookies=cookie).text == cookie["JSESSIONID"]
    assert xnat.get(SITE, None, cookies=cookie).status_code == 404
    assert xnat.sessions() == 1
    assert xnat.ask("DELETE", "/data/JSESSION", None, cookies=cookie).status_code == 200
    assert xnat.get(SITE, None, cookies=cookie).status_code == 401
    assert xnat.sessions() == 0


def test_each_call_by_basic_without_a_cookie_is_one_more_session(xnat: Xnat) -> None:
    ids = {xnat.get("/data/JSESSION").text for _ in range(3)}
    assert len(ids) == xnat.sessions() == 3


def test_basic_beside_a_cookie_of_the_same_user_opens_none(xnat: Xnat) -> None:
    cookie = {"JSESSIONID": xnat.ask("POST", "/data/JSESSION").text}
    assert xnat.get("/data/JSESSION", cookies=cookie).text == cookie["JSESSIONID"]
    assert requests.get(xnat.url + "/data/auth", auth=("admin", "wrong"), cookies=cookie, timeout=10).status_code == 200
    assert xnat.sessions() == 1


def test_basic_of_another_user_beats_the_cookie(xnat: Xnat) -> None:
    cookie = {"JSESSIONID": xnat.ask("POST", "/data/JSESSION").text}
    assert xnat.get("/data/auth", "member", cookies=cookie).text == "User 'member' is logged in"


def test_an_unknown_cookie_is_no_login(xnat: Xnat) -> None:
    assert xnat.get(SITE, None, cookies={"JSESSIONID": "0" * 32}).status_code == 401


def test_an_idle_session_ends_and_a_used_one_does_not(start: Start) -> None:
    with start(session_timeout=900) as xnat:
        used, idle = ({"JSESSIONID": xnat.ask("POST", "/data/JSESSION").text} for _ in range(2))
        for _ in range(3):
            xnat.clock.now += 600
            assert xnat.get("/data/auth", None, cookies=used).status_code == 200
        assert xnat.get("/data/auth", None, cookies=idle).status_code == 401


def test_the_session_limit_of_a_user_looks_like_a_wrong_password(start: Start) -> None:
    with start(max_sessions=2) as xnat:
        first = xnat.ask("POST", "/data/JSESSION").text
        assert [xnat.get("/data/auth").status_code for _ in range(2)] == [200, 401]
        assert "sessions" in xnat.get("/data/auth").text
        assert xnat.get("/data/auth", "member").status_code == 200
        assert xnat.get("/data/auth", None, cookies={"JSESSIONID": first}).status_code == 200
        xnat.ask("DELETE", "/data/JSESSION", None, cookies={"JSESSIONID": first})
        assert xnat.get("/data/auth").status_code == 200


def test_too_many_failed_logins_lock_the_account_for_a_time(start: Start) -> None:
    with start(max_failed_logins=3, lockout=3600) as xnat:
        cookie = {"JSESSIONID": xnat.ask("POST", "/data/JSESSION").text}
        for _ in range(3):
            requests.get(xnat.url + SITE, auth=("admin", "wrong"), timeout=10)
        assert xnat.get("/data/auth").status_code == 401
        assert xnat.get("/data/auth", None, cookies=cookie).status_code == 200
        assert xnat.get("/data/auth", "member").status_code == 200
        xnat.clock.now += 3601
        assert xnat.get("/data/auth").status_code == 200


def test_a_login_in_between_starts_the_count_anew(start: Start) -> None:
    with start(max_failed_logins=2) as xnat:
        for _ in range(3):
            requests.get(xnat.url + SITE, auth=("admin", "wrong"), timeout=10)
            assert xnat.get("/data/auth").status_code == 200


def test_https_in_the_site_url_makes_the_cookie_secure(start: Start) -> None:
    """So a cookie jar holds it back from plain HTTP, and each call would be one more session."""
    with start(site_url="https://xnat.example.org") as xnat, requests.Session() as client:
        client.auth = ("admin", "admin")
        for _ in range(2):
            assert "Secure" in client.get(xnat.url + "/data/auth", timeout=10).headers["Set-Cookie"]
        assert xnat.sessions() == 2


def test_with_http_in_the_site_url_a_cookie_jar_is_enough(xnat: Xnat) -> None:
    with requests.Session() as client:
        client.auth = ("admin", "admin")
        for _ in range(3):
            client.get(xnat.url + "/data/auth", timeout=10)
    assert xnat.sessions() == 1


def test_an_alias_token_is_name_and_password_until_it_expires(start: Start) -> None:
    with start(token_timeout=100) as xnat:
        token = xnat.get("/data/services/tokens/issue", "member").json()
        assert (token["xdatUserId"], token["singleUse"]) == ("member", False)
        assert re.fullmatch("[A-Za-z0-9]{64}", token["secret"])
        login = (token["alias"], token["secret"])
        assert requests.get(xnat.url + "/xapi/users/username", auth=login, timeout=10).text == "member"
        validate = f"/data/services/tokens/validate/{token['alias']}/"
        assert xnat.get(validate + token["secret"], "member").json() == {"valid": "member"}
        assert xnat.get(validate + "wrong", "member").json() == {"valid": None}
        assert xnat.get(validate + token["secret"], "stranger").status_code == 403
        xnat.clock.now += 101
        assert requests.get(xnat.url + SITE, auth=login, timeout=10).status_code == 401


def test_an_invalidated_alias_token_is_no_login(xnat: Xnat) -> None:
    token = xnat.get("/data/services/tokens/issue", "member").json()
    invalidate = f"/data/services/tokens/invalidate/{token['alias']}"
    assert xnat.get(invalidate, "stranger").status_code == 403
    assert xnat.get(invalidate, "member").json() == {"result": "OK"}
    assert xnat.get(invalidate, "member").status_code == 404
    answer = requests.get(xnat.url + SITE, auth=(token["alias"], token["secret"]), timeout=10)
    assert answer.status_code == 401


def test_only_administrators_issue_alias_tokens_for_others(xnat: Xnat) -> None:
    path = "/data/services/tokens/issue/user/member"
    assert xnat.get(path, "stranger").status_code == 403
    assert xnat.get(path).json()["xdatUserId"] == "member"
    assert xnat.get("/data/services/tokens/issue", None).status_code == 401
