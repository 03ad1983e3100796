"""What XNAT's refusals mean, in words that the person who runs a command can act on.

Sources: NrgXnat/xnat, web/.../security/XnatBasicAuthenticationFilter.java, XnatInitCheckFilter.java and
XnatExpiredPasswordFilter.java; the viewer plugin's OhifViewerControllerAdvice.java. docs/xnat.md has the statuses.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from clients.errors import Broken, ClientError, LoginRefused, NotReady, Refused, Rejected
from clients.transport import Answer
from clients.xnat_redirects import OWN_ADDRESS, not_initialised, own_name, password_expired

VIEWER_PLUGIN = "ohifViewerPlugin"
ADMINISTRATOR, ALL_DATA = "roles/Administrator", "groups/ALL_DATA_ADMIN"

_INSTALL = "install version 3.0 or newer and restart XNAT"


class NoPlugin(Rejected):
    """XNAT has started, without a viewer plugin that keeps lists: only another start can change that."""

    advice = _INSTALL


class NoProject(Rejected):
    """XNAT says to an account that sees every project that there is none of this ID."""

    advice = "mend the project's ID in registrations.projects, or take it out"


class UnreadableList(Broken):
    """What is stored in place of a list of servers is none; the viewer, too, cannot read it."""

    advice = "run `bin/pulumi refresh`, and then `bin/pulumi up` to write this stack's list again"


def login_refused(answer: Answer, username: str, url: str) -> ClientError:
    """For 401, which has no reason: XNAT answers a wrong password, a locked account and too many sessions
    alike. For 403, which may."""
    said = answer.text if answer.status == 403 else ""
    if "password has expired" in said:
        return password_expired(username, url, LoginRefused)
    if "not yet been configured" in said:
        return not_initialised("it refuses the log-in with 403", url)
    if "security token has expired" in said:
        return LoginRefused(
            f"the alias token {username} has expired, or is not valid",
            advice="issue a new one, and give its alias and secret as xnat.username and xnat.password; by default "
            "alias tokens are valid for two days, so a local XNAT account is better",
        )
    return LoginRefused(
        f"the log-in of {username} was refused ({answer.status}): the password is wrong, or the account is locked or "
        "has too many sessions",
        advice="mend xnat.username or the password; it was tried once and is not tried again in this run, as XNAT "
        "locks accounts. If XNAT's own log-in page takes them, they are too many sessions: those end after 15 idle "
        "minutes, or by an administrator's "
        f"`curl -u ADMIN -X DELETE {url}/xapi/users/active/{quote(own_name(username), safe='')}`",
    )


def sessions_do_not_last(username: str, log_ins: int) -> Refused:
    """Another log-in for each call would use up what XNAT allows of sessions."""
    return Refused(
        f"XNAT has lost {log_ins} sessions of {username} in this run",
        advice="if it has several nodes, let the balancer before them send a session's calls to one node",
    )


def no_session_id(answer: Answer) -> Broken:
    """For a log-in that was answered 200 with anything but a session."""
    return Broken(str(answer.instead_of("a session id")), advice=OWN_ADDRESS + ", without a log-in page in front of it")


def session_refused(answer: Answer, username: str) -> Refused:
    return Refused(
        f"{answer.tried}: answered 401 although the log-in of {username} was just accepted",
        advice="check that a proxy before XNAT passes the cookie JSESSIONID on",
    )


def not_up(error: ClientError) -> Rejected:
    """For an address that answered 404 until the deadline: Tomcat without XNAT, or something else altogether."""
    return Rejected(str(error), advice=f"wait until XNAT is up, or {OWN_ADDRESS}")


def no_route(answer: Answer, plugins: Mapping[str, str] | None) -> ClientError:
    """Why XNAT has no route for lists of servers.

    Args:
        plugins: versions of those that XNAT has loaded, by id; None if it does not tell.

    Returns:
        NotReady if time may change it, else NoPlugin.
    """
    version = (plugins or {}).get(VIEWER_PLUGIN)
    if version is not None:
        return too_old(version) or NotReady(
            f"{answer.tried}: answered 404 although the OHIF viewer plugin {version} is loaded"
        )
    if plugins:
        return NoPlugin(f"XNAT has no OHIF viewer plugin, only {', '.join(sorted(plugins))}")
    return NotReady(
        "XNAT has no OHIF viewer plugin, or has not finished starting",
        advice=f"wait until it has started and run the command again; if it has no plugin, {_INSTALL}",
    )


def major_of(version: str) -> int | None:
    """Of the viewer plugin's version, as XNAT tells it; None if it cannot be told."""
    found = re.match(r"[vV]?([0-9]{1,9})(?![0-9])", version)
    return int(found[1]) if found else None


def too_old(version: str) -> NoPlugin | None:
    """For the viewer plugin's version, as XNAT tells it; lists came with 3.0."""
    major = major_of(version)
    if major is None or major >= 3:
        return None
    return NoPlugin(f"XNAT's OHIF viewer plugin is version {version}, which keeps no lists of servers")


def may_not_read(account: str, projects: Iterable[str], url: str) -> Refused:
    return Refused(
        f"account {account} may not read {_named(projects)}, which the list needs",
        advice=granting(url, account, [ALL_DATA]),
    )


def granting(url: str, account: str, rights: Iterable[str]) -> str:
    """How an administrator gives an account what it lacks.

    Args:
        rights: `ADMINISTRATOR`, `ALL_DATA`.
    """
    urls = [f"{url}/xapi/users/{quote(account, safe='')}/{right}" for right in rights]
    commands = " and ".join(f"`curl -u ADMIN -X PUT {shlex.quote(to)}`" for to in urls)
    names = " and ".join(right.replace("roles/", "the role ").replace("groups/", "the group ") for right in rights)
    return f"let an administrator of XNAT give it {names}: {commands}"


def emptying(url: str, scope: str) -> str:
    """The command by which an administrator empties the list of `site` or `projects/<ID>` by hand: an empty list is how
    XNAT says "none", as there is no DELETE."""
    to = "/".join(quote(part, safe="") for part in list_path(scope))
    return f"curl -u ADMIN -X PUT -H 'Content-Type: application/json' -d '[]' {shlex.quote(f'{url}/{to}')}"


def list_path(scope: str) -> list[str]:
    """The route of the list of AIAA servers of `site` or `projects/<ID>`."""
    return ["xapi", "ohifaiaa", *([] if scope == "site" else scope.split("/")), "servers"]


def _named(projects: Iterable[str]) -> str:
    ids = list(projects)
    return f"project{'s' if len(ids) > 1 else ''} {', '.join(ids)}"
