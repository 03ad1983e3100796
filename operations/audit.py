"""`bin/aiaa audit`: what any XNAT tells browsers of AIAA servers, who wrote it, and whether it works. It reads only,
and needs no stack: for an XNAT whose lists were written by hand, too."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from clients.errors import Broken, ClientError, one_line
from clients.xnat import XnatClient
from clients.xnat_answers import ADMINISTRATOR, NoProject, UnreadableList, emptying
from operations import table
from operations.at_once import at_once
from operations.browsers import Choice, chosen, server_problem, shown, spelling_problems
from settings.xnat import Xnat

Urls = tuple[str, ...] | None

_KEY = re.compile(
    r"(?<![\w./@-])(?:xnat|audit)\.(url|browser_url|username|password|password_env|password_file|ca_file)\b"
)


@dataclass(frozen=True)
class Finding:
    """
    Attributes:
        scope: `site` or `projects/<ID>`.
        servers: the list; empty if there is none.
        author: who wrote it last and since when there has been one; empty if there is none.
        comes_from: the list that decides here, `project` or `site`; empty if there is none.
        url: what a browser would call; empty if nothing.
        problems: why that would fail, each with what to do.
        known: False if XNAT did not tell the list that decides here: then `comes_from` and `url` are empty.
    """

    scope: str
    servers: tuple[str, ...]
    author: str
    comes_from: str
    url: str
    problems: tuple[str, ...]
    known: bool = True


@dataclass(frozen=True)
class _Read:
    """`urls`: None if XNAT did not tell."""

    urls: Urls
    author: str
    fault: str = ""


def log_in(login: Xnat) -> XnatClient:
    """A client that is yet to be entered.

    Raises:
        SettingsError: there is no password where it is said to be.
    """
    ca_file = str(login.ca_file) if login.ca_file else None
    return XnatClient(str(login.url), login.username, login.read_password(), ca_file=ca_file, timeout=login.timeout)


def sees_all(client: XnatClient) -> bool:
    """Whether the account is known to be a site administrator: to others XNAT names some projects only."""
    try:
        return ADMINISTRATOR.removeprefix("roles/") in client.roles(client.account())
    except ClientError:
        return False


def run(client: XnatClient, page: str, ca_file: Path | None = None) -> list[Finding]:
    """The site, and each project that the account sees.

    Args:
        page: XNAT's address as browsers have it.
        ca_file: certificate authority that browsers there trust.

    Raises:
        ClientError: XNAT did not answer, or refused.
    """
    with contextlib.suppress(Broken):  # which is the site's own trouble, and told with it
        client.server_list("site")  # without the plugin there is one thing to tell, not one for each project
    scopes = ["site", *(f"projects/{project}" for project in sorted(client.project_ids()))]
    with at_once() as several:
        read = dict(zip(scopes, several.map(lambda scope: _read(client, scope), scopes), strict=True))
        lists = {scope: each.urls for scope, each in read.items() if each.urls is not None}
        choices = {scope: chosen(lists, scope) for scope in scopes}
        urls = sorted({choice.url for choice in choices.values() if choice.url})
        met = dict(zip(urls, several.map(lambda url: server_problem(url, page, ca_file), urls), strict=True))
    return [_finding(scope, read[scope], choices[scope], met, page) for scope in scopes]


def well(findings: Iterable[Finding]) -> bool:
    return not any(finding.problems for finding in findings)


def show(findings: list[Finding], seen_by: str = "") -> None:
    """Of projects without a list of their own, and nothing wrong, only the number is told.

    Args:
        seen_by: the account, if it may not see all projects.
    """
    told = [each for each in findings if each.servers or each.problems or each.scope == "site"]
    table.show(
        ("XNAT", "LIST", "BY", "A BROWSER WILL USE", "WHY THAT FAILS"),
        [
            (
                each.scope,
                shown(", ".join(each.servers), known=each.known),
                each.author or "-",
                shown(each.url, known=each.known),
                "; ".join(each.problems) or "-",
            )
            for each in told
        ],
    )
    if others := len(findings) - len(told):
        site = next(each for each in findings if each.scope == "site")
        use = site.url or ("no server" if site.known else "what the site's list says")
        print(f"{others} other projects have no list of their own: a browser will use {one_line(use)} there.")
    if seen_by:
        projects = sum(each.scope != "site" for each in findings)
        print(f"{projects} projects that {seen_by} sees; others may have lists: a site administrator sees all.")


def as_json(url: str, findings: list[Finding], *, sees_all: bool) -> str:
    """A contract for programs: docs/operations.md."""
    document = {"url": url, "well": well(findings), "sees_all": sees_all}
    return json.dumps({**document, "scopes": [asdict(finding) for finding in findings]}, indent=2)


def in_options(text: str, *, url: str = "URL") -> str:
    """A message of clients or settings, with a command's options instead of a stack file's keys.

    Args:
        url: what the command calls XNAT's address.
    """
    words = {"url": url, "password": "the password"}
    return _KEY.sub(lambda key: words.get(key[1], f"--{key[1].replace('_', '-')}"), text)


def _read(client: XnatClient, scope: str) -> _Read:
    try:
        urls = client.server_list(scope) or ()
        return _Read(urls, client.authorship(scope) if urls else "")
    except UnreadableList as error:
        told = "the viewer cannot read it either; let an administrator of XNAT empty it"
        return _Read((), "", f"{error}: {told}: `{emptying(client.url, scope)}`")
    except NoProject as error:  # it was there when projects were listed
        return _Read(None, "", f"{error} any more")
    except ClientError as error:
        return _Read(None, "", in_options(error.line))


def _finding(scope: str, read: _Read, choice: Choice, met: dict[str, str], page: str) -> Finding:
    comes_from, url, known = choice
    own = scope == "site" or comes_from == "project"
    problems = [read.fault] if read.fault else []
    if len(read.urls or ()) > 1:
        problems.append(
            "the viewer uses the first entry only: take the others out, or give projects lists of their own"
        )
    if url and own:  # what is wrong with the site's server is told once, with the site's list
        problems += [*spelling_problems(url, page), *filter(None, [met[url]])]
    return Finding(scope, read.urls or (), read.author, comes_from, url, tuple(problems), known)
