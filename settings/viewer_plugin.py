"""`viewer_plugin`: the OHIF viewer plugin on XNAT's host, as the guide's first part has it (see stack.py)."""

from __future__ import annotations

import hashlib
import re
import zipfile
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, field_validator, model_validator

from settings.errors import WrongKeys, shown
from settings.strict import Strict
from settings.values import (
    BaseUrl,
    Command,
    ContainerName,
    ExistingFile,
    FileUrl,
    PluginsFolder,
    PluginVersion,
    Seconds,
    Sha256,
    SshAddress,
    existing_file,
)


def _jar(value: object) -> Path:
    """A whole one, as far as its beginning and its table of contents tell."""
    path = existing_file(value)
    with path.open("rb") as file:
        head = file.read(1024)
    if re.search(rb"<html|<!doctype", head, re.IGNORECASE):
        raise ValueError(
            f"{shown(str(path))} is an HTML page, not a jar: download it again, by the address of the page's own "
            "download link"
        )
    if not zipfile.is_zipfile(path):
        told = (
            "was cut off: it has no end of a zip file; copy it" if head.startswith(b"PK") else "is no jar: download it"
        )
        raise ValueError(f"{shown(str(path))} {told} again")
    try:
        zipfile.ZipFile(path).close()
    except zipfile.BadZipFile:
        raise ValueError(f"{shown(str(path))} is damaged: `unzip -t` tells where; copy it again") from None
    return path


# A restart whose log can be shown by nothing but the same beginning, and no other part of which runs again.
_COMPOSE_RESTART = re.compile(
    r"""((?:cd\ (?:'[^']*'|"[^"$`\\]*"|[\w./~-]+)\ &&\ )?  # where the project is
    (?:sudo\ )?docker[ -]compose
    (?:\ -[\w./=-]+(?:\ [\w./-]+)?)*)                    # options, such as -f and its file
    \ restart((?:\ \w[\w.-]*)+)                           # services
    """,
    re.VERBOSE,
)
_UNIT_RESTART = re.compile(r"(sudo )?systemctl restart (\w[\w.@:-]*)")


class ViewerPlugin(Strict):
    """One jar, by `jar` (a file of this machine) or `url` (which XNAT's host fetches), and how XNAT loads it."""

    version: PluginVersion
    jar: Annotated[Path, BeforeValidator(_jar)] | None = None
    url: FileUrl | None = None
    sha256: Sha256 | None = None
    host: tuple[SshAddress, ...] = ()
    ssh_config: ExistingFile | None = None
    sudo: bool = False
    plugins_dir: PluginsFolder = "auto"
    container: ContainerName = "xnat-web"
    restart: Command
    log: Command | None = None
    probe_url: BaseUrl | None = None
    start_timeout: Seconds = 900
    on_destroy: Literal["keep", "restore"] = "keep"

    @field_validator("host", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("restart")
    @classmethod
    def _none_in_any_case(cls, value: str) -> str:
        return "none" if value.lower() == "none" else value

    @field_validator("url")
    @classmethod
    def _without_secrets(cls, value: str | None) -> str | None:
        """The host shows it in errors and in its list of processes, and it is in the stack's state as it stands."""
        if value and ("?" in value or "#" in value):
            raise ValueError(
                "must end before any ? or #, as a token there would be in the stack's state and in error messages: "
                "give an address without one, or download the file and give it as jar"
            )
        return value

    @model_validator(mode="after")
    def _one_whole_jar(self) -> ViewerPlugin:
        if (self.jar is None) == (self.url is None):
            raise ValueError(
                "give exactly one of jar (a file of this machine) and url (which XNAT's host fetches)"
                + (", not both" if self.jar else "")
            )
        wrong = []
        if self.url and not self.sha256:
            wrong.append(("sha256", "is missing, and a url needs it: give what `sha256sum` prints for the right file"))
        if self.jar and self.sha256 and (found := _sum_of(self.jar)) != self.sha256:
            wrong.append(("sha256", f"is not the one of {shown(str(self.jar))}, which is {found}: mend the wrong one"))
        twice = [host for number, host in enumerate(self.host) if host in self.host[:number]]
        if twice:
            wrong.append(("host", f"names {shown(twice[0])} twice: name each host once"))
        if wrong:
            raise WrongKeys(wrong)
        return self

    @property
    def restarts(self) -> bool:
        """Whether XNAT is restarted by us; else a person does it."""
        return self.restart != "none"

    @property
    def log_command(self) -> str | None:
        """What shows XNAT's log; None for the newest file in `logs` beside the plugins folder, where a plain
        installation has it."""
        if self.log:
            return self.log
        if match := _COMPOSE_RESTART.fullmatch(self.restart):
            return f"{match[1]} logs --no-color --tail 40{match[2]}"
        if match := _UNIT_RESTART.fullmatch(self.restart):
            return f"{match[1] or ''}journalctl --no-pager --lines 40 --unit {match[2]}"
        return None

    @property
    def checksum(self) -> str:
        """The jar's SHA-256."""
        if self.sha256:
            return self.sha256
        assert self.jar is not None  # noqa: S101 - _one_whole_jar saw to it
        return _sum_of(self.jar)

    @property
    def file_name(self) -> str:
        """The jar's in the plugins folder: download places name it in several ways."""
        return f"ohif-viewer-{self.version}.jar"


def _sum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
