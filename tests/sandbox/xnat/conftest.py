"""An XNAT stand-in in this process, with one account for each kind of right and a clock that tests may move."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.faults import FaultPlan
from sandbox.serve import serve
from sandbox.xnat.app import create_app
from sandbox.xnat.options import Options
from sandbox.xnat.site import Site

ROOT = Path(__file__).resolve().parents[3]
SITE = "/xapi/ohifaiaa/servers"
LIVER = "/xapi/ohifaiaa/projects/LIVER/servers"
SITE_ROW = "/data/config/ohif-aiaa/site-json"
LIVER_ROW = "/data/projects/LIVER/config/ohif-aiaa/project-json"
SERVERS = ["http://gpu1.example.org:5000", "http://gpu2.example.org:5000"]


@dataclass
class Clock:
    """Seconds."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Xnat:
    """A running stand-in as a client sees it, and what stands behind it."""

    url: str
    site: Site
    clock: Clock
    plan: FaultPlan

    def ask(self, method: str, path: str, user: str | None = "admin", **options: Any) -> requests.Response:
        """One request by Basic, without cookies and redirects; a test user's password is the name. None: nobody."""
        auth = (user, user) if user else None
        return requests.request(method, self.url + path, auth=auth, timeout=10, allow_redirects=False, **options)

    def get(self, path: str, user: str | None = "admin", **options: Any) -> requests.Response:
        return self.ask("GET", path, user, **options)

    def put(self, path: str, user: str | None = "admin", **options: Any) -> requests.Response:
        return self.ask("PUT", path, user, **options)

    def sessions(self, user: str = "admin") -> int:
        return len(self.site.sessions.of(user))


Start = Callable[..., AbstractContextManager[Xnat]]


@pytest.fixture(scope="session")
def start() -> Start:
    """``with start(...) as xnat``: keyword arguments are the stand-in's options."""

    @contextmanager
    def started(**options: Any) -> Iterator[Xnat]:
        clock = Clock()
        site = Site(Options(**{"projects": ("LIVER", "SPLEEN"), **options}), clock)
        site.accounts.add("site_admin", "site_admin", roles={"Administrator"})
        site.accounts.add("all_data", "all_data", groups={"ALL_DATA_ACCESS"})
        site.accounts.add("stranger", "stranger")
        for name, role in {"owner": "Owners", "member": "Members"}.items():
            site.accounts.add(name, name).project_roles["LIVER"] = role
        app = create_app(site.options, site)
        with serve(app) as url:
            yield Xnat(url, site, clock, app.state.faults)

    return started


@pytest.fixture
def xnat(start: Start) -> Iterator[Xnat]:
    with start() as running:
        yield running
