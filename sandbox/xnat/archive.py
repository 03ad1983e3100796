"""Projects with their subjects and imaging sessions. All are invented: the images are of nobody."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Experiment:
    """An imaging session, unless ``xsi_type`` says otherwise; ``date`` as XNAT writes it, ``scans`` by ID."""

    id: str
    label: str
    subject: str
    date: str
    xsi_type: str = "xnat:ctSessionData"
    shared_into: tuple[str, ...] = ()
    scans: tuple[str, ...] = ("1",)

    @property
    def is_imaging(self) -> bool:
        return self.xsi_type.endswith("SessionData")


@dataclass(frozen=True)
class Subject:
    id: str
    label: str


@dataclass
class Project:
    """``accessibility``: every logged-in user sees that a protected project exists, and may read a public one."""

    id: str
    name: str = ""
    aliases: tuple[str, ...] = ()
    subjects: list[Subject] = field(default_factory=list)
    experiments: list[Experiment] = field(default_factory=list)
    accessibility: Literal["private", "protected", "public"] = "private"


class Archive:
    UNASSIGNED = "Unassigned"  # XNAT's name for what is in no project, which is a project nowhere else
    _SUBJECTS = 3
    _SESSIONS = 2  # for each subject

    def __init__(self, projects: Iterable[str]) -> None:
        self.projects: dict[str, Project] = {}
        self._experiments = 0
        for number, project in enumerate(projects):
            self._fill(self.add(project), first_subject=number * self._SUBJECTS + 1)

    def add(self, project_id: str, *, aliases: tuple[str, ...] = ()) -> Project:
        project = self.projects[project_id] = Project(project_id, project_id, aliases)
        return project

    def find(self, name: str) -> Project | None:
        """By ID, or by an alias: as ``/data/projects/{name}`` does and the plugin's calls do not."""
        if name in self.projects:
            return self.projects[name]
        return next((project for project in self.projects.values() if name in project.aliases), None)

    def experiment(self, name: str) -> tuple[Project, Experiment] | None:
        """By ID or label, with the project that owns it."""
        for project in self.projects.values():
            for experiment in project.experiments:
                if name in (experiment.id, experiment.label):
                    return project, experiment
        return None

    def experiments_in(self, project: Project) -> list[Experiment]:
        """Its own, and those that are shared into it."""
        everywhere = (each for other in self.projects.values() for each in other.experiments)
        return [*project.experiments, *(each for each in everywhere if project.id in each.shared_into)]

    def _fill(self, project: Project, first_subject: int) -> None:
        for number in range(first_subject, first_subject + self._SUBJECTS):
            subject = Subject(f"XNAT_S{number:05d}", f"{project.id}_{number:03d}")
            project.subjects.append(subject)
            for session in range(1, self._SESSIONS + 1):
                self._experiments += 1
                project.experiments.append(
                    Experiment(
                        id=f"XNAT_E{self._experiments:05d}",
                        label=f"{subject.label}_CT{session}",
                        subject=subject.id,
                        date=f"2024-0{session}-1{number % 10}",
                    )
                )
