"""`aiaa:Model` of NGC for a server with no way out: this machine downloads it, checks it, sends it, and cleans up."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from dynamic_providers.aiaa.model import ModelProvider
from dynamic_providers.aiaa.model_source import Ngc, Sent
from dynamic_providers.aiaa.packages import CACHE, FromNgc
from sandbox.faults import Fault
from sandbox.ngc import mmar
from sandbox.ngc.app import create_app
from sandbox.serve import serve
from tests.support import model_props
from tests.support.aiaa_stand_in import AiaaStandIn, aiaa_stand_in
from tests.support.model_props import OWNER, SPLEEN
from tests.support.provider_host import Provider, ProviderFailed, ProviderHost, provider_host

PATH = f"nvidia/med/{SPLEEN}"


@dataclass
class NgcStandIn:
    url: str
    app: Any

    def host(self) -> AbstractContextManager[ProviderHost]:
        return provider_host({"ngc": {"url": self.url}})

    def fetched(self) -> list[str]:
        """Digests of the files that were asked for, in order."""
        asked = self.app.state.faults.requests
        return [entry.path.rpartition("/")[2] for entry in asked if entry.path.startswith("/objects/")]


@pytest.fixture
def ngc() -> Iterator[NgcStandIn]:
    app = create_app()
    with serve(app) as url:
        yield NgcStandIn(url, app)


@pytest.fixture
def models(ngc: NgcStandIn) -> Iterator[Provider]:
    with ngc.host() as host:
        yield host.provider(ModelProvider)


def props(aiaa: AiaaStandIn, version: str = "1", path: str = PATH, **changed: Any) -> dict[str, Any]:
    return model_props.of(aiaa.url, "spleen", Sent(FromNgc(path, version, "clara-4.0")), **changed)


def listed(aiaa: AiaaStandIn) -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in requests.get(f"{aiaa.url}/v1/models", timeout=5).json()}


def left_of_downloads() -> list[Path]:
    return [path for path in (CACHE / "downloads").rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_model_is_fetched_checked_sent_with_a_mark_and_nothing_of_it_stays(
    models: Provider, aiaa: AiaaStandIn, ngc: NgcStandIn
) -> None:
    inputs = props(aiaa)
    id_, state = models.create(inputs)
    assert listed(aiaa)["spleen"].items() >= {"managed_by": OWNER, "origin": f"{PATH}:1"}.items()
    assert state["digest"] == listed(aiaa)["spleen"]["digest"]
    assert left_of_downloads() == []
    assert len(ngc.fetched()) == 2  # the config and the weights, and nothing else of the MMAR
    assert models.read(id_, state)[1] == state
    assert not models.diff(id_, state, inputs)
    models.create(inputs)  # after a kill: what is there tells its version by its mark
    assert len(ngc.fetched()) == 2


def test_another_version_is_fetched_and_sent_in_place_of_the_old(models: Provider, aiaa: AiaaStandIn) -> None:
    id_, state = models.create(props(aiaa))
    news = props(aiaa, "2")
    assert models.diff(id_, state, news)
    assert models.update(id_, state, news)["digest"] != state["digest"]
    assert listed(aiaa)["spleen"]["origin"] == f"{PATH}:2"


def test_a_model_that_aiaa_fetched_becomes_one_that_we_fetch(models: Provider, aiaa: AiaaStandIn) -> None:
    id_, state = models.create(model_props.of(aiaa.url, SPLEEN, Ngc(PATH, "1")))
    news = props(aiaa, model=SPLEEN)
    assert models.diff(id_, state, news)
    models.update(id_, state, news)
    assert listed(aiaa)[SPLEEN]["managed_by"] == OWNER


def test_two_servers_have_it_fetched_once(models: Provider, aiaa: AiaaStandIn, ngc: NgcStandIn, tmp_path: Path) -> None:
    with aiaa_stand_in(tmp_path / "second") as second, ThreadPoolExecutor(2) as pool:
        aiaa.app.state.faults.set(Fault("/admin/*", "delay", seconds=2))
        second.app.state.faults.set(Fault("/admin/*", "delay", seconds=2))  # so that both need it at a time
        list(pool.map(models.create, [props(aiaa), props(second, server="second")]))
        assert listed(second)["spleen"]["digest"] == listed(aiaa)["spleen"]["digest"]
    assert len(ngc.fetched()) == 2


def test_a_download_that_was_killed_goes_on_in_the_next_run(aiaa: AiaaStandIn, ngc: NgcStandIn) -> None:
    weights = hashlib.sha256(mmar.files(SPLEEN, "1")["models/model.ts"]).hexdigest()
    ngc.app.state.faults.set(Fault(f"/objects/{weights}", "hang"))
    with ThreadPoolExecutor(1) as pool, ngc.host() as host:
        running = pool.submit(host.provider(ModelProvider).create, props(aiaa))
        deadline = time.monotonic() + 50
        while weights not in ngc.fetched():
            assert time.monotonic() < deadline
            assert not running.done(), running
            time.sleep(0.05)
        host.kill()
        with pytest.raises(ProviderFailed):
            running.result()
    ngc.app.state.faults.set()
    before = ngc.fetched()
    with ngc.host() as host:
        host.provider(ModelProvider).create(props(aiaa))
    assert ngc.fetched()[len(before) :] == [weights]  # the config was here already
    assert left_of_downloads() == []


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"version": "9"}, f"{PATH} at {{url}} has no version 9: its latest is 2"),
        ({"path": "nvidia/med/no_such_model"}, "nvidia/med/no_such_model"),
    ],
    ids=["version", "model"],
)
def test_what_ngc_does_not_have_is_told_and_nothing_is_uploaded(
    models: Provider, aiaa: AiaaStandIn, ngc: NgcStandIn, inputs: dict[str, Any], told: str
) -> None:
    with pytest.raises(ProviderFailed) as failed:
        models.create(props(aiaa, **inputs))
    assert str(failed.value).startswith("model main/spleen: ")
    assert told.format(url=ngc.url) in str(failed.value)
    assert "\n" not in str(failed.value)
    assert listed(aiaa) == {}


def test_the_key_stands_in_no_state_and_in_no_error(aiaa: AiaaStandIn, ngc: NgcStandIn) -> None:
    """Over http a key is not sent at all."""
    with provider_host({"ngc": {"url": ngc.url, "api_key": "nvapi-tangerine"}}) as host:
        with pytest.raises(ProviderFailed) as failed:
            host.provider(ModelProvider).create(props(aiaa))
        assert "tangerine" not in str(failed.value) + host.said()
