"""Every operation of every provider that talks to a server, with every fault in between: it succeeds, or fails with one
line that says what to do; and when the fault is over, the next run has what was wanted.

A share of the cases by default, all of them under `SOAK=1`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import requests

from dynamic_providers.aiaa.endpoint import EndpointProvider
from dynamic_providers.aiaa.model import ModelProvider
from dynamic_providers.aiaa.smoke_test import SmokeTestProvider
from dynamic_providers.xnat.access import AccessProvider
from dynamic_providers.xnat.aiaa_servers import AiaaServersProvider
from sandbox.serve import serve
from sandbox.xnat.app import create_app
from sandbox.xnat.options import Options
from sandbox.xnat.site import Site
from tests.support import model_props
from tests.support.aiaa_stand_in import aiaa_stand_in
from tests.support.fault_proxy import FAULTS, FaultProxy, fault_proxy
from tests.support.provider_host import PROJECT, Provider, ProviderFailed, ProviderHost, provider_host

from .conftest import PASSWORD, USER

SHARE = 1 if os.environ.get("SOAK") else 7  # of so many cases, one is run
SPLEEN, LIVER = "clara_pt_spleen_ct_segmentation", "liver_demo"
URLS, OTHER_URLS = ["https://aiaa.example.org"], ["https://new.example.org"]

WHEN: dict[str, Callable[[int], bool]] = {
    "the first request": lambda number: number == 0,
    "the second request": lambda number: number == 1,
    "the third request": lambda number: number == 2,
    "every request": lambda _number: True,
}


@pytest.fixture(scope="module")
def host() -> Iterator[ProviderHost]:
    with provider_host({"xnat": {"username": USER, "password": PASSWORD, "timeout": 4}}) as host:
        yield host


class World:
    """One resource of a provider, on a server by way of a proxy, and a look at that server past it.

    Attributes:
        subject: what every error begins with.
    """

    subject = ""

    def __init__(self, host: ProviderHost, proxy: FaultProxy, server: str) -> None:
        self.host = host
        self.proxy = proxy
        self.server = server

    def inputs(self, **changed: Any) -> dict[str, Any]:
        raise NotImplementedError

    def changed(self) -> dict[str, Any]:
        raise NotImplementedError

    def require(self, inputs: dict[str, Any]) -> None:
        """What was wanted is there, once."""

    def require_gone(self) -> None:
        raise NotImplementedError

    @property
    def provider(self) -> Provider:
        raise NotImplementedError


class EndpointWorld(World):
    subject = "server main"

    @property
    def provider(self) -> Provider:
        return self.host.provider(EndpointProvider)

    def inputs(self, **changed: Any) -> dict[str, Any]:
        made = {"server": "main", "url": self.proxy.url, "docker_host": None, "timeout": 2}
        return {**made, "containers": {}, "logs_of": {}, **changed}

    def changed(self) -> dict[str, Any]:
        return self.inputs(containers={"aiaa": "2"})


class LocalModelWorld(World):
    subject = f"model main/{LIVER}"
    name = LIVER

    @property
    def provider(self) -> Provider:
        return self.host.provider(ModelProvider)

    def inputs(self, **changed: Any) -> dict[str, Any]:
        return model_props.local(self.proxy.url, PROJECT / "models" / LIVER, timeout=3, **changed)

    def changed(self) -> dict[str, Any]:
        return self.inputs(generation="two")

    def listed(self) -> list[str]:
        return [model["name"] for model in requests.get(f"{self.server}/v1/models", timeout=30).json()]

    def require(self, inputs: dict[str, Any]) -> None:
        assert self.listed() == [self.name], inputs

    def require_gone(self) -> None:
        assert self.listed() == []


class NgcModelWorld(LocalModelWorld):
    subject = f"model main/{SPLEEN}"
    name = SPLEEN

    def inputs(self, **changed: Any) -> dict[str, Any]:
        return model_props.ngc(self.proxy.url, **{"timeout": 3, **changed})

    def changed(self) -> dict[str, Any]:
        return self.inputs(ngc_version="2")


class SmokeTestWorld(World):
    subject = f"smoke test of model main/{SPLEEN}"

    def __init__(self, host: ProviderHost, proxy: FaultProxy, server: str) -> None:
        super().__init__(host, proxy, server)
        body = {"path": f"nvidia/med/{SPLEEN}", "version": "1"}
        assert requests.put(f"{server}/admin/model/{SPLEEN}", json=body, timeout=30).ok

    @property
    def provider(self) -> Provider:
        return self.host.provider(SmokeTestProvider)

    def inputs(self, **changed: Any) -> dict[str, Any]:
        made = {"server": "main", "model": SPLEEN, "url": self.proxy.url, "tested": {"source": "1"}, "timeout": 5}
        return {**made, **changed}

    def changed(self) -> dict[str, Any]:
        return self.inputs(tested={"source": "2"})


class AccessWorld(World):
    subject = "XNAT "

    @property
    def provider(self) -> Provider:
        return self.host.provider(AccessProvider)

    def inputs(self, **changed: Any) -> dict[str, Any]:
        return {"url": self.proxy.url, "username": USER, "projects": ["LIVER"], "site": False, **changed}

    def changed(self) -> dict[str, Any]:
        return self.inputs(projects=["LIVER", "SPLEEN"])


class ListWorld(World):
    subject = "AIAA servers of projects/LIVER in XNAT "

    @property
    def provider(self) -> Provider:
        return self.host.provider(AiaaServersProvider)

    def inputs(self, **changed: Any) -> dict[str, Any]:
        made = {"scope": "projects/LIVER", "xnat_url": self.proxy.url, "urls": URLS, "adopt": None}
        return {**made, "on_delete": "clear", **changed}

    def changed(self) -> dict[str, Any]:
        return self.inputs(urls=OTHER_URLS)

    def stored(self) -> object:
        url = f"{self.server}/xapi/ohifaiaa/projects/LIVER/servers"
        answer = requests.get(url, auth=("admin", "admin"), timeout=30)
        return answer.json() if answer.status_code == 200 else []

    def require(self, inputs: dict[str, Any]) -> None:
        assert self.stored() == inputs["urls"]

    def require_gone(self) -> None:
        assert self.stored() == []


@dataclass(frozen=True)
class Operation:
    world: type[World]
    name: str

    def __str__(self) -> str:
        return f"{self.name} of {self.world.__name__.removesuffix('World')}"


MANAGED: list[type[World]] = [LocalModelWorld, NgcModelWorld, ListWorld]
LOOKING: list[type[World]] = [EndpointWorld, SmokeTestWorld, AccessWorld]
OPERATIONS = [Operation(world, name) for world in MANAGED for name in ("create", "read", "update", "delete")]
OPERATIONS += [Operation(world, name) for world in LOOKING for name in ("create", "update")]
OPERATIONS += [Operation(EndpointWorld, "read")]
CASES = list(product(OPERATIONS, FAULTS, WHEN))


@pytest.mark.soak
@pytest.mark.parametrize(
    ("operation", "fault", "when"), [pytest.param(*case, id=", ".join(map(str, case))) for case in CASES[::SHARE]]
)
def test_one_line_or_success_and_then_the_next_run_has_what_was_wanted(
    host: ProviderHost, tmp_path: Path, operation: Operation, fault: str, when: str
) -> None:
    with ExitStack() as undo:
        if operation.world in (AccessWorld, ListWorld):
            site = Site(Options(projects=("LIVER", "SPLEEN")))
            site.accounts.add(USER, PASSWORD, roles={"Administrator"}, groups={"ALL_DATA_ADMIN"})
            server = undo.enter_context(serve(create_app(site.options, site)))
        else:
            server = undo.enter_context(aiaa_stand_in(tmp_path / "workspace")).url
        proxy = undo.enter_context(fault_proxy(server))
        world = operation.world(host, proxy, server)
        run = {"create": created, "read": was_read, "update": updated, "delete": deleted}[operation.name](world)
        proxy.seen, proxy.fault, proxy.hits = 0, fault, WHEN[when]
        try:
            run()
        except ProviderFailed as error:
            require_one_actionable_line(str(error), world.subject)
            if operation.world in (AccessWorld, ListWorld):
                # A failed log-in is the last of its process: the next run is another one.
                next_host = undo.enter_context(provider_host({"xnat": {"username": USER, "password": PASSWORD}}))
                world.host = next_host
        proxy.clear()
        run()


def created(world: World) -> Callable[[], None]:
    def run() -> None:
        inputs = world.inputs()
        world.provider.create(inputs)
        world.require(inputs)

    return run


def was_read(world: World) -> Callable[[], None]:
    id_, state = world.provider.create(world.inputs())

    def run() -> None:
        found, _, _ = world.provider.read(id_, state)
        assert found == id_  # and not gone, whatever was in between
        world.require(state)

    return run


def updated(world: World) -> Callable[[], None]:
    id_, state = world.provider.create(world.inputs())

    def run() -> None:
        inputs = world.changed()
        world.provider.update(id_, state, inputs)
        world.require(inputs)

    return run


def deleted(world: World) -> Callable[[], None]:
    id_, state = world.provider.create(world.inputs())

    def run() -> None:
        world.provider.delete(id_, state)
        world.require_gone()

    return run


ADVICE = re.compile(r"\b(run|check|mend|wait|see|set|give|install|finish|look|choose|forget)\b")


def require_one_actionable_line(line: str, subject: str) -> None:
    assert len(line.splitlines()) == 1, line
    assert line.startswith(subject), line
    assert "<" not in line, line
    assert PASSWORD not in line
    assert ADVICE.search(" ".join(re.split(r": |; ", line)[2:])), line
