"""`xnat` and `registrations`: the XNAT whose projects are given servers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from settings.errors import SettingsError, nearest, shown
from settings.strict import Strict
from settings.values import AnyText, BaseUrl, ExistingFile, FilePath, Password, ProjectId, Seconds, Text, VariableName

# What an address needs so that a browser's viewer can use it, by the names under which each can be allowed to be
# otherwise. The first three are looked at in the stack file, the others at the server itself, before XNAT knows of it.
BROWSER_RULES = ("path", "mixed_content", "loopback", "cors", "preflight")


def _rule(name: str) -> str:
    if name not in BROWSER_RULES:
        raise ValueError(f"there is no rule {shown(name)}{nearest(name, BROWSER_RULES)}")
    return name


Allowed = tuple[Annotated[Text, AfterValidator(_rule)], ...]


class Xnat(Strict):
    """The XNAT whose projects are given servers, and the account that does it.

    The password is given in one of three ways; a variable or a file is read when it is needed, so a new password
    takes effect without a deployment.
    """

    url: BaseUrl | None = None
    browser_url: BaseUrl | None = None
    username: Text
    password: Password | None = None
    password_env: VariableName | None = None
    password_file: FilePath | None = None
    ca_file: ExistingFile | None = None
    timeout: Seconds = 60

    @model_validator(mode="after")
    def _one_password(self) -> Xnat:
        ways = ("password", "password_env", "password_file")
        given = [way for way in ways if getattr(self, way) is not None]
        if len(given) != 1:
            also = f", not {' and '.join(given)}" if given else ""
            raise ValueError(f"give exactly one of password (a secret), password_env or password_file{also}")
        return self

    def read_password(self) -> str:
        """The password as it is now.

        Raises:
            SettingsError: the variable is not set, or the file cannot be read or is empty.
        """
        if self.password is not None:
            return self.password.get_secret_value()
        if self.password_env is not None:
            value = os.environ.get(self.password_env, "")
            if not value:
                raise SettingsError(
                    f"xnat.password_env: the environment variable {self.password_env} is not set or empty: "
                    f"run `export {self.password_env}=...` first, where this command runs"
                )
            return value
        assert self.password_file is not None  # noqa: S101 - _one_password saw to it
        where = f"xnat.password_file: {shown(str(self.password_file))}"
        try:
            # Some editors begin a file with a byte order mark, which is no part of the password.
            value = self.password_file.read_text("utf-8-sig").rstrip("\r\n")
        except OSError as error:
            raise SettingsError(
                f"{where} cannot be read ({error.strerror}): the user who runs this command needs to read it"
            ) from None
        except UnicodeDecodeError:
            raise SettingsError(f"{where} is no text in UTF-8: write the password into it again") from None
        if not value:
            raise SettingsError(f"{where} is empty: write the password into it")
        return value


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
