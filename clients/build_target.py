"""What the viewer plugin builds metadata of: imaging sessions, by one request for a session, subject, project or site.

Source: the plugin's OhifViewerApi.java (docs/xnat.md, "Viewer metadata").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from clients.errors import one_line

Level = Literal["session", "subject", "project", "site"]


@dataclass(frozen=True)
class ImageSession:
    """
    Attributes:
        project: through which it is asked for: its own, or one that it is shared into.
        id: accession ID, as XNAT_E00001.
        date: of the images, as 2024-01-31; may be empty. inserted: when XNAT got it.
    """

    project: str
    id: str
    label: str
    date: str = ""
    inserted: str = ""


@dataclass(frozen=True)
class Target:
    """What is built by one request.

    Attributes:
        project: its ID; empty for the whole site.
        id: accession ID of the session or subject; else empty.
        label: its label, for people.
    """

    level: Level
    project: str = ""
    id: str = ""
    label: str = ""

    @property
    def path(self) -> tuple[str, ...]:
        if self.level == "site":
            return ("xapi", "viewer", "generate-all-metadata")
        inside = {"session": ("experiments", self.id), "subject": ("subjects", self.id)}.get(self.level, ())
        return ("xapi", "viewer", "projects", self.project, *inside)

    @property
    def logged_as(self) -> str:
        """Its name in the plugin's log."""
        if self.level == "site":
            return "All projects"
        return f"{self.level.capitalize()} {self.id or self.project}"

    def __str__(self) -> str:
        """For people: a label is what somebody wrote, and commands no terminal."""
        if self.level == "site":
            return "the whole site"
        if self.level == "project":
            return one_line(f"project {self.project}")
        return one_line(f"{self.level} {self.label or self.id} of project {self.project}")
