"""A model that loads and does not answer: who it is, what AIAA says of it, and which clinicians are kept from it."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from sandbox.faults import Fault
from sandbox.serve import serve
from sandbox.xnat.app import create_app
from sandbox.xnat.options import Options
from tests.support.deployment import list_of
from tests.support.external_stack import ExternalStack, external_stack
from tests.support.pulumi_stack import PulumiFailed

MODEL = "liver"


def test_a_model_that_does_not_answer_keeps_only_its_servers_projects_from_being_registered() -> None:
    options = Options(projects=("LIVER", "SPLEEN", "KIDNEY"))
    with serve(create_app(options)) as xnat:
        settings: dict[str, Any] = {
            "xnat": {"url": xnat, "username": "admin", "password_env": "XNAT_PASSWORD"},
            "registrations": {"projects": {"LIVER": "gpu1", "SPLEEN": "gpu2"}},
        }
        with external_stack("failing", ("gpu1", "gpu2"), env={"XNAT_PASSWORD": "admin"}, **settings) as external:
            external.change(lambda known: known["models"].update({MODEL: {"local": external.files(MODEL)}}))
            well, ill = external.servers["gpu1"], external.servers["gpu2"]
            ill.app.state.faults.set(Fault("/v1/segmentation", "status", status=500))
            well.app.state.faults.set(Fault("/v1/segmentation", "delay", seconds=1))  # so that it comes after
            with pytest.raises(PulumiFailed) as failed:
                external.stack.up()
            told = {line for line in failed.value.errors if "smoke test" in line}
            assert len(told) == 1
            line = told.pop()
            assert line.startswith(f"error: Exception calling application: smoke test of model gpu2/{MODEL}: ")
            said = requests.get(f"{ill.url}/logs/?lines=5", timeout=10).text.splitlines()
            assert f"AIAA's last log lines: {' | '.join(said)}" in line
            assert "Traceback" not in failed.value.output
            assert list_of(xnat, "SPLEEN") == []
            assert list_of(xnat, "LIVER") == [well.url]
            assert MODEL in external.listed("gpu2")

            ill.app.state.faults.set()
            external.change(lambda known: known["models"].update(old={"local": external.files("old")}))
            external.stack.up()
            assert list_of(xnat, "SPLEEN") == [ill.url]

            # Nothing is taken away for what does not work: neither what is to be replaced, nor what depends on it. And
            # a model that is never tried has to be there all the same.
            external.change(lambda known: known["models"].pop("old"))
            external.change(lambda known: known["models"][MODEL].update(smoke_test=False))
            external.change(lambda known: known["registrations"]["projects"].update(KIDNEY="gpu2"))
            external.files(MODEL, version=2)
            ill.app.state.faults.set(Fault(f"/admin/model/{MODEL}", "status", method="PUT", status=500))
            before = external.stack.resources().keys()
            with pytest.raises(PulumiFailed) as failed:
                external.stack.up()
            assert "Traceback" not in failed.value.output
            assert {line.partition(": PUT")[0] for line in failed.value.errors if "model" in line} == {
                f"error: Exception calling application: model gpu2/{MODEL}"
            }
            assert external.stack.resources().keys() == before
            assert versions(external, "gpu1") == {"old": "1", MODEL: "2"}
            assert versions(external, "gpu2") == {"old": "1", MODEL: "1"}
            lists = [list_of(xnat, project) for project in options.projects]
            assert lists == [[well.url], [ill.url], []]
            ill.app.state.faults.set()
            external.stack.up()
            assert versions(external, "gpu1") == versions(external, "gpu2") == {MODEL: "2"}
            assert list_of(xnat, "KIDNEY") == [ill.url]
            external.stack.require_no_changes()


def versions(external: ExternalStack, server: str) -> dict[str, str]:
    return {name: entry["version"] for name, entry in external.listed(server).items()}
