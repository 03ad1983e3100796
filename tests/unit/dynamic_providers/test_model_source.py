"""Whose a model on a server is, and what is done about it, against a server in memory."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from clients.aiaa import AiaaClient, ModelEntry
from clients.errors import Rejected, Unreachable
from dynamic_providers.aiaa import model_on_server
from dynamic_providers.aiaa.model_on_server import ForeignModel, drift, remove
from dynamic_providers.aiaa.model_source import Loaded, Ngc, NotAsSent, Sent, Source, Unfit, public
from dynamic_providers.aiaa.packages import Files, FromNgc, SourceChanged
from tests.support.provider_host import PROJECT

OWNER, OTHER = "xnat-aiaa/dev", "xnat-aiaa/prod"
NAME = "clara_pt_spleen"
NGC = Ngc(f"nvidia/med/{NAME}", "1")
DEMO = PROJECT / "models" / "liver_demo"
CONFIG: dict[str, Any] = json.loads((DEMO / "config_aiaa.json").read_text())
CONFIG |= {"labels": ["spleen"], "description": ""}
CONFIG["inference"]["meta_data"] = {"deepgrow": "3D"}


class Server:
    """AIAA as `model_source` knows it: lists, loads, unloads. `calls` holds what changed it."""

    def __init__(self) -> None:
        self.entries: dict[str, ModelEntry] = {}
        self.calls: list[str] = []
        self.killed_after_load = False
        self.rejects = False
        self.changes: dict[str, Any] = {}

    @property
    def client(self) -> AiaaClient:
        return cast(AiaaClient, self)

    def holds(self, name: str = NAME, **meta: str) -> None:
        self.entries[name] = ModelEntry(name, "segmentation", ("spleen",), "", "1", meta)

    def find(self, name: str) -> ModelEntry | None:
        return self.entries.get(name)

    def load_from_ngc(self, name: str, path: str, version: str, _deadline: float, *, as_form: bool) -> ModelEntry:
        form = " in a form" if as_form else ""
        return self._load(name, f"{path} {version}{form}", {"type": "segmentation", "labels": ["spleen"], "version": 1})

    def load_from_files(
        self,
        name: str,
        config: Mapping[str, Any],
        data: Path | None,
        _deadline: float,
        *,
        filename: str,
        is_it: Callable[[ModelEntry], bool],
        tell: Callable[[str], None],
    ) -> ModelEntry:
        del is_it
        tell("on its way")
        return self._load(name, filename if data else "config alone", config)

    def unload(self, name: str, _deadline: float) -> None:
        self.calls.append(f"unload {name}")
        self.entries.pop(name, None)

    def _load(self, name: str, what: str, config: Mapping[str, Any]) -> ModelEntry:
        if self.rejects:
            raise Rejected("PUT: answered 500: no such transform", advice="mend it")
        self.calls.append(f"load {name} from {what}")
        inference = config.get("inference", {})
        told = {"description": "", **config, **self.changes}
        self.entries[name] = ModelEntry(
            name,
            told["type"],
            tuple(told["labels"]),
            told["description"],
            str(told["version"]),
            {**inference.get("meta_data", {}), **inference.get("additional_info", {})},
        )
        if self.killed_after_load:
            raise KeyboardInterrupt
        return self.entries[name]


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def files(tmp_path: Path) -> Files:
    config, weights = tmp_path / "config_aiaa.json", tmp_path / "weights"
    config.write_text(json.dumps(CONFIG))
    shutil.copy(DEMO / "model.ts", weights)
    return Files.of(config, weights)


@pytest.fixture
def sent(files: Files) -> Sent:
    return Sent(files)


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
) -> Loaded:
    claim = model_on_server.Known(known, known_owner) if known else None
    return model_on_server.ensure(
        server.client, name, source, OWNER, known=claim, seen=seen, adopt=adopt, reload=reload, deadline=60
    )


def of_ones_own_class(folder: Path) -> Files:
    """Any file, for a class of the owner's own."""
    (folder / "config_aiaa.json").write_text(
        json.dumps({**CONFIG, "inference": {"TRITON": {"name": "my_net.MyInference"}}})
    )
    (folder / "net.pth").write_bytes(b"\x80\x02}q\x00.")
    return Files.of(folder / "config_aiaa.json", folder / "net.pth")


def archive_for_clara_3(folder: Path) -> Files:
    document = {**CONFIG, "version": "3", "inference": {"name": "TRTISInference", "trtis": {}}}
    (folder / "config_aiaa.json").write_text(json.dumps(document))
    with zipfile.ZipFile(folder / "weights.zip", "w") as archive:
        archive.writestr("model.trt.pb", b"\x0a\x10")
    return Files.of(folder / "config_aiaa.json", folder / "weights.zip")


class TestEnsure:
    def test_the_file_of_a_class_of_ones_own_is_sent_under_its_own_name(self, server: Server, tmp_path: Path) -> None:
        ensure(server, Sent(of_ones_own_class(tmp_path)))
        assert server.calls == [f"load {NAME} from net.pth"]

    def test_clara_3_gets_a_zip_archive_as_model_zip(self, server: Server, tmp_path: Path) -> None:
        ensure(server, Sent(archive_for_clara_3(tmp_path), api="clara-3.1"))
        assert server.calls == [f"load {NAME} from model.zip"]

    def test_a_model_that_is_not_there_is_loaded_from_its_files_with_our_mark(self, server: Server, sent: Sent) -> None:
        entry = ensure(server, sent).entry
        assert server.calls == [f"load {NAME} from model.ts"]
        assert entry.meta == {"deepgrow": "3D", "managed_by": OWNER, "digest": str(sent.package.planned)}

    def test_a_model_that_is_not_there_is_loaded_from_ngc(self, server: Server) -> None:
        ensure(server, NGC)
        assert server.calls == [f"load {NAME} from nvidia/med/{NAME} 1"]

    def test_our_own_unchanged_model_is_left_at_that(self, server: Server, sent: Sent) -> None:
        server.holds(managed_by=OWNER, digest=str(sent.package.planned))
        assert ensure(server, sent).entry is server.entries[NAME]
        assert server.calls == []

    def test_our_own_model_from_other_files_is_replaced(self, server: Server, sent: Sent) -> None:
        server.holds(managed_by=OWNER, digest="of other files")
        ensure(server, sent)
        assert server.entries[NAME].meta["digest"] == str(sent.package.planned)

    def test_an_update_whose_end_nobody_saw_is_not_made_twice(self, server: Server, sent: Sent, files: Files) -> None:
        """The state knows the former files, and the server has the new ones."""
        ensure(server, sent)
        files.config.write_text(json.dumps({**CONFIG, "version": 2}))
        new = Sent(Files.of(files.config, files.weights))
        for _ in range(2):
            ensure(server, new, known=sent)
        assert len(server.calls) == 2

    def test_our_own_model_with_other_labels_than_it_was_sent_with_is_loaded_again(
        self, server: Server, sent: Sent
    ) -> None:
        ensure(server, sent)
        entry = server.entries[NAME]
        server.entries[NAME] = ModelEntry(NAME, entry.type, ("other",), "", entry.version, entry.meta)
        ensure(server, sent, known=sent, seen=True)
        assert len(server.calls) == 2

    def test_our_own_model_is_loaded_again_where_that_was_asked_for(self, server: Server, sent: Sent) -> None:
        server.holds(managed_by=OWNER, digest=str(sent.package.planned))
        ensure(server, sent, reload=True)
        assert len(server.calls) == 1

    def test_a_run_that_was_killed_after_the_upload_leaves_nothing_to_do(self, server: Server, sent: Sent) -> None:
        server.killed_after_load = True
        with pytest.raises(KeyboardInterrupt):
            ensure(server, sent)
        server.killed_after_load = False
        ensure(server, sent)
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
        self, server: Server, sent: Sent, meta: dict[str, str]
    ) -> None:
        server.holds(**meta)
        with pytest.raises(ForeignModel):
            ensure(server, sent)
        assert server.calls == []

    def test_another_stacks_model_is_left_alone_even_if_it_is_from_the_same_files(
        self, server: Server, sent: Sent
    ) -> None:
        server.holds(managed_by=OTHER, digest=str(sent.package.planned))
        with pytest.raises(ForeignModel, match=f"stack {OTHER} manages"):
            ensure(server, sent)

    @pytest.mark.parametrize("meta", [{}, {"managed_by": OTHER}])
    @pytest.mark.parametrize("claimed", [False, True])
    def test_adopting_replaces_somebody_elses_model_and_marks_it(
        self, server: Server, sent: Sent, meta: dict[str, str], claimed: bool
    ) -> None:
        server.holds(**meta)
        ensure(server, sent, adopt=True, known=sent if claimed else None)
        assert server.entries[NAME].meta["managed_by"] == OWNER

    def test_what_a_person_put_under_a_name_of_ours_is_replaced_once_a_refresh_has_shown_it(
        self, server: Server, sent: Sent
    ) -> None:
        server.holds()
        with pytest.raises(ForeignModel, match="bin/pulumi refresh"):
            ensure(server, sent, known=sent, reload=True)
        assert server.calls == []
        ensure(server, sent, known=sent, seen=True, reload=True)
        assert server.entries[NAME].meta["managed_by"] == OWNER

    def test_a_model_of_ours_from_ngc_is_replaced_by_files_of_that_name(self, server: Server, sent: Sent) -> None:
        server.holds("chosen_by_us")
        ensure(server, sent, "chosen_by_us", known=NGC, reload=True)
        assert server.entries["chosen_by_us"].meta["managed_by"] == OWNER

    def test_a_renamed_stacks_model_is_still_its_own(self, server: Server, sent: Sent) -> None:
        server.holds(managed_by="xnat-aiaa/old-name", digest=str(sent.package.planned))
        ensure(server, sent, known=sent, known_owner="xnat-aiaa/old-name", reload=True)
        assert server.entries[NAME].meta["managed_by"] == OWNER

    def test_two_stacks_do_not_replace_each_others_model_for_ever(self, server: Server, sent: Sent) -> None:
        server.holds(managed_by=OTHER)
        with pytest.raises(ForeignModel):
            ensure(server, sent, known=sent, seen=True, reload=True)
        assert server.calls == []

    def test_a_claimed_ngc_model_under_a_name_of_our_own_is_loaded_again(self, server: Server) -> None:
        server.holds("chosen_by_us")
        ensure(server, NGC, "chosen_by_us", known=NGC, reload=True)
        assert len(server.calls) == 1

    @pytest.mark.parametrize("changed", ["config", "weights"])
    def test_a_file_that_changed_after_the_preview_is_not_loaded(
        self, server: Server, files: Files, sent: Sent, changed: str
    ) -> None:
        {"config": files.config, "weights": files.weights or files.config}[changed].write_text('{"inference": {}}')
        with pytest.raises(SourceChanged, match="run the command again"):
            ensure(server, sent)
        assert server.calls == []

    def test_a_file_that_is_gone_after_the_preview_is_told(self, server: Server, files: Files, sent: Sent) -> None:
        assert files.weights
        files.weights.unlink()
        with pytest.raises(SourceChanged, match=r"weights cannot be read any more: No such file"):
            ensure(server, sent)

    def test_the_mark_is_added_to_the_upload_and_not_to_the_file(
        self, server: Server, files: Files, sent: Sent
    ) -> None:
        before = files.config.read_bytes()
        ensure(server, sent)
        assert files.config.read_bytes() == before

    @pytest.mark.parametrize("meta", [None, {}])
    def test_a_config_without_meta_data_is_marked_too(
        self, server: Server, files: Files, meta: dict[str, Any] | None
    ) -> None:
        files.config.write_text(json.dumps({**CONFIG, "inference": {**CONFIG["inference"], "meta_data": meta}}))
        ensure(server, Sent(Files.of(files.config, files.weights)))
        assert server.entries[NAME].meta["managed_by"] == OWNER

    def test_a_config_without_weights_is_sent_alone(self, server: Server, tmp_path: Path) -> None:
        section = {"name": "aiaa.apps.deepgrow.DeepgrowInferencePipeline", "args": {"models": ["a", "b"]}}
        document = {"version": 1, "type": "pipeline", "labels": [], "inference": {"TRITON": section}}
        (tmp_path / "p.json").write_text(json.dumps(document))
        pipeline = Sent(Files.of(tmp_path / "p.json", None))
        ensure(server, pipeline)
        assert server.calls == [f"load {NAME} from config alone"]
        assert server.entries[NAME].meta["digest"] == str(pipeline.package.planned)
        assert ensure(server, pipeline).digest == str(pipeline.package.planned)
        assert len(server.calls) == 1

    def test_clara_4_1_is_asked_for_ngcs_models_in_a_form(self, server: Server) -> None:
        ensure(server, Ngc(NGC.path, "1", "clara-4.1"))
        assert server.calls == [f"load {NAME} from nvidia/med/{NAME} 1 in a form"]

    @pytest.mark.parametrize("wrong", ["config", "weights", "both"])
    def test_what_the_server_could_not_use_is_not_uploaded_and_all_of_it_is_told(
        self, server: Server, files: Files, wrong: str
    ) -> None:
        assert files.weights
        if wrong != "config":
            files.weights.write_bytes(b"no archive")
        if wrong != "weights":
            files.config.write_text(json.dumps({**CONFIG, "type": "segmentations"}))
        with pytest.raises(Unfit) as failed:
            ensure(server, Sent(Files.of(files.config, files.weights)))
        assert ("config_aiaa.json: type: " in str(failed.value)) == (wrong != "weights")
        assert len(str(failed.value).split("; ")) >= (2 if wrong == "both" else 1)
        assert server.calls == []

    @pytest.mark.parametrize("changes", [{"labels": ["liver", "x"]}, {"type": "others"}, {"version": 7}])
    def test_a_server_that_lists_something_else_than_it_was_sent_is_told(
        self, server: Server, sent: Sent, changes: dict[str, Any]
    ) -> None:
        server.changes = changes
        with pytest.raises(NotAsSent) as failed:
            ensure(server, sent)
        assert next(iter(changes)) in str(failed.value)

    def test_a_new_version_that_is_rejected_is_told_with_what_the_server_lists_now(
        self, server: Server, files: Files, sent: Sent
    ) -> None:
        ensure(server, sent)
        server.rejects = True
        files.config.write_text(json.dumps({**CONFIG, "version": 2}))
        with pytest.raises(Rejected) as failed:
            ensure(server, Sent(Files.of(files.config, files.weights)))
        assert failed.value.line == (
            "PUT: answered 500: no such transform; the server lists version 1 of it now (segmentation, labels spleen): "
            "mend it"
        )
        server.entries.clear()
        with pytest.raises(Rejected, match=r"no such transform$"):
            ensure(server, Sent(Files.of(files.config, files.weights)))


class TestWithoutAMark:
    """`mark: false`: the config is sent as it is, and what the server lists must tell what it is."""

    @pytest.fixture
    def plain(self, files: Files) -> Sent:
        return Sent(files, marked=False)

    def test_the_config_is_sent_untouched(self, server: Server, plain: Sent) -> None:
        loaded = ensure(server, plain, reload=True)
        assert loaded.digest is None
        assert loaded.entry.meta == {"deepgrow": "3D"}

    def test_what_only_looks_like_ours_is_somebody_elses(self, server: Server, plain: Sent) -> None:
        """Type, labels and version are the same for many a model: the next run must neither replace nor unload it."""
        ensure(server, plain, reload=True)
        with pytest.raises(ForeignModel, match="that we did not load"):
            ensure(server, plain, reload=True)
        assert len(server.calls) == 1
        ensure(server, plain, known=plain, reload=True)
        assert len(server.calls) == 2

    def test_one_that_looks_otherwise_is_somebody_elses(self, server: Server, plain: Sent) -> None:
        server.entries[NAME] = ModelEntry(NAME, "segmentation", ("spleen",), "", "7", {})
        with pytest.raises(ForeignModel):
            ensure(server, plain, reload=True)

    @pytest.mark.parametrize("name", [NAME, "chosen_by_us"])
    def test_what_came_from_ngc_is_ours_under_ngcs_own_name(self, server: Server, name: str) -> None:
        server.holds(name)
        source = Sent(FromNgc(f"nvidia/med/{NAME}", "1", "clara-4.0"), marked=False)
        assert source.standing(server.entries[name], OWNER, claimed=False) == ("wanted" if name == NAME else "nobodys")

    def test_another_stacks_is_never_ours(self, server: Server, sent: Sent, plain: Sent) -> None:
        ensure(server, sent)
        server.entries[NAME] = ModelEntry(NAME, "segmentation", ("liver",), "", "1", {"managed_by": OTHER})
        with pytest.raises(ForeignModel, match=OTHER):
            ensure(server, plain, known=plain, reload=True)

    def test_it_is_unloaded_as_long_as_it_is_what_was_loaded(self, server: Server, plain: Sent) -> None:
        loaded = public(ensure(server, plain, reload=True).entry)
        assert "is not what we loaded" in str(
            remove(server.client, NAME, plain, OWNER, {**loaded, "version": "9"}, None, 60)
        )
        assert remove(server.client, NAME, plain, OWNER, loaded, None, 60) is None
        assert server.entries == {}


class TestRemove:
    def test_our_own_model_is_unloaded(self, server: Server, sent: Sent) -> None:
        server.holds(managed_by=OWNER)
        assert remove(server.client, NAME, sent, OWNER, {}, str(sent.package.planned), 60) is None
        assert server.entries == {}

    @pytest.mark.parametrize("name", [NAME, "chosen_by_us"])
    def test_an_unmarked_model_as_ngcs_is_is_unloaded(self, server: Server, name: str) -> None:
        server.holds(name)
        assert remove(server.client, name, NGC, OWNER, {}, None, 60) is None
        assert server.entries == {}

    def test_what_a_person_put_in_place_of_our_files_stays_and_why_is_told(self, server: Server, sent: Sent) -> None:
        server.holds()
        told = remove(server.client, NAME, sent, OWNER, {}, str(sent.package.planned), 60)
        assert told == f"left on the server: the server has a model {NAME} that we did not load"
        assert server.calls == []

    def test_an_unmarked_model_that_is_another_than_ngcs_stays_and_why_is_told(self, server: Server) -> None:
        server.holds()
        told = remove(server.client, NAME, NGC, OWNER, {"labels": ["liver"]}, None, 60)
        assert told == "left on the server: it is not what we loaded: labels is ['spleen'], was ['liver']"
        assert server.calls == []

    def test_a_model_that_is_gone_already_needs_nothing(self, server: Server) -> None:
        assert remove(server.client, NAME, NGC, OWNER, {}, None, 60) is None
        assert server.calls == []

    def test_another_stacks_model_stays_and_why_is_told(self, server: Server) -> None:
        server.holds(managed_by=OTHER)
        told = remove(server.client, NAME, NGC, OWNER, {}, None, 60)
        assert told == f"left on the server: the server has a model {NAME} that stack {OTHER} manages"
        assert server.calls == []

    def test_a_server_that_does_not_answer_is_not_taken_for_an_empty_one(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def silent(_name: str) -> None:
            raise Unreachable("no answer")

        monkeypatch.setattr(server, "find", silent)
        with pytest.raises(Unreachable):
            remove(server.client, NAME, NGC, OWNER, {}, None, 60)


class TestDrift:
    def loaded(self, source: Source) -> tuple[ModelEntry, dict[str, Any]]:
        server = Server()
        entry = ensure(server, source).entry
        return entry, public(entry)

    def test_a_model_as_it_was_loaded_has_not_drifted(self, sent: Sent) -> None:
        for source, digest in ((sent, str(sent.package.planned)), (NGC, None)):
            entry, loaded = self.loaded(source)
            assert drift(entry, loaded, digest, OWNER) == ""

    def test_other_files_under_our_name_are_drift(self, server: Server, sent: Sent) -> None:
        _, loaded = self.loaded(sent)
        for meta in ({}, {"digest": "other"}):
            server.holds(**meta)
            assert (
                drift(server.entries[NAME], loaded, str(sent.package.planned), OWNER)
                == "other files than ours were loaded"
            )

    def test_files_of_ours_that_the_state_does_not_know_are_told_as_such(self, server: Server, sent: Sent) -> None:
        _, loaded = self.loaded(sent)
        server.holds(managed_by=OWNER, digest="of a later run")
        assert drift(server.entries[NAME], loaded, str(sent.package.planned), OWNER) == (
            "files of ours are there that the state does not know, as after a run that was cut off"
        )

    def test_what_another_stack_has_put_there_is_told_with_what_it_takes(self, server: Server, sent: Sent) -> None:
        _, loaded = self.loaded(sent)
        server.holds(managed_by=OTHER, digest=str(sent.package.planned))
        assert drift(server.entries[NAME], loaded, str(sent.package.planned), OWNER) == (
            f"stack {OTHER} manages a model of this name now, which only adopt: true replaces"
        )

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
        assert drift(entry, {**loaded, key: before[key]}, None, OWNER) == told

    def test_all_drift_is_told_at_once(self, sent: Sent, server: Server) -> None:
        _, loaded = self.loaded(sent)
        server.holds()
        told = drift(server.entries[NAME], {**loaded, "version": "2", "labels": []}, str(sent.package.planned), OWNER)
        assert len(told.split("; ")) == 3

    def test_state_that_does_not_know_yet_what_was_loaded_shows_no_drift(self) -> None:
        entry, _ = self.loaded(NGC)
        assert drift(entry, {}, None, OWNER) == ""
