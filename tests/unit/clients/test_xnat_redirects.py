"""What a redirect means, in the words that a person reads: XNAT's own pages, other addresses, and sign-on pages."""

from __future__ import annotations

import pytest

from clients.errors import ClientError, LoginRefused, NotReady, Refused, Rejected
from clients.transport import Answer
from clients.xnat_answers import login_refused
from clients.xnat_redirects import require_no_redirect

URL = "http://xnat:8080"
EXPIRED = (
    "the password of svc has expired: log in once as svc at http://xnat:8080 in a browser, set a new one there, and "
    "use that one as xnat.password; with the role non_expiring it does not expire again: `curl -u ADMIN -X PUT "
    "http://xnat:8080/xapi/users/svc/roles/non_expiring`"
)
SET_UP = "open http://xnat:8080 in a browser as an administrator and finish the set-up page, then run the command again"
ENABLE = "ask an XNAT administrator to enable"
PAST_SIGN_ON = "a script cannot use single sign-on: set xnat.url to an address of XNAT that accepts HTTP Basic"
OWN = "set xnat.url to XNAT's own address, with its context path if it has one"
HEADERS = "if a proxy is in front of XNAT, let it forward the header Authorization and the cookie JSESSIONID"

# Of XNAT 1.7 to 1.9, and of a plugin that replaces its log-in page; with and without its siteUrl and context path.
OF_XNAT = [
    ("/app/template/XDATScreen_UpdateUser.vm", Refused, EXPIRED),
    ("https://xnat.example.org/app/template/XDATScreen_UpdateUser.vm", Refused, EXPIRED),
    ("/xnat/app/template/XDATScreen_UpdateUser.vm?change-password=true", Refused, EXPIRED),
    ("/app/template/ChangePassword.vm", Refused, EXPIRED),
    ("/app/action/ModifyPassword", Refused, EXPIRED),
    ("/setup", NotReady, SET_UP),
    ("http://xnat.example.org/xnat/setup/", NotReady, SET_UP),
    ("/app/template/Unconfigured.vm", NotReady, SET_UP),
    ("/app/template/InactiveAccount.vm", Refused, f"the account svc is disabled in XNAT: {ENABLE} it"),
    ("/app/template/VerifyEmail.vm", Refused, f"e-mail address to be verified: {ENABLE} and verify it"),
    ("/app/template/PostRegister.vm", Refused, "the account svc waits to be approved, or for its e-mail"),
    ("/app/template/Login.vm", Refused, f"GET {URL}/data/auth: redirects to the log-in page: {HEADERS}"),
    ("https://xnat.example.org/app/template/Login.vm?failed=true", Refused, HEADERS),
    ("/app/template/Login.vm;jsessionid=secret", Refused, HEADERS),
    ("/app/template/Login.vm#!", Refused, HEADERS),
    ("/page/login/", Refused, HEADERS),
]
ELSEWHERE = [
    ("https://xnat:8080/data/auth", Rejected, "set xnat.url to https://xnat:8080"),
    ("https://xnat.example.org/data/auth?format=json", Rejected, "set xnat.url to https://xnat.example.org"),
    ("http://xnat:8080/xnat/data/auth", Rejected, "set xnat.url to http://xnat:8080/xnat"),
    ("/xnat/data/auth/", Rejected, "set xnat.url to http://xnat:8080/xnat"),
    ("https://xnat/", Rejected, "set xnat.url to https://xnat"),
    ("https://xnat:8443", Rejected, "set xnat.url to https://xnat:8443"),
    ("http://user:secret@xnat2/data/auth", Rejected, "set xnat.url to http://xnat2"),
    ("/data/auth/", Rejected, OWN),
    ("/xnat/", Rejected, f"redirects to /xnat/: {OWN}"),
    ("https://www.example.org/", Rejected, OWN),
    ("http://[::1", Rejected, OWN),
    ("", Rejected, OWN),
]
SIGN_ON = [
    "https://login.microsoftonline.com/tenant/oauth2/v2.0/authorize?client_id=a&state=b",
    "https://keycloak.example.org/realms/hospital/protocol/openid-connect/auth?nonce=b",
    "https://idp.example.org/idp/profile/SAML2/Redirect/SSO?SAMLRequest=a",
    "/Shibboleth.sso/Login?target=a",
    "https://cas.example.org/cas/login?service=a",
    "https://adfs.example.org/adfs/ls/?wa=wsignin1.0",
    "/oauth2/sign_in",
    "/oauth2/start?rd=%2Fdata%2Fauth",
    "/openid-login?providerId=google",
    "https://portal.example.org/logon",
    "https://sso.example.org/",
]


def meaning(target: str, status: int = 302) -> ClientError:
    answer = Answer(f"GET {URL}/data/auth", status, {"Location": target}, b"")
    with pytest.raises(ClientError) as caught:
        require_no_redirect(answer, "svc", URL)
    return caught.value


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(("target", "kind", "message"), [*OF_XNAT, *ELSEWHERE])
def test_the_message_of_a_redirect_depends_on_its_target(
    target: str, kind: type[ClientError], message: str, status: int
) -> None:
    error = meaning(target, status)
    assert type(error) is kind
    assert message in error.line
    assert "secret" not in error.line


@pytest.mark.parametrize("target", ["http://xnat/data/auth", "http://xnat/", "http://xnat2:8080/data/auth"])
def test_nobody_is_told_to_give_up_tls(target: str) -> None:
    answer = Answer("GET https://xnat/data/auth", 302, {"Location": target}, b"")
    with pytest.raises(Rejected) as caught:
        require_no_redirect(answer, "svc", "https://xnat")
    assert f"redirects to {target}, without TLS: let the gateway before XNAT send it X-Forwarded-Proto" in str(
        caught.value.line
    )
    assert "set xnat.url to http:" not in caught.value.line


@pytest.mark.parametrize("target", SIGN_ON)
def test_a_sign_on_page_is_named_without_its_query(target: str) -> None:
    error = meaning(target)
    assert type(error) is Refused
    assert f"redirects to the sign-on page {target.partition('?')[0]}: {PAST_SIGN_ON}" in error.line
    assert "?" not in error.line


@pytest.mark.parametrize(
    ("said", "kind", "message"),
    [
        ("Your password has expired. Please try again after changing your password.", LoginRefused, EXPIRED),
        ("Site has not yet been configured.", NotReady, f"it refuses the log-in with 403: {SET_UP}"),
        (
            "Your security token has expired or is invalid.",
            LoginRefused,
            "the alias token svc has expired, or is not valid",
        ),
        ("", LoginRefused, "the log-in of svc was refused (403): the password is wrong, or"),
    ],
)
def test_a_403_of_the_log_in_is_judged_by_its_text(said: str, kind: type[ClientError], message: str) -> None:
    answer = Answer(f"POST {URL}/data/JSESSION", 403, {}, f"<html><body>{said}</body></html>".encode())
    error = login_refused(answer, "svc", URL)
    assert type(error) is kind
    assert message in error.line


@pytest.mark.parametrize(("status", "command"), [(403, "users/svc/roles/non_expiring"), (401, "users/active/svc`")])
def test_commands_for_administrators_name_the_account_without_its_provider(status: int, command: str) -> None:
    """Tomcat refuses an encoded slash in a path."""
    answer = Answer(f"POST {URL}/data/JSESSION", status, {}, b"Your password has expired")
    line = login_refused(answer, "ldap/svc", URL).line
    assert f"{URL}/xapi/{command}" in line
    assert "%2F" not in line


def test_a_401_of_the_log_in_is_not_judged_by_its_text() -> None:
    """XNAT has one page for all reasons, which names them all."""
    answer = Answer(f"POST {URL}/data/JSESSION", 401, {}, b"<html>Your password has expired.</html>")
    assert "the log-in of svc was refused (401)" in login_refused(answer, "svc", URL).line
