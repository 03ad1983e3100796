"""A real XNAT is not the stack's: it is there before and after, with lists that others wrote."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest
import requests

from sandbox.serve import serve
from sandbox.xnat.app import create_app
from sandbox.xnat.options import Options
from sandbox.xnat.site import Site
from tests.support.free_port import free_port
from tests.support.pulumi_stack import PulumiFailed, PulumiStack, pulumi_stack

PASSWORD = "tangerine-4711"
FOREIGN = ["https://somebody-elses.example.org"]


@pytest.fixture
def site() -> Site:
    options = Options(projects=("LIVER", "SPLEEN", "KIDNEY"))
    site = Site(options)
    site.accounts.add("svc-aiaa", PASSWORD, roles={"Administrator"}, groups={"ALL_DATA_ADMIN"})
    return site


@pytest.fixture
def xnat(site: Site) -> Iterator[str]:
    with serve(create_app(site.options, site)) as url:
        yield url


def list_of(xnat: str, project: str) -> list[str]:
    url = f"{xnat}/xapi/ohifaiaa/projects/{project}/servers"
    answer = requests.get(url, auth=("admin", "admin"), timeout=10)
    return list(answer.json()) if answer.status_code == 200 else []


@pytest.fixture
def stack(xnat: str, engine_with_image: docker.DockerClient) -> Iterator[PulumiStack]:
    del engine_with_image
    server = {"gpus": [], "ulimits": {"memlock": None}, "port": free_port()}
    settings = {
        "servers": {"main": server},
        "xnat": {"url": xnat, "username": "svc-aiaa"},
        "registrations": {"site": "main", "projects": {"LIVER": "main"}},
        "sandbox": {},
    }
    with pulumi_stack(settings, name="outside") as stack:
        stack.run("config", "set", "--secret", "--path", "xnat-aiaa:xnat.password", PASSWORD)
        yield stack


def test_destroy_takes_our_lists_back_and_leaves_others_alone(stack: PulumiStack, xnat: str, site: Site) -> None:
    url = f"{xnat}/xapi/ohifaiaa/projects/KIDNEY/servers"
    assert requests.put(url, json=FOREIGN, auth=("admin", "admin"), timeout=10).ok
    told = stack.up()
    registered = stack.outputs()["servers"]["main"]["browser_url"]
    assert list_of(xnat, "LIVER") == [registered]
    told += stack.run("preview", "--diff")
    told += stack.destroy()
    assert list_of(xnat, "LIVER") == []
    assert list_of(xnat, "KIDNEY") == FOREIGN
    assert site.sessions.of("svc-aiaa") == []
    assert PASSWORD not in told
    kept = [path for path in stack.folder.parent.rglob("*") if path.is_file()]  # state, its history and backups, too
    assert any("history" in path.parts for path in kept)
    assert not [path for path in kept if PASSWORD.encode() in path.read_bytes()]


def test_a_list_of_somebody_else_stops_the_run_before_it_is_lost(stack: PulumiStack, xnat: str) -> None:
    url = f"{xnat}/xapi/ohifaiaa/projects/LIVER/servers"
    assert requests.put(url, json=FOREIGN, auth=("admin", "admin"), timeout=10).ok
    with pytest.raises(PulumiFailed) as failed:
        stack.up()
    assert any("this stack did not write" in line and "adopt:" in line for line in failed.value.errors)
    assert list_of(xnat, "LIVER") == FOREIGN
    stack.destroy()
    assert list_of(xnat, "LIVER") == FOREIGN
