"""docs/outputs.md holds for every stack, also where no value has to be waited for when the program ends."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Program
from .test_program import HOSPITAL, NGC, SANDBOX, SPLEEN

EXTERNAL = {"runtime": "external", "url": "http://10.0.0.5:5000", "browser_url": "https://aiaa.example.org"}
NO_XNAT = {"url": None}
SETTINGS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "one server": {"servers": {"main": {}}},
    "one external server": {"servers": {"main": EXTERNAL}},
    "an external server with a model": {"servers": {"main": EXTERNAL}, "models": {SPLEEN: {"ngc": NGC}}},
    "an XNAT alone": {"xnat": HOSPITAL["xnat"]},
    "a sandbox alone": {"sandbox": {}},
    "a sandbox with its XNAT alone": {"sandbox": {"xnat": {}}, "xnat": SANDBOX["xnat"]},
    "a sandbox without XNAT": {"servers": {"main": {}}, "sandbox": {}},
    "a hospital without registrations": {**HOSPITAL, "registrations": {}},
    "a hospital without models": {**HOSPITAL, "models": {}},
    "a hospital": HOSPITAL,
    "a sandbox": SANDBOX,
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_every_stack_exports_the_whole_contract(program: Program, settings: dict[str, Any]) -> None:
    outputs = program(settings).outputs
    assert outputs is not None
    assert sorted(outputs) == ["models", "registrations", "servers", "xnat"]
    servers = settings.get("servers", {})
    assert outputs["servers"].keys() == servers.keys()
    assert all(server.keys() == {"url", "browser_url", "runtime"} for server in outputs["servers"].values())
    models = settings.get("models", {})
    placed = {f"{server}/{name}" for name, model in models.items() for server in model.get("servers", servers)}
    assert outputs["models"].keys() == placed
    assert all(model.keys() == {"type", "labels", "version"} for model in outputs["models"].values())
    wanted = settings.get("registrations", {})
    scopes = {"site"} & wanted.keys() | {f"projects/{project}" for project in wanted.get("projects", {})}
    assert outputs["registrations"].keys() == scopes
    has_xnat = "xnat" in settings
    assert (outputs["xnat"]["url"] is not None) == has_xnat
    assert ("demo_login" in outputs["xnat"]) == ("xnat" in settings.get("sandbox", {}))
