"""What a redirect by XNAT, or by a proxy in front of it, means. XNAT redirects when a person has to use a browser.

Sources: NrgXnat/xnat, web/.../initialization/SecurityConfig.java, which names the pages; and, which redirect to them,
web/.../security/{XnatExpiredPasswordFilter,XnatInitCheckFilter,XnatUrlAuthenticationFailureHandler}.java. docs/xnat.md
has the table.
"""

from __future__ import annotations

import re
import shlex
from urllib.parse import quote, urljoin, urlsplit

from clients.connection import REDIRECTS
from clients.errors import ClientError, NotReady, Refused, Rejected
from clients.transport import Answer

OWN_ADDRESS = "set xnat.url to XNAT's own address, with its context path if it has one"

_LOGIN = re.compile(r"/app/template/login\.vm$|/page/login/?$")
_SET_UP = re.compile(r"/setup/?$|/unconfigured\.vm$")
_CHANGE_PASSWORD = re.compile(r"/xdatscreen_updateuser\.vm$|password[^/]*$")
_DISABLED = re.compile(r"/inactiveaccount\.vm$|/xnatinactiveaccount$")
_UNCONFIRMED = re.compile(r"/verifyemail\.vm$|/postregister\.vm$")
# Of OpenID Connect, OAuth, SAML, Shibboleth, CAS, AD FS, Keycloak, oauth2-proxy and XNAT's own OpenID plugin.
_SIGN_ON = re.compile(
    r"oauth|openid|oidc|saml|shibboleth|adfs|/cas\b|/idp\b|\bsso\b|/realms/|authori[sz]e|sign-?_?in|log-?_?[io]n"
)


def require_no_redirect(answer: Answer, username: str, url: str) -> None:
    """
    Args:
        url: XNAT's address as it is configured.

    Raises:
        NotReady: XNAT is not initialised. Refused: the account, its password or its session is not accepted.
        Rejected: XNAT has another address.
    """
    if answer.status in REDIRECTS:
        raise _meaning(answer, username, url)


def leads_to_login(answer: Answer) -> bool:
    """Whether XNAT redirects to its log-in page. It does so for a session that an administrator has ended."""
    return answer.status in REDIRECTS and _LOGIN.search(_path(_target(answer))) is not None


def own_name(username: str) -> str:
    """The account in XNAT's own addresses, if it logs in as `provider/user`: Tomcat allows no `%2F` in a path."""
    return username.partition("/")[2] or username


def not_initialised(reason: str, url: str) -> NotReady:
    return NotReady(
        f"XNAT is not initialised: {reason}",
        advice=f"open {url} in a browser as an administrator and finish the set-up page, then run the command again",
    )


def password_expired(username: str, url: str, kind: type[Refused] = Refused) -> Refused:
    role = shlex.quote(f"{url}/xapi/users/{quote(own_name(username), safe='')}/roles/non_expiring")
    return kind(
        f"the password of {username} has expired",
        advice=f"log in once as {username} at {url} in a browser, set a new one there, and use that one as "
        f"xnat.password; with the role non_expiring it does not expire again: `curl -u ADMIN -X PUT {role}`",
    )


def _meaning(answer: Answer, username: str, url: str) -> ClientError:
    shown = _target(answer)
    message, path = f"{answer.tried}: redirects to {shown or 'nowhere'}", _path(shown)
    if other := _other_address(answer, url):
        if other.startswith("http:") and url.startswith("https:"):  # and the password would go there in clear
            return Rejected(
                f"{message}, without TLS",
                advice="let the gateway before XNAT send it X-Forwarded-Proto: https, and see that XNAT's siteUrl "
                f"begins with https; or set xnat.url to the address to which {url} leads, if that is another https one",
            )
        return Rejected(message, advice=f"set xnat.url to {other}")
    if _SET_UP.search(path):
        return not_initialised(f"it redirects to {shown}", url)
    if _CHANGE_PASSWORD.search(path):
        return password_expired(username, url)
    if _DISABLED.search(path):
        return Refused(
            f"the account {username} is disabled in XNAT",
            advice="ask an XNAT administrator to enable it (Administer, Users)",
        )
    if _UNCONFIRMED.search(path):
        return Refused(
            f"the account {username} waits to be approved, or for its e-mail address to be verified",
            advice="ask an XNAT administrator to enable and verify it (Administer, Users)",
        )
    if _LOGIN.search(path):
        return Refused(
            f"{answer.tried}: redirects to the log-in page",
            advice="if a proxy is in front of XNAT, let it forward the header Authorization and the cookie JSESSIONID",
        )
    if _SIGN_ON.search(shown.lower()):
        return Refused(
            f"{answer.tried}: redirects to the sign-on page {shown}",
            advice="a script cannot use single sign-on: set xnat.url to an address of XNAT that accepts HTTP Basic "
            "authentication, and xnat.username to a local XNAT account, or to an alias token of one",
        )
    return Rejected(message, advice=OWN_ADDRESS)


def _other_address(answer: Answer, url: str) -> str:
    """XNAT's address where a redirect leads to the same path at another one, or from http to https; else empty."""
    asked = answer.tried.partition(" ")[2].removeprefix(url)
    try:
        there = urljoin(f"{url}/", _target(answer)).removesuffix("/")
        new, old = urlsplit(there), urlsplit(url)
    except ValueError:
        return ""
    if new.path == "" and new.hostname == old.hostname and new.scheme != old.scheme:
        return f"{there}{old.path}"
    base = there.removesuffix(asked)
    return base if asked.startswith("/") and base not in (url, there) else ""


def _target(answer: Answer) -> str:
    """The target of a redirect, without its query and fragment, which may hold a secret: a session's ID, a state."""
    return re.split("[?;#]", answer.location, maxsplit=1)[0]


def _path(target: str) -> str:
    try:
        return urlsplit(target).path.lower()
    except ValueError:
        return ""
