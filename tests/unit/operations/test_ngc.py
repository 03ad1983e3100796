"""`bin/aiaa ngc list`."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from operations import __main__ as command_line
from sandbox.ngc.app import create_app
from sandbox.ngc.catalog import CATALOG
from sandbox.serve import serve


def run(monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
    monkeypatch.setattr(sys, "argv", ["bin/aiaa", "ngc", "list", *args])
    return command_line.main()


def test_the_catalogue_is_a_table_and_needs_no_stack(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")  # no Pulumi
    with serve(create_app()) as url:
        monkeypatch.setenv("NGC_CLI_API_URL", url)
        assert run(monkeypatch) == 0
    head, *rows = capsys.readouterr().out.strip().splitlines()
    assert head.split() == ["NAME", "VERSION", "KIND", "TOLD"]
    assert [row.split()[0] for row in rows] == sorted(CATALOG)
    spleen = next(row for row in rows if row.startswith("clara_pt_spleen_ct_segmentation "))
    assert spleen.split(maxsplit=3)[1:] == [
        "2",
        "Segmentation",
        "A pre-trained model for volumetric (3D) segmentation of the spleen from CT image",
    ]


def test_the_catalogue_is_a_document_for_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NGC_CLI_API_URL", "https://not.asked.example.org")
    with serve(create_app()) as url:
        assert run(monkeypatch, "--json", "--url", url) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["well"], document["url"]) == (True, url)
    assert {model["path"] for model in document["models"]} == {f"nvidia/med/{name}" for name in CATALOG}
    assert document["models"][0].keys() == {"name", "path", "version", "kind", "told"}


def test_what_cannot_be_asked_ends_with_1_and_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert run(monkeypatch) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("bin/aiaa ngc: NGC is asked through NVIDIA's ngcsdk, which is not installed here: install it")


@pytest.mark.parametrize("args", [["ngc"], ["ngc", "show"], ["ngc", "list", "--stack", "dev"]])
def test_a_wrong_command_line_ends_with_2(monkeypatch: pytest.MonkeyPatch, args: list[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["bin/aiaa", *args])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 2
