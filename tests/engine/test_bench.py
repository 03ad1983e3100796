"""`make bench` gives figures; what they are is nobody's business here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import docker
import pytest

from bench import __main__ as bench
from bench import figures, memory, pairs, preview, registrations, unchanged, upload
from bench.figures import Figure


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "RUNS", 1)
    monkeypatch.setattr(upload, "_MEGABYTES", 1)
    monkeypatch.setattr(memory, "_MEGABYTES", 1)
    monkeypatch.setattr(preview, "_MODELS", 2)
    monkeypatch.setattr(registrations, "_PROJECTS", 2)
    monkeypatch.setattr(registrations, "_RUNS", 1)


def values(result: Sequence[Figure] | str) -> dict[str, float]:
    if isinstance(result, str):
        pytest.skip(result)
    return {figure.name: figure.value for figure in result}


def test_an_upload_is_measured_against_curl() -> None:
    found = values(upload.run())
    assert list(found) == ["upload_vs_curl", "upload_mb_per_s", "upload_curl_mb_per_s"]
    assert min(found.values()) > 0


def test_the_memory_of_the_provider_process_is_measured() -> None:
    found = values(memory.run())
    assert list(found) == ["upload_rss_mib", "upload_rss_before_mib"]
    assert min(found.values()) > 0


def test_a_preview_with_models_is_measured_against_one_without() -> None:
    found = values(preview.run())
    assert list(found) == ["preview_2_models_ratio", "preview_2_models_s", "preview_no_models_s"]
    assert min(found.values()) > 0


def test_registrations_are_measured_against_curl_and_their_preview_against_none() -> None:
    found = values(registrations.run())
    assert list(found) == [
        *("register_2_vs_curl", "register_2_s", "register_2_curl_s"),
        *("preview_2_registrations_ratio", "preview_2_registrations_s", "preview_no_registrations_s"),
    ]
    assert min(found.values()) > 0


def test_a_run_without_changes_is_measured_against_doing_it_by_hand(engine_with_image: docker.DockerClient) -> None:
    del engine_with_image
    found = values(unchanged.run())
    assert list(found) == ["unchanged_run_ratio", "unchanged_run_s", "unchanged_run_by_hand_s"]


def test_the_results_are_one_flat_object_with_the_conditions_and_without_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(figures, "RESULTS", tmp_path / "out" / "results.json")
    for measured in (memory, preview):
        monkeypatch.setattr(measured, "run", lambda: [Figure("figure", 0.98765, "at least 0.95", "it")])
    monkeypatch.setenv("PATH", str(tmp_path))  # neither curl nor docker-compose
    bench.main()
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["figure"] == 0.988
    assert {"date", "cores", "load", "python", "pulumi"} <= results.keys()
    assert not [name for name in results if name.startswith(("upload", "register", "unchanged"))]
    assert results["remarks"].count("left out: ") == 3
    assert "at least 0.95" in capsys.readouterr().out
