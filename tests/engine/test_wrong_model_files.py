"""Files that no server could use are told in a preview, all that is wrong at once, and nothing is sent for them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.serve import serve
from sandbox.xnat.app import create_app
from sandbox.xnat.options import Options
from tests.support.deployment import list_of
from tests.support.external_stack import external_stack
from tests.support.pulumi_stack import PulumiFailed


def test_all_that_is_wrong_is_told_with_file_and_place_and_nothing_is_registered() -> None:
    with serve(create_app(Options(projects=("LIVER",)))) as xnat:
        settings: dict[str, Any] = {
            "xnat": {"url": xnat, "username": "admin", "password_env": "XNAT_PASSWORD"},
            "registrations": {"projects": {"LIVER": "gpu1"}},
        }
        with external_stack("wrong", env={"XNAT_PASSWORD": "admin"}, **settings) as external:
            wrong = external.files("wrong", type="segmentaton")
            folder = external.stack.folder / "models" / "wrong"
            config = json.loads((folder / "config_aiaa.json").read_text())
            config["inference"]["TRITON"]["triton_model_config"]["input"][0]["dims"] = [1, "64", 64, 64]
            (folder / "config_aiaa.json").write_text(json.dumps(config))
            (folder / "model.ts").write_bytes(b"no TorchScript")
            right = external.files("right")
            external.change(lambda known: known.update(models={"wrong": {"local": wrong}, "right": {"local": right}}))
            for command in (external.stack.preview_text, external.stack.up):
                with pytest.raises(PulumiFailed) as failed:
                    command()
                told = [line.strip() for line in failed.value.output.splitlines() if "models.wrong." in line]
                file = f"models.wrong.local.config: {wrong['config']}: "
                assert [line.partition(": must")[0].partition(": is")[0] for line in dict.fromkeys(told)] == [
                    f"{file}type",
                    f"{file}inference.TRITON.triton_model_config.input[0].dims[1]",
                    f"models.wrong.local.data: {wrong['data']}",
                ]
                assert "Traceback" not in failed.value.output
            assert external.listed("gpu1") == {}
            assert not [entry for entry in external.servers["gpu1"].app.state.faults.requests if entry.method == "PUT"]
            assert list_of(xnat, "LIVER") == []
            external.change(lambda known: known["models"].pop("wrong"))
