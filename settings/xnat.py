"""`xnat` and `registrations`: the XNAT whose projects are given servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from settings.errors import nearest, shown
from settings.password import WithPassword
from settings.strict import Strict
from settings.values import AnyText, BaseUrl, ExistingFile, ProjectId, Seconds, Text

# What an address needs so that a browser's viewer can use it, by the names under which each can be allowed to be
# otherwise. The first three are looked at in the stack file, the others at the server itself, before XNAT knows of it.
BROWSER_RULES = ("path", "mixed_content", "loopback", "cors", "preflight")


def _rule(name: str) -> str:
    if name not in BROWSER_RULES:
        raise ValueError(f"there is no rule {shown(name)}{nearest(name, BROWSER_RULES)}")
    return name


Allowed = tuple[Annotated[Text, AfterValidator(_rule)], ...]


class Xnat(WithPassword):
    """The XNAT whose projects are given servers, and the account that does it."""

    url: BaseUrl | None = None
    browser_url: BaseUrl | None = None
    username: Text
    ca_file: ExistingFile | None = None
    timeout: Seconds = 60

    def read_password(self) -> str:
        """The password as it is now.

        Raises:
            SettingsError: the variable is not set, or the file cannot be read or is empty.
        """
        return self.password_at("xnat")


class Registration(Strict):
    """The servers that XNAT's viewer is told, for the site or a project: their names, of which it uses the first."""

    servers: Annotated[tuple[Text, ...], Field(min_length=1)]
    adopt: tuple[AnyText, ...] | None = None
    on_delete: Literal["clear", "keep"] = "clear"
    allow: Allowed = ()

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        if isinstance(value, str):
            return {"servers": [value]}
        if value is None or isinstance(value, (dict, Registration)):
            return value
        raise ValueError(f"must be a server's name, or keys and values, not {shown(value)}")


class Registrations(Strict):
    site: Registration | None = None
    projects: dict[ProjectId, Registration] = Field(default_factory=dict)
    allow: Allowed = ()

    def by_scope(self) -> Iterator[tuple[str, Registration]]:
        """Scopes as XNAT's API and our resources name them: `site`, `projects/<ID>`."""
        if self.site:
            yield "site", self.site
        for project, registration in self.projects.items():
            yield f"projects/{project}", registration

    @property
    def servers(self) -> frozenset[str]:
        """The names of those that have a registration."""
        return frozenset(name for _, registration in self.by_scope() for name in registration.servers)

    def binding(self, server: str) -> tuple[str, ...]:
        """Which of `BROWSER_RULES` hold for a server: those that not all of its registrations allow to be broken;
        none if it has no registration."""
        of_server = [registration for _, registration in self.by_scope() if server in registration.servers]
        allowed = [{*self.allow, *registration.allow} for registration in of_server]
        return tuple(rule for rule in BROWSER_RULES if any(rule not in names for names in allowed))
