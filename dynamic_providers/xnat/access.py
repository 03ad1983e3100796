"""`xnat:Access`: what all registrations need, checked once, before anything in XNAT is written."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

import pulumi
from pulumi.dynamic import ConfigureRequest, CreateResult, DiffResult, Resource, UpdateResult

from clients.errors import LoginRefused, Refused
from clients.xnat import XnatClient
from clients.xnat_answers import (
    ADMINISTRATOR,
    ALL_DATA,
    VIEWER_PLUGIN,
    UnreadableList,
    granting,
    major_of,
    may_not_read,
    too_old,
)
from dynamic_providers.boundary import Props, Provider, ProviderError, differs, is_known, one_line_errors, plain, say
from dynamic_providers.xnat.login import session

_NAMED = 5  # of many projects
_ID = "xnat"  # one XNAT to a stack; its URL may change, the resource's identity must not


class AccessProvider(Provider):
    """Credentials, rights, the plugin's route and the projects; again when any of them is another in the stack file.

    A new password needs no new check: it is used, and so checked, by whatever is done next.
    """

    required = ("url", "username")
    managed = ("url", "username", "projects")

    def configure(self, req: ConfigureRequest) -> None:
        self._config = req.config

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Tells in a preview, too, what the end of a registration means for its project: here both are known, the
        projects that were and those that will be."""
        if is_known(news.get("projects")) and (gone := sorted({*olds.get("projects", ())} - {*news["projects"]})):
            kept = {*(olds.get("kept") or ())}
            if left := [project for project in gone if project in kept]:
                say(_what_is_kept(left))
            cleared = [project for project in gone if project not in kept]
            if cleared and is_known(news.get("url")) and olds["url"] != news["url"]:
                say(_what_stays_behind(cleared, olds["url"]))
            elif cleared:
                say(_what_remains(cleared, site=bool(news.get("site"))))
        # State of a time before it knew what is kept has the same as where nothing is.
        kept_changes = differs(olds.get("kept") or [], news.get("kept") or [])
        return DiffResult(changes=kept_changes or super().diff(id_, olds, news).changes)

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(_ID, self._checked(plain(props)))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._checked(plain(news)))

    def _checked(self, inputs: dict[str, Any]) -> dict[str, Any]:
        with one_line_errors(f"XNAT {inputs['url']}"):
            shared = session(self._config, inputs["url"])
            with shared.client() as client:
                _require_rights(client, inputs["projects"])
                client.wait_for_lists(shared.timeout, say)
                plugin = (client.plugins() or {}).get(VIEWER_PLUGIN, "")
                if old := too_old(plugin):
                    raise old
                if major_of(plugin) is None:
                    told = f"the viewer plugin's version is {plugin!r}" if plugin else "no version of it is told"
                    say(f"XNAT {inputs['url']}: {told}: as the plugin keeps lists, it is taken for 3.0 or newer")
                _require_projects(client, inputs["projects"])
                shared.expect(_scopes(inputs))
                return {**inputs, "version": str(client.build_info().get("version", "")), "plugin": plugin}


class Access(Resource, module="xnat", name="Access"):
    """An XNAT that can be written to."""

    url: pulumi.Output[str]
    version: pulumi.Output[str]
    plugin: pulumi.Output[str]

    def __init__(
        self,
        *,
        url: pulumi.Input[str],
        username: str,
        projects: Iterable[str],
        kept: Iterable[str],
        site: bool,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """
        Args:
            url: XNAT's address, with its context path if it has one.
            username: the account that writes; its password comes from the stack's configuration.
            projects: IDs of the projects to be registered.
            kept: of these, those whose lists stay in XNAT when their registrations end.
            site: whether the site is to be registered, too.
        """
        props = {
            "url": url,
            "username": username,
            "projects": sorted(projects),
            "kept": sorted(kept),
            "site": site,
            "version": None,
            "plugin": None,
        }
        super().__init__(AccessProvider(), _ID, props, opts)


def _scopes(inputs: Props) -> list[str]:
    """In the order of the stack file's keys, which Pulumi sorts."""
    return [*(["site"] if inputs.get("site") else []), *(f"projects/{project}" for project in inputs["projects"])]


def _require_rights(client: XnatClient, projects: Sequence[str]) -> None:
    account = client.account()
    if "Administrator" in client.roles(account):
        return
    lacks_projects = projects and "ALL_DATA_ADMIN" not in client.groups(account)
    raise Refused(
        f"account {account} is no site administrator, and XNAT lets only those write lists of servers",
        advice=granting(client.url, account, [ADMINISTRATOR, *([ALL_DATA] if lacks_projects else [])]),
    )


def _what_is_kept(gone: Sequence[str]) -> str:
    return (
        f"XNAT: the list of {_named(gone)} stays in XNAT (on_delete: keep), and this stack looks after it no more: "
        "browsers go on to the server that it names, even if that is gone"
    )


def _what_stays_behind(gone: Sequence[str], url: str) -> str:
    return (
        f"XNAT: the list of {_named(gone)} stays at {url}, as the stack's XNAT has another address now: nothing is "
        "changed at the old one"
    )


def _what_remains(gone: Sequence[str], *, site: bool) -> str:
    """The viewer goes on to the site's list where a project has none (docs/xnat.md)."""
    named = _named(gone)
    without = f"XNAT: {named} will be without a list, unless somebody else wrote it since"
    if site:
        return f"{without}, and annotation stays on there: the viewer uses the site's server"
    return f"{without}: the viewer uses the site's server, should XNAT have a list for that"


def _named(projects: Sequence[str]) -> str:
    named = f"project{'s' if len(projects) > 1 else ''} {', '.join(projects[:_NAMED])}"
    more = len(projects[_NAMED:])
    return f"{named} and {more} more" if more else named


def _require_projects(client: XnatClient, projects: Sequence[str]) -> None:
    """All faults at once. The viewer's API knows IDs only, while other XNAT calls take an alias too."""
    readable = client.project_ids(readable=True)
    found = {project: client.find_project(project) for project in projects if project not in readable}
    hidden: list[str] = []
    wrong = [
        f"{project} is another name of project {id_}, and the viewer goes by IDs: write registrations.projects.{id_}"
        for project, id_ in found.items()
        if id_ not in (None, project)
    ]
    if unseen := [project for project, id_ in found.items() if id_ is None]:
        there = sorted(client.project_ids())
        for project in unseen:
            if project not in there:
                near = difflib.get_close_matches(project, there, 1)
                meant = f" (is {near[0]} meant?)" if near else ""
                wrong.append(f"there is no project {project}: mend registrations.projects.{project}{meant}")
        hidden = [project for project in unseen if project in there]
    hidden += _listed_only(client, [project for project in projects if project in readable])
    if hidden:
        wrong.append(may_not_read(client.account(), hidden, client.url).line)
    if wrong:
        raise ProviderError("; ".join(wrong))


def _listed_only(client: XnatClient, projects: Sequence[str]) -> list[str]:
    """Those of these projects whose lists the account may not read. XNAT's list of projects has protected projects too,
    but only their members may read them. An account that reads all data needs no such check."""
    if ALL_DATA.removeprefix("groups/") in client.groups(client.account()):
        return []
    found = []
    for project in projects:
        try:
            client.server_list(f"projects/{project}")
        except LoginRefused:
            raise
        except Refused:
            found.append(project)
        except UnreadableList:
            pass  # it may be read all the same, and its resource deals with what is stored there
    return found
