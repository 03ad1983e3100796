"""A stack with an AIAA stand-in and an XNAT stand-in, and no Docker engine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from operations import __main__ as command_line
from operations.stack_file import Stack
from sandbox.serve import serve
from sandbox.xnat.app import create_app
from sandbox.xnat.options import Options
from sandbox.xnat.site import Site
from settings import Settings
from tests.support.aiaa_stand_in import AiaaStandIn, aiaa_stand_in
from tests.support.viewer_metadata import Run, Xnat

SPLEEN = "clara_pt_spleen_ct_segmentation"


@pytest.fixture
def aiaa(tmp_path: Path) -> Iterator[AiaaStandIn]:
    """With one model."""
    with aiaa_stand_in(tmp_path / "workspace") as aiaa:
        body = {"path": f"nvidia/med/{SPLEEN}", "version": "1"}
        assert requests.put(f"{aiaa.url}/admin/model/{SPLEEN}", json=body, timeout=10).ok
        yield aiaa


@pytest.fixture
def site() -> Site:
    return Site(Options(projects=("LIVER", "SPLEEN")))


@pytest.fixture
def xnat(site: Site) -> Iterator[str]:
    with serve(create_app(site.options, site)) as url:
        yield url


@pytest.fixture
def wanted(aiaa: AiaaStandIn, xnat: str, tmp_path: Path) -> dict[str, Any]:
    """What the stack file says; change it, and parse it with `stack_of`."""
    return {
        "servers": {"main": {"url": aiaa.url, "docker": f"unix://{tmp_path}/none.sock", "infer_timeout": 30}},
        "models": {SPLEEN: {"ngc": {"path": f"nvidia/med/{SPLEEN}", "version": "1"}}},
        "xnat": {"url": xnat, "username": "admin", "password": "admin"},
        "registrations": {"projects": {"LIVER": "main"}},
    }


def stack_of(wanted: dict[str, Any]) -> Stack:
    return Stack("tests", Settings.parse(wanted))


def register(xnat: str, scope: str, urls: list[str]) -> None:
    url = f"{xnat}/xapi/ohifaiaa/{scope + '/' if scope != 'site' else ''}servers"
    assert requests.put(url, json=urls, auth=("admin", "admin"), timeout=10).ok


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command in this process; where it dies, test_viewer_metadata_kills.py runs it in one of its own."""
    monkeypatch.setattr("clients.transport._POLL", 0.02)

    def run(xnat: Xnat, *args: str) -> tuple[int, str, str]:
        for name in ("XNAT_AIAA_REQUESTS", "PASSWORD"):
            monkeypatch.setenv(name, xnat.environment()[name])
        monkeypatch.setattr(sys, "argv", ["bin/aiaa", *xnat.command(*args)[3:]])
        code = command_line.main()
        return (code, *capsys.readouterr())

    return run
