"""Whose a model on a server is, and what is done about it, against a server in memory."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.aiaa import AiaaClient, ModelEntry
from clients.errors import Unreachable
from dynamic_providers.aiaa import model_source
from dynamic_providers.aiaa.model_source import ForeignModel, Local, Ngc, Source, SourceChanged, drift, public, remove

OWNER, OTHER = "xnat-aiaa/dev", "xnat-aiaa/prod"
NAME = "clara_pt_spleen"
NGC = Ngc(f"nvidia/med/{NAME}", "1")
CONFIG = {"version": "1", "type": "segmentation", "labels": ["spleen"], "inference": {"meta_data": {"deepgrow": "3D"}}}


class Server:
    """AIAA as `model_source` knows it: lists, loads, unloads. `calls` holds what changed it."""

    def __init__(self) -> None:
        self.entries: dict[str, ModelEntry] = {}
        self.calls: list[str] = []
        self.killed_after_load = False

    @property
    def client(self) -> AiaaClient:
        return cast(AiaaClient, self)

    def holds(self, name: str = NAME, **meta: str) -> None:
        self.entries[name] = ModelEntry(name, "segmentation", ("spleen",), "", "1", meta)

    def find(self, name: str) -> ModelEntry | None:
        return self.entries.get(name)

    def load_from_ngc(self, name: str, path: str, version: str, _deadline: float) -> ModelEntry:
        return self._load(name, f"{path} {version}", {})

    def load_from_files(self, name: str, config: Mapping[str, Any], data: Path, _deadline: float) -> ModelEntry:
        return self._load(name, data.name, config["inference"]["meta_data"])

    def unload(self, name: str, _deadline: float) -> None:
        self.calls.append(f"unload {name}")
        self.entries.pop(name, None)

    def _load(self, name: str, what: str, meta: Mapping[str, str]) -> ModelEntry:
        self.calls.append(f"load {name} from {what}")
        self.holds(name, **meta)
        if self.killed_after_load:
            raise KeyboardInterrupt
        return self.entries[name]


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def files(tmp_path: Path) -> Local:
    config, weights = tmp_path / "config_aiaa.json", tmp_path / "model.ts"
    config.write_text(json.dumps(CONFIG))
    weights.write_bytes(b"TorchScript")
    return Local.of(config, weights)


def ensure(
    server: Server,
    source: Source,
    name: str = NAME,
    *,
    known: Source | None = None,
    known_owner: str = OWNER,
    seen: bool = False,
    adopt: bool = False,
    reload: bool = False,
) -> ModelEntry:
    claim = model_source.Known(known, known_owner) if known else None
    return model_source.ensure(
        server.client, name, source, OWNER, known=claim, seen=seen, adopt=adopt, reload=reload, deadline=60
    )


class TestEnsure:
    def test_a_model_that_is_not_there_is_loaded_from_its_files_with_our_mark(
        self, server: Server, files: Local
    ) -> None:
        entry = ensure(server, files)
        assert server.calls == [f"load {NAME} from model.ts"]
        assert entry.meta == {"deepgrow": "3D", "managed_by": OWNER, "digest": files.digest}

    def test_a_model_that_is_not_there_is_loaded_from_ngc(self, server: Server) -> None:
        ensure(server, NGC)
        assert server.calls == [f"load {NAME} from nvidia/med/{NAME} 1"]

    def test_our_own_unchanged_model_is_left_at_that(self, server: Server, files: Local) -> None:
        server.holds(managed_by=OWNER, digest=files.digest)
        assert ensure(server, files) is server.entries[NAME]
        assert server.calls == []

    def test_our_own_model_from_other_files_is_replaced(self, server: Server, files: Local) -> None:
        server.holds(managed_by=OWNER, digest="of other files")
        ensure(server, files)
        assert server.entries[NAME].meta["digest"] == files.digest

    def test_our_own_model_is_loaded_again_where_that_was_asked_for(self, server: Server, files: Local) -> None:
        server.holds(managed_by=OWNER, digest=files.digest)
        ensure(server, files, reload=True)
        assert len(server.calls) == 1

    def test_a_run_that_was_killed_after_the_upload_leaves_nothing_to_do(self, server: Server, files: Local) -> None:
        server.killed_after_load = True
        with pytest.raises(KeyboardInterrupt):
            ensure(server, files)
        server.killed_after_load = False
        ensure(server, files)
        assert len(server.calls) == 1

    def test_a_run_that_was_killed_after_ngcs_download_finds_the_model_under_its_own_name(self, server: Server) -> None:
        server.killed_after_load = True
        with pytest.raises(KeyboardInterrupt):
            ensure(server, NGC, reload=True)
        server.killed_after_load = False
        ensure(server, NGC, reload=True)
        assert len(server.calls) == 2

    def test_an_unmarked_model_under_ngcs_own_name_counts_as_ngcs(self, server: Server) -> None:
        server.holds()
        ensure(server, NGC)
        assert server.calls == []

    @pytest.mark.parametrize(
        ("name", "meta"),
        [
            pytest.param(NAME, {"managed_by": OTHER}, id="another-stacks"),
            pytest.param("chosen_by_us", {}, id="unmarked-under-another-name-than-ngcs"),
            pytest.param("chosen_by_us", {"managed_by": OTHER}, id="another-stacks-under-another-name"),
        ],
    )
    def test_somebody_elses_model_is_not_replaced_by_ngcs(
        self, server: Server, name: str, meta: dict[str, str]
    ) -> None:
        server.holds(name, **meta)
        with pytest.raises(ForeignModel, match="choose another name, or set adopt: true"):
            ensure(server, NGC, name, reload=True)
        assert server.calls == []

    @pytest.mark.parametrize("meta", [{}, {"managed_by": OTHER}, {"managed_by": ""}, {"digest": "x"}])
    def test_somebody_elses_model_is_not_replaced_by_our_files(
        self, server: Server, files: Local, meta: dict[str, str]
    ) -> None:
        server.holds(**meta)
        with pytest.raises(ForeignModel):
            ensure(server, files)
        assert server.calls == []

    def test_another_stacks_model_is_left_alone_even_if_it_is_from_the_same_files(
        self, server: Server, files: Local
    ) -> None:
        server.holds(managed_by=OTHER, digest=files.digest)
        with pytest.raises(ForeignModel, match=f"stack {OTHER} manages"):
            ensure(server, files)

    @pytest.mark.parametrize("meta", [{}, {"managed_by": OTHER}])
    @pytest.mark.parametrize("claimed", [False, True])
    def test_adopting_replaces_somebody_elses_model_and_marks_it(
        self, server: Server, files: Local, meta: dict[str, str], claimed: bool
    ) -> None:
        server.holds(**meta)
        ensure(server, files, adopt=True, known=files if claimed else None)
        assert server.entries[NAME].meta["managed_by"] == OWNER

    def test_what_a_person_put_under_a_name_of_ours_is_replaced_once_a_refresh_has_shown_it(
        self, server: Server, files: Local
    ) -> None:
        server.holds()
        with pytest.raises(ForeignModel, match="bin/pulumi refresh"):
            ensure(server, files, known=files, reload=True)
        assert server.calls == []
        ensure(server, files, known=files, seen=True, reload=True)
        assert server.entries[NAME].meta["managed_by"] == OWNER

    def test_a_model_of_ours_from_ngc_is_replaced_by_files_of_that_name(self, server: Server, files: Local) -> None:
        server.holds("chosen_by_us")
        ensure(server, files, "chosen_by_us", known=NGC, reload=True)
        assert server.entries["chosen_by_us"].meta["managed_by"] == OWNER

    def test_a_renamed_stacks_model_is_still_its_own(self, server: Server, files: Local) -> None:
        server.holds(managed_by="xnat-aiaa/old-name", digest=files.digest)
        ensure(server, files, known=files, known_owner="xnat-aiaa/old-name", reload=True)
        assert server.entries[NAME].meta["managed_by"] == OWNER

    def test_two_stacks_do_not_replace_each_others_model_for_ever(self, server: Server, files: Local) -> None:
        server.holds(managed_by=OTHER)
        with pytest.raises(ForeignModel):
            ensure(server, files, known=files, seen=True, reload=True)
        assert server.calls == []

    def test_a_claimed_ngc_model_under_a_name_of_our_own_is_loaded_again(self, server: Server) -> None:
        server.holds("chosen_by_us")
        ensure(server, NGC, "chosen_by_us", known=NGC, reload=True)
        assert len(server.calls) == 1

    @pytest.mark.parametrize("changed", ["config", "weights"])
    def test_a_file_that_changed_after_the_preview_is_not_loaded(
        self, server: Server, files: Local, changed: str
    ) -> None:
        {"config": files.config, "weights": files.weights}[changed].write_text('{"inference": {}}')
        with pytest.raises(SourceChanged, match="run the command again"):
            ensure(server, files)
        assert server.calls == []

    def test_a_file_that_is_gone_after_the_preview_is_told(self, server: Server, files: Local) -> None:
        files.weights.unlink()
        with pytest.raises(SourceChanged, match=r"model\.ts cannot be read any more: No such file"):
            ensure(server, files)

    def test_the_mark_is_added_to_the_upload_and_not_to_the_file(self, server: Server, files: Local) -> None:
        before = files.config.read_bytes()
        ensure(server, files)
        assert files.config.read_bytes() == before

    @pytest.mark.parametrize("config", [{}, {"inference": {}}, {"inference": {"meta_data": {}}}])
    def test_a_config_without_meta_data_is_marked_too(
        self, server: Server, tmp_path: Path, config: dict[str, Any]
    ) -> None:
        (tmp_path / "c.json").write_text(json.dumps(config))
        (tmp_path / "m.ts").write_bytes(b"")
        ensure(server, Local.of(tmp_path / "c.json", tmp_path / "m.ts"))
        assert server.entries[NAME].meta["managed_by"] == OWNER


class TestRemove:
    def test_our_own_model_is_unloaded(self, server: Server, files: Local) -> None:
        server.holds(managed_by=OWNER)
        assert remove(server.client, NAME, files, OWNER, {}, 60) is None
        assert server.entries == {}

    @pytest.mark.parametrize("name", [NAME, "chosen_by_us"])
    def test_an_unmarked_model_as_ngcs_is_is_unloaded(self, server: Server, name: str) -> None:
        server.holds(name)
        assert remove(server.client, name, NGC, OWNER, {}, 60) is None
        assert server.entries == {}

    def test_what_a_person_put_in_place_of_our_files_stays_and_why_is_told(self, server: Server, files: Local) -> None:
        server.holds()
        told = remove(server.client, NAME, files, OWNER, {}, 60)
        assert told == f"left on the server: the server has a model {NAME} that we did not load"
        assert server.calls == []

    def test_an_unmarked_model_that_is_another_than_ngcs_stays_and_why_is_told(self, server: Server) -> None:
        server.holds()
        told = remove(server.client, NAME, NGC, OWNER, {"labels": ["liver"]}, 60)
        assert told == "left on the server: it is not what we loaded: labels is ['spleen'], was ['liver']"
        assert server.calls == []

    def test_a_model_that_is_gone_already_needs_nothing(self, server: Server) -> None:
        assert remove(server.client, NAME, NGC, OWNER, {}, 60) is None
        assert server.calls == []

    def test_another_stacks_model_stays_and_why_is_told(self, server: Server) -> None:
        server.holds(managed_by=OTHER)
        told = remove(server.client, NAME, NGC, OWNER, {}, 60)
        assert told == f"left on the server: the server has a model {NAME} that stack {OTHER} manages"
        assert server.calls == []

    def test_a_server_that_does_not_answer_is_not_taken_for_an_empty_one(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def silent(_name: str) -> None:
            raise Unreachable("no answer")

        monkeypatch.setattr(server, "find", silent)
        with pytest.raises(Unreachable):
            remove(server.client, NAME, NGC, OWNER, {}, 60)


class TestDrift:
    def loaded(self, source: Source) -> tuple[ModelEntry, dict[str, Any]]:
        server = Server()
        entry = ensure(server, source)
        return entry, public(entry)

    def test_a_model_as_it_was_loaded_has_not_drifted(self, files: Local) -> None:
        for source in (files, NGC):
            entry, loaded = self.loaded(source)
            assert drift(entry, loaded, source.digest) == ""

    def test_other_files_under_our_name_are_drift(self, server: Server, files: Local) -> None:
        _, loaded = self.loaded(files)
        for meta in ({}, {"digest": "other"}, {"managed_by": OWNER}):
            server.holds(**meta)
            assert drift(server.entries[NAME], loaded, files.digest) == "other files than ours were loaded"

    @pytest.mark.parametrize(
        ("key", "told"),
        [
            ("type", "type is 'segmentation', was 'deepgrow'"),
            ("labels", "labels is ['spleen'], was ['liver']"),
            ("version", "version is '1', was '0'"),
            ("description", "description is '', was 'A liver'"),
        ],
    )
    def test_what_the_server_tells_differently_is_drift(self, key: str, told: str) -> None:
        entry, loaded = self.loaded(NGC)
        before = {"type": "deepgrow", "labels": ["liver"], "version": "0", "description": "A liver"}
        assert drift(entry, {**loaded, key: before[key]}, None) == told

    def test_all_drift_is_told_at_once(self, files: Local, server: Server) -> None:
        _, loaded = self.loaded(files)
        server.holds()
        told = drift(server.entries[NAME], {**loaded, "version": "2", "labels": []}, files.digest)
        assert len(told.split("; ")) == 3

    def test_state_that_does_not_know_yet_what_was_loaded_shows_no_drift(self) -> None:
        entry, _ = self.loaded(NGC)
        assert drift(entry, {}, None) == ""


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def shuffled(value: Any, order: random.Random) -> Any:
    """The same document with the keys of its objects in another order."""
    if isinstance(value, dict):
        items = [(key, shuffled(item, order)) for key, item in value.items()]
        order.shuffle(items)
        return dict(items)
    return [shuffled(item, order) for item in value] if isinstance(value, list) else value


class TestDigest:
    @pytest.mark.soak
    @given(
        st.dictionaries(st.text(), json_values, max_size=4),
        st.randoms(use_true_random=False),
        st.sampled_from([None, 2]),
        st.booleans(),
    )
    def test_the_layout_of_a_config_is_no_part_of_its_digest(
        self, tmp_path_factory: pytest.TempPathFactory, document: Any, order: random.Random, indent: Any, ascii_: bool
    ) -> None:
        folder = tmp_path_factory.getbasetemp()
        one, other, weights = folder / "one.json", folder / "other.json", folder / "m.ts"
        one.write_text(json.dumps(document))
        other.write_text(json.dumps(shuffled(document, order), indent=indent, ensure_ascii=ascii_), encoding="utf-8")
        weights.write_bytes(b"")
        assert Local.of(one, weights).digest == Local.of(other, weights).digest

    @pytest.mark.parametrize(
        "config",
        [
            {**CONFIG, "version": "2"},
            {**CONFIG, "labels": ["spleen", "liver"]},
            {**CONFIG, "version": 1},
            {**CONFIG, "more": None},
        ],
    )
    def test_any_other_content_has_another_digest(self, files: Local, config: dict[str, Any]) -> None:
        files.config.write_text(json.dumps(config))
        changed = Local.of(files.config, files.weights)
        assert changed.config_digest != files.config_digest
        assert changed.weights_digest == files.weights_digest

    def test_the_order_of_labels_is_content(self, files: Local) -> None:
        digests = set()
        for labels in (["a", "b"], ["b", "a"]):
            files.config.write_text(json.dumps({**CONFIG, "labels": labels}))
            digests.add(Local.of(files.config, files.weights).digest)
        assert len(digests) == 2

    def test_a_file_that_moved_is_the_same_model(self, files: Local, tmp_path: Path) -> None:
        moved = Local.of(files.config.rename(tmp_path / "c.json"), files.weights.rename(tmp_path / "w.ts"))
        assert moved.digest == files.digest

    def test_what_ngc_holds_has_no_digest(self) -> None:
        assert NGC.digest is None
