"""`make bench` gives figures; what they are is nobody's business here."""

from __future__ import annotations

import docker
import pytest

from bench import pairs, unchanged, upload


@pytest.fixture(autouse=True)
def one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "RUNS", 1)


def test_an_upload_is_timed_against_curl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "_MEGABYTES", 1)
    result = upload.run()
    if isinstance(result, str):
        pytest.skip(result)
    assert result.ratio > 0


def test_a_run_without_changes_is_timed_against_doing_it_by_hand(engine_with_image: docker.DockerClient) -> None:
    del engine_with_image
    result = unchanged.run()
    if isinstance(result, str):
        pytest.skip(result)
    assert (len(result.ours), len(result.by_hand)) == (1, 1)
