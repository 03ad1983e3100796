"""A new XNAT password takes effect in every operation, wherever it comes from; a wrong one is tried once in a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dynamic_providers.xnat.access import AccessProvider
from dynamic_providers.xnat.aiaa_servers import AiaaServersProvider
from sandbox.faults import Fault, FaultPlan
from sandbox.serve import serve
from sandbox.xnat.app import create_app
from sandbox.xnat.site import Site
from tests.support.provider_host import ProviderFailed, ProviderHost, provider_host

from .conftest import PASSWORD, USER

NEW_PASSWORD, WRONG_PASSWORD = "kumquat-0815", "apricot-1234"
SCOPES = ["site", "projects/LIVER", "projects/SPLEEN"]


@dataclass
class Run:
    """What a run takes its password from: `settings` of `xnat`, and the environment."""

    settings: dict[str, str]
    env: dict[str, str]


def by_secret(_folder: Path, password: str) -> Run:
    return Run({"password": password}, {})


def by_variable(_folder: Path, password: str) -> Run:
    return Run({"password_env": "XNAT_PASSWORD"}, {"XNAT_PASSWORD": password})


def by_file(folder: Path, password: str) -> Run:
    file = folder / "xnat-password"
    file.write_text(f"{password}\n")
    return Run({"password_file": str(file)}, {})


@contextmanager
def started(run: Run) -> Iterator[ProviderHost]:
    with provider_host({"xnat": {"username": USER, **run.settings}}, run.env) as host:
        yield host


def servers(xnat: str, scope: str = "projects/LIVER", **changed: Any) -> dict[str, Any]:
    wanted = {"scope": scope, "xnat_url": xnat, "urls": ["https://aiaa.example.org"], "adopt": None}
    return {**wanted, "on_delete": "clear", **changed}


@pytest.mark.parametrize("source", [by_secret, by_variable, by_file])
def test_a_new_password_is_used_by_every_operation_of_the_next_run_and_asks_for_no_change(
    site: Site, xnat: str, tmp_path: Path, source: Callable[[Path, str], Run]
) -> None:
    access = {"url": xnat, "username": USER, "projects": ["LIVER"]}
    with started(source(tmp_path, PASSWORD)) as host:
        checked = host.provider(AccessProvider).create(access)
        id_, state = host.provider(AiaaServersProvider).create(servers(xnat))
    site.accounts.users[USER].password = NEW_PASSWORD
    with started(source(tmp_path, NEW_PASSWORD)) as host:
        lists = host.provider(AiaaServersProvider)
        assert not host.provider(AccessProvider).diff(*checked, access)
        assert not lists.diff(id_, state, servers(xnat))
        assert lists.read(id_, state)[0] == id_
        host.provider(AccessProvider).update(*checked, access)
        state = lists.update(id_, state, servers(xnat, urls=["https://new.example.org"]))
        lists.delete(id_, state)
        assert lists.read(id_, state)[0] == ""
    assert site.accounts.users[USER].failed_logins == 0


def log_ins(plan: FaultPlan) -> int:
    return sum((entry.method, entry.path) == ("POST", "/data/JSESSION") for entry in plan.requests)


@pytest.mark.parametrize("fault", [None, Fault("/data/JSESSION", "html"), Fault("/data/JSESSION", "status")])
def test_a_log_in_that_fails_is_tried_once_by_all_resources_that_need_it_at_the_same_time(
    site: Site, fault: Fault | None
) -> None:
    """Also where the answer does not say that the password is wrong: a page or a proxy may have taken it to XNAT."""
    app = create_app(site.options, site)
    app.state.faults.set(*([fault] if fault else []))
    with serve(app) as xnat, started(Run({"password": WRONG_PASSWORD}, {})) as host:
        lists, access = host.provider(AiaaServersProvider), host.provider(AccessProvider)
        calls: list[Callable[[], object]] = [
            lambda: access.create({"url": xnat, "username": USER, "projects": []}),
            *(lambda scope=scope: lists.create(servers(xnat, scope)) for scope in SCOPES),
            *(lambda scope=scope: lists.read(scope, servers(xnat, scope, written=[])) for scope in SCOPES),
            *(lambda scope=scope: lists.delete(scope, servers(xnat, scope, written=[])) for scope in SCOPES),
        ]
        with ThreadPoolExecutor(len(calls)) as all_at_once:
            told = list(all_at_once.map(failure, calls))
        assert log_ins(app.state.faults) == 1
    assert not [line for line in told if "\n" in line or WRONG_PASSWORD in line]
    assert site.accounts.users[USER].failed_logins == (0 if fault else 1)


def failure(call: Callable[[], object]) -> str:
    with pytest.raises(ProviderFailed) as failed:
        call()
    return str(failed.value)
