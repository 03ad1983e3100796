"""What XNAT tells browsers, for the site and each project of the stack."""

from __future__ import annotations

from collections.abc import Sequence

from clients.errors import ClientError
from clients.xnat import XnatClient
from clients.xnat_answers import UnreadableList
from operations.at_once import at_once
from operations.browsers import BrowserView, chosen, server_problem, spelling_problems
from operations.stack_file import Stack
from settings import SettingsError

Lists = dict[str, tuple[str, ...] | None]


def look(stack: Stack) -> tuple[str, list[BrowserView]]:
    """What is wrong with XNAT itself, if anything is; and what a browser will use in each project."""
    settings = stack.settings
    scopes = [scope for scope, _ in settings.registrations.by_scope()]
    if settings.xnat_url is None or not scopes:
        return "", []
    lists: Lists = {}
    faults: dict[str, str] = {}
    trouble = _read(stack, ["site", *(scope for scope in scopes if scope != "site")], lists, faults)
    if trouble:
        return trouble, []
    choices = {scope: chosen(lists, scope) for scope in scopes}
    urls = sorted({choice.url for choice in choices.values() if choice.url})
    page, ca_file = str(settings.xnat_browser_url), settings.xnat.ca_file if settings.xnat else None
    with at_once() as several:
        seen = dict(zip(urls, several.map(lambda url: server_problem(url, page, ca_file), urls), strict=True))
    views = []
    for scope in scopes:
        comes_from, url, known = choices[scope]
        found = [faults[scope]] if scope in faults else _drift(stack, scope, lists[scope])
        if scope != "site" and scope in lists and not lists[scope] and "site" in faults:
            found.append(faults["site"])
        if url:
            found += [*spelling_problems(url, page, key="browser_url"), *filter(None, [seen[url]])]
        views.append(BrowserView(scope, comes_from, url, tuple(found), known))
    return "", views


def _read(stack: Stack, scopes: Sequence[str], lists: Lists, faults: dict[str, str]) -> str:
    """Fills in the lists that XNAT tells, and what was wrong with one of them; returns why there are none at all."""
    login = stack.settings.xnat
    assert login is not None  # noqa: S101 - settings saw to it
    try:
        with XnatClient(
            str(stack.settings.xnat_url),
            login.username,
            login.read_password(),
            ca_file=str(login.ca_file) if login.ca_file else None,
            timeout=login.timeout,
        ) as client:
            for scope in scopes:
                try:
                    lists[scope] = client.server_list(scope)
                except UnreadableList as error:  # which to the viewer is no list, too
                    lists[scope], faults[scope] = None, error.line
                except ClientError as error:
                    faults[scope] = error.line
    except SettingsError as error:
        return str(error)
    except ClientError as error:
        return error.line
    return ""


def _drift(stack: Stack, scope: str, live: tuple[str, ...] | None) -> list[str]:
    wanted = tuple(
        stack.settings.servers[name].viewer_url
        for registered, registration in stack.settings.registrations.by_scope()
        if registered == scope
        for name in registration.servers
    )
    if live == wanted:
        return []
    there = f"XNAT has the list {list(live)}" if live else "XNAT has no list"
    return [f"{there}, the stack file says {list(wanted)}: run `bin/pulumi refresh`, then `bin/pulumi up`"]
