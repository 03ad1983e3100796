"""`bin/aiaa viewer-metadata` as a process of its own, and an XNAT stand-in that counts what it was asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from operations.metadata.notes import Notes, held
from sandbox.faults import FaultPlan
from sandbox.serve import serve
from sandbox.xnat.app import create_app
from sandbox.xnat.metadata import ViewerMetadata
from sandbox.xnat.options import Options
from sandbox.xnat.site import Site

PROJECT = Path(__file__).parents[2]
Run = Callable[..., tuple[int, str, str]]
"""The command in this process: exit code, standard output and standard error."""

QUICK = ("--interval", "0.05", "--patience", "1", "--lock-timeout", "20")


@dataclass
class Xnat:
    """
    Attributes:
        notes: where the command keeps its notes.
    """

    url: str
    site: Site
    plan: FaultPlan
    notes: Path

    @property
    def metadata(self) -> ViewerMetadata:
        return self.site.metadata

    def posts(self) -> Counter[str]:
        """How often each build was asked for, whatever came of it."""
        return Counter(
            each.path.removeprefix("/xapi/viewer/")
            for each in self.plan.requests
            if each.method == "POST" and each.path.startswith("/xapi/viewer/")
        )

    def noted(self) -> list[str]:
        return sorted(path.stem for path in self.notes.glob("*/*.json"))

    @contextmanager
    def holding_notes(self) -> Iterator[Notes]:
        """The command's own, before it runs in this process."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XNAT_AIAA_REQUESTS", str(self.notes))
            with held(self.url) as notes:
                yield notes

    def environment(self) -> dict[str, str]:
        return {**os.environ, "XNAT_AIAA_REQUESTS": str(self.notes), "PASSWORD": "admin", "COLUMNS": "200"}

    def command(self, *args: str, program: Sequence[str] = ("-m", "operations")) -> list[str]:
        account = ("--xnat", self.url, "--username", "admin", "--password-env", "PASSWORD")
        return [sys.executable, *program, "viewer-metadata", *account, *QUICK, *args]

    def begin(self, *args: str, program: Sequence[str] = ("-m", "operations")) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*args, program=program),
            cwd=PROJECT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *args: str, program: Sequence[str] = ("-m", "operations")) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        with self.begin(*args, program=program) as process:
            out, err = process.communicate(timeout=120)
            return process.returncode, out, err


@contextmanager
def xnat_stand_in(notes: Path, **options: Any) -> Iterator[Xnat]:
    """With the projects LIVER and SPLEEN, of six sessions each; the rest are the stand-in's options."""
    site = Site(Options(**{"projects": ("LIVER", "SPLEEN"), **options}))
    app = create_app(site.options, site)
    with serve(app) as url:
        yield Xnat(url, site, app.state.faults, notes)
