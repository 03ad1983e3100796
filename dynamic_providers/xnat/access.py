"""`xnat:Access`: what all registrations need, checked once, before anything in XNAT is written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pulumi
from pulumi.dynamic import ConfigureRequest, CreateResult, Resource, UpdateResult

from clients.xnat import XnatClient
from dynamic_providers.boundary import Props, Provider, ProviderError, one_line_errors, plain
from dynamic_providers.xnat.login import session

_ID = "xnat"  # one XNAT to a stack; its URL may change, the resource's identity must not


class AccessProvider(Provider):
    """Credentials, rights, the plugin's route and the projects; again when any of them is another in the stack file.

    A new password needs no new check: it is used, and so checked, by whatever is done next.
    """

    required = ("url", "username")
    managed = ("url", "username", "projects")

    def configure(self, req: ConfigureRequest) -> None:
        self._config = req.config

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(_ID, self._checked(plain(props)))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._checked(plain(news)))

    def _checked(self, inputs: dict[str, Any]) -> dict[str, Any]:
        with one_line_errors(f"XNAT {inputs['url']}"), session(self._config, inputs["url"]).client() as client:
            _require_rights(client, inputs)
            _require_projects(client, inputs["projects"])
            # An answer of the plugin's own (a list, or "none"); anything else is an error that says what is missing.
            client.server_list("site")
            return {**inputs, "version": str(client.build_info().get("version", ""))}


class Access(Resource, module="xnat", name="Access"):
    """An XNAT that can be written to."""

    url: pulumi.Output[str]
    version: pulumi.Output[str]

    def __init__(
        self, *, url: pulumi.Input[str], username: str, projects: Iterable[str], opts: pulumi.ResourceOptions
    ) -> None:
        """
        Args:
            url: XNAT's address, with its context path if it has one.
            username: the account that writes; its password comes from the stack's configuration.
            projects: IDs of the projects to be registered.
        """
        props = {"url": url, "username": username, "projects": sorted(projects), "version": None}
        super().__init__(AccessProvider(), _ID, props, opts)


def _require_rights(client: XnatClient, inputs: Props) -> None:
    username = inputs["username"]
    if "Administrator" not in client.roles(username):
        raise ProviderError(
            f"account {username} is no site administrator, which writing server lists needs: give it the role "
            "Administrator, and the group ALL_DATA_ADMIN so that it sees every project"
        )


def _require_projects(client: XnatClient, projects: Iterable[str]) -> None:
    """Every project at once: the viewer's API knows IDs only, while other XNAT calls take an alias too."""
    wrong = []
    for project in projects:
        real = client.find_project(project)
        if real is None:
            wrong.append(f"there is no project {project}, or the account may not see it (is it in ALL_DATA_ADMIN?)")
        elif real != project:
            wrong.append(f"{project} is another name of project {real}: write registrations.projects.{real}")
    if wrong:
        raise ProviderError("; ".join(wrong))
