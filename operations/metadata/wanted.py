"""What the command line asks for, found in XNAT, and which of it has no metadata."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from clients.build_target import ImageSession, Target
from clients.errors import Broken, ClientError, Rejected, one_line
from clients.transport import wait_for
from clients.xnat_viewer import MayNot, NoImagingSession, ViewerClient
from operations.errors import CommandFailed, UsageError
from operations.metadata.report import Trouble

Order = Literal["newest", "oldest", "listed"]


@dataclass(frozen=True)
class Asked:
    """What the command line says.

    Attributes:
        project, subject, session: IDs, or other names that XNAT knows; empty if not given. None at all: the whole site.
        missing_only: sessions that have none, one after the other; else all, by one request.
        order: of the sessions, by the date of their images.
    """

    project: str = ""
    subject: str = ""
    session: str = ""
    missing_only: bool = True
    order: Order = "newest"

    def __str__(self) -> str:
        """As options."""
        names = (("project", self.project), ("subject", self.subject), ("session", self.session))
        options = [f"--{kind} {shlex.quote(name)}" for kind, name in names if name] or ["--site --yes-all-data"]
        if self.missing_only != self.is_project:
            options.append("--missing-only" if self.missing_only else "--no-missing-only")
        return " ".join(options)

    @property
    def is_project(self) -> bool:
        return bool(self.project and not (self.subject or self.session))

    def names(self, target: Target) -> bool:
        """Whether it is this very target, by its project's ID and, within that, by accession ID or label: labels are
        unique in a project only, and what belongs to it is another request."""
        level = "session" if self.session else "subject" if self.subject else "project" if self.project else "site"
        return (target.level, target.project) == (level, self.project) and (
            level in ("project", "site") or (self.session or self.subject) in (target.id, target.label)
        )


@dataclass(frozen=True)
class Wanted:
    """
    Attributes:
        target: all of it as one.
        sessions: that belong to it, in the order asked for.
    """

    target: Target
    sessions: tuple[ImageSession, ...]


@dataclass
class Found:
    """
    Attributes:
        sessions: imaging sessions. missing: those of them that have no metadata.
        left_out: what XNAT does not know as an imaging session. hidden: what it does not show to the account.
    """

    sessions: list[ImageSession] = field(default_factory=list)
    missing: list[ImageSession] = field(default_factory=list)
    left_out: list[Trouble] = field(default_factory=list)
    hidden: list[Trouble] = field(default_factory=list)


def named(target: Target) -> str:
    """A target as options."""
    subject, session = (target.id if target.level == level else "" for level in ("subject", "session"))
    return one_line(str(Asked(target.project, subject, session, missing_only=target.level == "project")))


def find(client: ViewerClient, asked: Asked, tell: Callable[[str], None]) -> Wanted:
    """
    Raises:
        UsageError: XNAT has none of this name, or does not show it to this account.
        ClientError: XNAT does not tell.
    """
    if not asked.project:
        projects = sorted(client.project_ids())
        everywhere = {session.id: session for each in projects for session in client.image_sessions(each)}
        return Wanted(Target("site"), ordered(list(everywhere.values()), asked.order))
    project = client.find_project(asked.project)
    if project is None:
        raise UsageError(
            f"--project {asked.project}: XNAT {client.url} has no such project, or does not show it to "
            f"{client.username}, who then needs the group ALL_DATA_ADMIN"
        )
    if project != asked.project:
        tell(f"{asked.project} is another name of project {project}")
    if asked.subject:
        labels = client.subjects(project)
        subject = _one_of(asked.subject, labels, f"--subject {asked.subject}: project {project} has no such subject")
        target = Target("subject", project, subject, labels[subject])
        return Wanted(target, ordered(client.image_sessions(project, subject), asked.order))
    sessions = client.image_sessions(project)
    if asked.session:
        by_id = {session.id: session for session in sessions}
        complaint = f"--session {asked.session}: project {project} has no such imaging session"
        session = by_id[_one_of(asked.session, {each.id: each.label for each in sessions}, complaint)]
        return Wanted(Target("session", project, session.id, session.label), (session,))
    return Wanted(Target("project", project), ordered(sessions, asked.order))


def look_at(
    client: ViewerClient,
    sessions: Sequence[ImageSession],
    patience: Callable[[], float],
    tell: Callable[[str], None],
    progress: Callable[[int, int], None],
    *,
    all_are_to_be_seen: bool,
) -> Found:
    """
    Args:
        patience: tells the seconds to wait for an XNAT that does not answer; none are left when time is up.
        tell: is given lines for people.
        all_are_to_be_seen: else the account may lack the right to one or the other.

    Raises:
        MayNot: it does, and all are to be seen.
        CommandFailed: time was up before all were looked at. ClientError: XNAT does not answer.
    """
    found = Found()
    for number, session in enumerate(sessions):
        progress(number, len(sessions))
        if not (left := patience()):
            raise CommandFailed(
                f"nothing was begun: after {number} of {len(sessions)} sessions that were looked at, time is up: give "
                "more --timeout"
            )
        # As long as none was seen, this may be no XNAT with the plugin at all.
        lasting = () if found.sessions else (Rejected, Broken)
        try:
            if not has_metadata(client, session, left, tell, lasting):
                found.missing.append(session)
            found.sessions.append(session)
        except NoImagingSession as error:
            found.left_out.append(Trouble.of(session, str(error)))
        except MayNot as error:
            if all_are_to_be_seen:
                raise
            found.hidden.append(Trouble.of(session, str(error)))
            tell(error.line)
    return found


def has_metadata(
    client: ViewerClient,
    session: ImageSession,
    patience: float,
    tell: Callable[[str], None],
    lasting: tuple[type[ClientError], ...] = (),
) -> bool:
    """As the client's; but an XNAT that does not answer is waited for.

    Args:
        lasting: errors that no time will mend, besides those that are so always.

    Raises:
        NoImagingSession: XNAT does not know it as one. ClientError: the last reason why it did not answer.
    """

    ends: tuple[type[ClientError], ...] = (NoImagingSession, *lasting)

    def look(_left: float) -> bool | ClientError:
        try:
            return client.has_metadata(session)
        except ends as error:
            return error

    found = wait_for(look, patience, tell)
    if isinstance(found, ClientError):
        raise found
    return found


def ordered(sessions: Sequence[ImageSession], order: Order) -> tuple[ImageSession, ...]:
    """By the date of the images, then by that of their arrival; sessions without a date last."""
    if order == "listed":
        return tuple(sessions)
    dated = [session for session in sessions if session.date]
    dated.sort(key=lambda session: (session.date, session.inserted, session.id), reverse=order == "newest")
    return (*dated, *(session for session in sessions if not session.date))


def _one_of(name: str, labels: dict[str, str], complaint: str) -> str:
    """The ID that is this name, or whose label is."""
    if name in labels:
        return name
    for id_, label in labels.items():
        if label == name:
            return id_
    raise UsageError(complaint)
