"""`aiaa:Model`: every way of getting a model onto AIAA, checked before and after, safe to repeat."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from dynamic_providers.aiaa.model import ModelProvider
from dynamic_providers.aiaa.model_source import Ngc, Sent
from dynamic_providers.aiaa.packages import CACHE, Archive, Digests, Files, Package, Pinned
from sandbox.aiaa import loading
from sandbox.faults import Fault, FaultInjector, FaultPlan
from sandbox.ngc import mmar
from sandbox.serve import serve
from tests.support import model_props
from tests.support.aiaa_stand_in import AiaaStandIn, aiaa_stand_in
from tests.support.model_props import OWNER, SPLEEN, local
from tests.support.provider_host import PROJECT, Provider, ProviderFailed, ProviderHost

DEMO = PROJECT / "models" / "liver_demo"
NGC = f"nvidia/med/{SPLEEN}"
GRAPH = "clara_ct_seg_spleen_amp"  # a model of Clara 3


@pytest.fixture
def models(host: ProviderHost) -> Provider:
    return host.provider(ModelProvider)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A config and weights that a test may change."""
    return shutil.copytree(DEMO, tmp_path / "files")


class Store:
    """Files by name, with ranges and faults."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan = FaultPlan()

    def app(self) -> Starlette:
        async def get(request: Request) -> Response:
            return FileResponse(self.folder / request.path_params["name"])

        routes = [*self.plan.routes(), Route("/{name}", get)]
        return Starlette(routes=routes, middleware=[Middleware(FaultInjector, plan=self.plan)])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "store").mkdir()
    shutil.copy(DEMO / "model.ts", tmp_path / "store" / "liver.ts")
    return Store(tmp_path / "store")


@pytest.fixture
def stored(store: Store) -> Iterator[str]:
    """The address of the weights in the store."""
    with serve(store.app()) as url:
        yield f"{url}/liver.ts"


def pinned(stored: str, files: Path, sha256: str | None = None) -> Pinned:
    known = hashlib.sha256((DEMO / "model.ts").read_bytes()).hexdigest()
    return Pinned.of(files / "config_aiaa.json", stored, sha256 or known)


def props(aiaa: AiaaStandIn, package: Package, name: str = "m", **changed: Any) -> dict[str, Any]:
    return model_props.of(aiaa.url, name, Sent(package), **changed)


def listed(aiaa: AiaaStandIn) -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in requests.get(f"{aiaa.url}/v1/models", timeout=5).json()}


def uploads(aiaa: AiaaStandIn) -> int:
    return sum(entry.method == "PUT" for entry in aiaa.app.state.faults.requests)


def failure(models: Provider, inputs: dict[str, Any]) -> str:
    with pytest.raises(ProviderFailed) as failed:
        models.create(inputs)
    line = str(failed.value)
    assert line.isprintable()
    return line


def left_of_downloads() -> list[Path]:
    return [path for path in (CACHE / "downloads").rglob("*") if path.is_file() and path.suffix != ".lock"]


def changed_config(files: Path, **keys: Any) -> Path:
    path = files / "config_aiaa.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | keys))
    return files


class TestNgc:
    @pytest.mark.parametrize("api", ["3.1", "4.0", "4.1"])
    def test_each_generation_is_asked_in_the_form_that_it_takes(
        self, models: Provider, tmp_path: Path, api: Any
    ) -> None:
        """The stand-in refuses the other form, as documented."""
        name = GRAPH if api == "3.1" else SPLEEN
        with aiaa_stand_in(tmp_path / "workspace", api=api) as aiaa:
            spoken: Any = f"clara-{api}"
            source = Ngc(f"nvidia/med/{name}", "1", spoken)
            id_, state = models.create(model_props.of(aiaa.url, name, source))
            assert listed(aiaa).keys() == {name}
            assert models.read(id_, state)[0] == id_
            models.delete(id_, state)
            assert listed(aiaa) == {}

    def test_the_deadline_of_a_load_is_the_stack_files(self, models: Provider, aiaa: AiaaStandIn) -> None:
        aiaa.app.state.faults.set(Fault("/admin/*", "hang"))
        line = failure(models, model_props.of(aiaa.url, SPLEEN, Ngc(NGC, "1"), timeout=1))
        assert "no answer in time" in line


class TestPinned:
    def test_weights_come_from_the_store_and_nothing_of_them_stays(
        self, models: Provider, aiaa: AiaaStandIn, stored: str, files: Path
    ) -> None:
        inputs = props(aiaa, pinned(stored, files))
        id_, state = models.create(inputs)
        assert listed(aiaa)["m"]["digest"] == str(Files.of(files / "config_aiaa.json", files / "model.ts").planned)
        assert left_of_downloads() == []
        assert not models.diff(id_, state, inputs)
        assert models.read(id_, state)[1] == state

    def test_other_weights_than_the_pinned_ones_are_not_uploaded(
        self, models: Provider, aiaa: AiaaStandIn, store: Store, stored: str, files: Path
    ) -> None:
        (store.folder / "liver.ts").write_bytes(b"of somebody else")
        line = failure(models, props(aiaa, pinned(stored, files)))
        assert line.startswith(f"model main/m: GET {stored}: ")
        assert hashlib.sha256(b"of somebody else").hexdigest() in line
        assert uploads(aiaa) == 0
        assert left_of_downloads() == []

    def test_a_login_page_of_a_store_is_told(
        self, models: Provider, aiaa: AiaaStandIn, store: Store, stored: str, files: Path
    ) -> None:
        store.plan.set(Fault("/liver.ts", "html"))
        assert "an HTML page titled" in failure(models, props(aiaa, pinned(stored, files)))

    def test_what_is_there_already_is_not_fetched_again(
        self, models: Provider, aiaa: AiaaStandIn, store: Store, stored: str, files: Path
    ) -> None:
        """Also where it came from files before: the weights moved to a store, and are the same."""
        id_, state = models.create(local(aiaa.url, files, model="m"))
        news = props(aiaa, pinned(stored, files))
        assert not models.diff(id_, state, news)
        models.create(news)
        assert list(store.plan.requests) == []


class TestMmar:
    @pytest.mark.parametrize("top", ["", "prostate_v1/"])
    @pytest.mark.parametrize("api", ["4.0", "4.1", "3.1"])
    def test_a_zip_is_sent_as_config_and_data_with_or_without_a_folder_on_top(
        self, models: Provider, tmp_path: Path, api: Any, top: str
    ) -> None:
        with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
            for name, content in mmar.files(GRAPH if api == "3.1" else SPLEEN, "1").items():
                # The stand-in of NGC has TorchScript there too, which 3.1 could not use: a graph begins so.
                archive.writestr(top + name, content if name != "models/model.trt.pb" else b"\x0a\x10\x0a\x05input")
        spoken: Any = f"clara-{api}"
        package = Archive.of(tmp_path / "model.zip", spoken)
        with aiaa_stand_in(tmp_path / "workspace", api=api) as aiaa:
            id_, state = models.create(model_props.of(aiaa.url, "m", Sent(package, spoken)))
            assert listed(aiaa)["m"]["managed_by"] == OWNER
            assert models.read(id_, state)[1] == state
        assert left_of_downloads() == []

    def test_a_path_that_leaves_the_archive_is_refused(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
            archive.writestr("../config/config_aiaa.json", "{}")
        with pytest.raises(Exception, match="leads out of the archive"):
            Archive.of(tmp_path / "evil.zip", "clara-4.0")


class TestPipeline:
    def inputs(self, aiaa: AiaaStandIn, folder: Path) -> dict[str, Any]:
        section = {
            "name": "aiaa.apps.deepgrow.DeepgrowInferencePipeline",
            "args": {"models": ["clara_pt_deepgrow_3d_annotation", "clara_pt_deepgrow_2d_annotation"], "batch_size": 1},
        }
        inference = {"meta_data": {"deepgrow": "3D"}, "TRITON": section, "AIAA": section}
        document = {"version": 1, "type": "pipeline", "labels": [], "description": "Both", "inference": inference}
        (folder / "pipeline.json").write_text(json.dumps(document))
        return props(aiaa, Files.of(folder / "pipeline.json", None), "both")

    def test_a_config_is_sent_alone_after_the_models_that_it_names(
        self, models: Provider, aiaa: AiaaStandIn, tmp_path: Path
    ) -> None:
        inputs = self.inputs(aiaa, tmp_path)
        assert "clara_pt_deepgrow_3d_annotation" in failure(models, inputs)
        for part in ("clara_pt_deepgrow_3d_annotation", "clara_pt_deepgrow_2d_annotation"):
            models.create(model_props.of(aiaa.url, part, Ngc(f"nvidia/med/{part}", "1")))
        id_, state = models.create(inputs)
        assert listed(aiaa)["both"]["type"] == "pipeline"
        assert listed(aiaa)["both"]["deepgrow"] == "3D"
        assert models.read(id_, state)[1] == state
        again, _ = models.create(inputs)
        assert (again, uploads(aiaa)) == ("main/both", 4)  # one was refused, the last was there already


class TestWithoutAMark:
    def inputs(self, aiaa: AiaaStandIn, files: Path) -> dict[str, Any]:
        package = Files.of(files / "config_aiaa.json", files / "model.ts")
        return model_props.of(aiaa.url, "m", Sent(package, marked=False))

    def test_the_config_reaches_the_server_untouched_and_other_weights_are_not_seen(
        self, models: Provider, aiaa: AiaaStandIn, files: Path
    ) -> None:
        inputs = self.inputs(aiaa, files)
        id_, state = models.create(inputs)
        assert "managed_by" not in listed(aiaa)["m"]
        stored = requests.get(f"{aiaa.url}/admin/model/m", timeout=5).json()
        assert {key: stored[key] for key in stored if key not in ("name", "path")} == json.loads(
            (files / "config_aiaa.json").read_text()
        )
        assert models.read(id_, state)[1] == state
        models.delete(id_, state)
        assert listed(aiaa) == {}

    def test_what_only_looks_like_it_is_neither_replaced_nor_unloaded(
        self, models: Provider, aiaa: AiaaStandIn, files: Path
    ) -> None:
        inputs = self.inputs(aiaa, files)
        _, state = models.create(inputs)
        assert "that we did not load" in failure(models, inputs)
        assert uploads(aiaa) == 1
        models.delete("main/m", state | {"loaded": {**state["loaded"], "description": "another"}})
        assert listed(aiaa).keys() == {"m"}

    def test_to_take_the_mark_away_loads_the_model_again(
        self, models: Provider, aiaa: AiaaStandIn, files: Path
    ) -> None:
        id_, state = models.create(local(aiaa.url, files, model="m"))
        news = self.inputs(aiaa, files)
        assert models.diff(id_, state, news)
        models.update(id_, state, news)
        assert "managed_by" not in listed(aiaa)["m"]


class TestLostAnswers:
    def test_an_update_whose_answer_a_proxy_did_not_wait_for_is_found_and_not_sent_again(
        self, models: Provider, aiaa: AiaaStandIn, files: Path
    ) -> None:
        id_, state = models.create(local(aiaa.url, files))
        changed_config(files, version=2)
        news = local(aiaa.url, files)
        aiaa.app.state.faults.set(Fault("/admin/*", "status", method="PUT", status=504, applied=True))
        assert models.update(id_, state, news)["version"] == "2"
        assert uploads(aiaa) == 2

    def test_an_update_that_was_killed_after_the_upload_is_not_made_again(
        self, models: Provider, aiaa: AiaaStandIn, files: Path
    ) -> None:
        id_, state = models.create(local(aiaa.url, files))
        changed_config(files, version=2)
        news = local(aiaa.url, files)
        models.update(id_, state, news)
        _, drifted, live = models.read(id_, state)
        assert live["drift"].startswith("files of ours are there that the state does not know")
        assert models.update(id_, drifted, news)["version"] == "2"
        assert uploads(aiaa) == 2

    def test_a_model_of_another_stack_is_not_promised_to_be_replaced(
        self, models: Provider, host: ProviderHost, aiaa: AiaaStandIn, files: Path
    ) -> None:
        id_, state = models.create(local(aiaa.url, files))
        models.create(local(aiaa.url, files, owner="xnat-aiaa/other", adopt=True))
        _, _, live = models.read(id_, state)
        assert live["drift"] == (
            "stack xnat-aiaa/other manages a model of this name now, which only adopt: true replaces"
        )
        assert host.said().strip().endswith(live["drift"])


class TestBeforeTheUpload:
    def test_all_that_the_server_could_not_use_is_told_at_once_and_nothing_is_sent(
        self, models: Provider, aiaa: AiaaStandIn, store: Store, stored: str, files: Path
    ) -> None:
        """What a preview cannot see: weights in a store, and a server that speaks another generation."""
        (store.folder / "liver.ts").write_bytes(b"PK\x05\x06" + bytes(18))
        sha256 = hashlib.sha256(b"PK\x05\x06" + bytes(18)).hexdigest()
        changed_config(files, type="segmentations", labels="liver")
        line = failure(models, props(aiaa, pinned(stored, files, sha256)))
        config = files / "config_aiaa.json"
        assert line == (
            f'model main/m: {config}: type: is "segmentations": write one of segmentation, annotation, classification, '
            f'deepgrow, others, pipeline; {config}: labels: is "liver": write a list of names, such as ["spleen"], or '
            f"[] for none; {stored}: is a zip archive with nothing in it: make it again; nothing was uploaded"
        )
        assert uploads(aiaa) == 0


class TestAfterTheUpload:
    def test_a_server_that_lists_something_else_than_it_was_sent_fails_the_load(
        self, models: Provider, aiaa: AiaaStandIn, files: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def other(*told: Any) -> dict[str, Any]:
            return {**entry(*told), "labels": ["spleen"]}

        entry = loading.entry
        monkeypatch.setattr("sandbox.aiaa.models.entry", other)
        line = failure(models, local(aiaa.url, files))
        assert line == (
            "model main/liver_demo: the server took it, and lists labels ['spleen'], not ['liver']: "
            "`bin/aiaa logs main` may tell why"
        )

    def test_a_list_that_lags_is_waited_for(self, models: Provider, tmp_path: Path, files: Path) -> None:
        with aiaa_stand_in(tmp_path / "workspace", list_lag=1.0) as aiaa:
            _, state = models.create(local(aiaa.url, files))
            assert state["digest"] == listed(aiaa)["liver_demo"]["digest"]

    def test_a_new_version_that_is_rejected_is_told_with_what_the_server_lists_now(
        self, models: Provider, aiaa: AiaaStandIn, files: Path
    ) -> None:
        id_, state = models.create(local(aiaa.url, files))
        document = json.loads((files / "config_aiaa.json").read_text())
        document["post_transforms"].insert(0, {"name": "monai.transforms.NoSuchd", "args": {}})
        changed_config(files, version=2, post_transforms=document["post_transforms"])
        with pytest.raises(ProviderFailed) as failed:
            models.update(id_, state, local(aiaa.url, files))
        assert "NoSuchd" in str(failed.value)
        assert "the server lists version 1 of it now (segmentation, labels liver)" in str(failed.value)
        assert listed(aiaa)["liver_demo"]["version"] == "1"


class TestUpload:
    SIZE = os.path.getsize(DEMO / "model.ts") / 1e6

    def test_a_proxy_that_takes_no_such_size_is_told_with_the_size(
        self, models: Provider, aiaa: AiaaStandIn, files: Path
    ) -> None:
        aiaa.app.state.faults.set(Fault("/admin/*", "too_large"))
        line = failure(models, local(aiaa.url, files))
        assert "answered 413 Request Entity Too Large" in line
        assert line.endswith(
            f"(an upload of {self.SIZE:.3f} MB): a proxy in between takes no upload of this size: raise its limit "
            "(nginx: client_max_body_size), or give the server's own address, without the proxy, in its url"
        )
        assert uploads(aiaa) == 1  # to repeat it would help nobody

    @pytest.mark.parametrize(("kind", "told"), [("reset", "connection failed"), ("hang", "no answer in time")])
    def test_a_transfer_that_fails_for_good_is_told_with_the_size(
        self, models: Provider, aiaa: AiaaStandIn, files: Path, kind: Any, told: str
    ) -> None:
        aiaa.app.state.faults.set(Fault("/admin/*", kind))
        line = failure(models, local(aiaa.url, files, timeout=2))
        assert told in line
        assert f"(an upload of {self.SIZE:.3f} MB)" in line

    def test_a_transfer_that_was_cut_off_is_repeated(self, models: Provider, aiaa: AiaaStandIn, files: Path) -> None:
        aiaa.app.state.faults.set(Fault("/admin/*", "reset", times=2))
        models.create(local(aiaa.url, files))
        assert listed(aiaa).keys() == {"liver_demo"}


def test_a_state_of_a_former_release_is_read_updated_and_deleted(
    models: Provider, aiaa: AiaaStandIn, files: Path
) -> None:
    """Its `config` was the file's path, and it knew neither sizes nor what the server speaks."""
    inputs = local(aiaa.url, files)
    _, made = models.create(inputs)
    new = ("config_file", "weights_size", "api", "engine", "digest")
    old = {key: value for key, value in made.items() if key not in new} | {"config": inputs["config_file"]}
    assert not models.diff("main/liver_demo", old, inputs)
    assert models.read("main/liver_demo", old)[0] == "main/liver_demo"
    assert "drift" not in models.read("main/liver_demo", old)[1]
    assert models.update("main/liver_demo", old, inputs | {"url": aiaa.url})["digest"] == made["digest"]
    assert uploads(aiaa) == 1
    models.delete("main/liver_demo", old)
    assert listed(aiaa) == {}


def test_the_digest_of_a_model_from_files_is_the_one_that_servers_carry_already() -> None:
    """In marks and states of former releases: another form of it would load every model again."""
    digests = Files.of(DEMO / "config_aiaa.json", DEMO / "model.ts").planned
    weights = hashlib.sha256((DEMO / "model.ts").read_bytes()).hexdigest()[:32]
    document = json.loads((DEMO / "config_aiaa.json").read_text())
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    assert digests == Digests(hashlib.sha256(canonical.encode()).hexdigest()[:32], weights)
    assert str(digests) == f"{digests.config}.{weights}"
