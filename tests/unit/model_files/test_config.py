"""Reading `config_aiaa.json`, its digest, and the mark that goes with an upload."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_files.config import Unreadable, digest, marked, parse, parts, read
from tests.unit.model_files.documents import documents
from tests.unit.model_files.published import deepgrow, pipeline, spleen

DEMO = Path("models/liver_demo/config_aiaa.json")


class TestRead:
    def test_a_configuration_is_read(self) -> None:
        assert read(DEMO) == json.loads(DEMO.read_text())

    def test_a_mark_of_the_byte_order_is_no_part_of_it(self) -> None:
        assert parse(b"\xef\xbb\xbf{}", "c") == {}

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            pytest.param(b"", "line 1, column 1: is not JSON", id="empty"),
            pytest.param(b'{"a": 1,\n "b": }', "line 2, column 7: is not JSON", id="half"),
            pytest.param(b"{'a': 1}", "line 1, column 2: is not JSON", id="python"),
            pytest.param(b'{"a":\n"\xff"}', "line 2: is not UTF-8", id="latin-1"),
            pytest.param(b"[1]", "holds no JSON object", id="list"),
            pytest.param(b"null", "holds no JSON object", id="null"),
            pytest.param(b'{"a": NaN}', "NaN is no number in JSON", id="nan"),
            pytest.param(b'{"a": -Infinity}', "-Infinity is no number in JSON", id="infinity"),
            pytest.param(b'{"a": 1e999}', "1e999 is too large", id="infinite"),
            pytest.param(b'{"a": ' + b"1" * 5000 + b"}", "has 5000 digits", id="digits"),
            pytest.param(b'{"a": ' * 100 + b"1" + b"}" * 100, "levels deep", id="deep"),
            pytest.param(b'{"a": ' + b"[" * 200_000, "levels deep", id="very-deep"),
            pytest.param(b'{"\\ud800": 1}', "holds half of a character", id="half-a-character"),
        ],
    )
    def test_what_is_no_configuration_is_told_in_one_line(self, tmp_path: Path, content: bytes, told: str) -> None:
        file = tmp_path / "config_aiaa.json"
        file.write_bytes(content)
        with pytest.raises(Unreadable) as caught:
            read(file)
        assert str(caught.value).startswith(f"{file}: ")
        assert told in str(caught.value)
        assert str(caught.value).isprintable()

    def test_a_file_that_is_not_there_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(Unreadable, match="cannot be read: No such file or directory"):
            read(tmp_path / "none.json")

    def test_weights_given_as_the_configuration_are_not_read(self, tmp_path: Path) -> None:
        file = tmp_path / "model.ts"
        file.write_bytes(b"PK" + bytes(5 << 20))
        with pytest.raises(Unreadable, match=r"5\.24 MB, which no configuration has"):
            read(file)

    @pytest.mark.soak
    @given(
        content=st.binary(max_size=200)
        | st.text(max_size=200).map(str.encode)
        | documents().map(json.dumps).map(str.encode)
    )
    def test_any_content_is_an_object_or_one_line(self, content: bytes) -> None:
        try:
            told = str(type(parse(content, "config_aiaa.json")))
        except Unreadable as error:
            told = str(error)
        assert told.isprintable()
        assert len(told) < 300


class TestDigest:
    def test_it_is_what_states_remember(self) -> None:
        """Of the canonical JSON: SHA-256, of which the first half is kept."""
        assert digest({"b": [1, 2], "a": "ä"}) == hashlib.sha256(b'{"a":"\\u00e4","b":[1,2]}').hexdigest()[:32]

    @given(document=st.dictionaries(st.text(max_size=5), documents(), max_size=5), indent=st.integers(0, 8))
    def test_the_layout_does_not_change_it(self, document: dict[str, Any], indent: int) -> None:
        turned = dict(reversed(document.items()))
        assert digest(json.loads(json.dumps(turned, indent=indent, ensure_ascii=False))) == digest(document)

    def test_a_changed_value_does(self) -> None:
        assert digest({"version": 1}) != digest({"version": "1"})


MARK = {"managed_by": "project/stack", "digest": "ab"}


class TestMarked:
    def test_the_mark_joins_the_meta_data_of_clara_4(self) -> None:
        config = deepgrow(3)
        before = copy.deepcopy(config)
        made = marked(config, MARK, "clara-4.0")
        assert made["inference"]["meta_data"] == {"deepgrow": "3D", **MARK}
        assert config == before
        made["inference"]["TRITON"]["name"] = "changed"
        assert config == before

    def test_the_mark_joins_the_additional_info_of_clara_3(self) -> None:
        made = marked({"inference": {"additional_info": {"a": 1}}}, MARK, "clara-3.1")
        assert made == {"inference": {"additional_info": {"a": 1, **MARK}}}

    @pytest.mark.parametrize("inference", [{}, {"meta_data": None}, None])
    def test_a_config_without_meta_data_gets_some(self, inference: Any) -> None:
        made = marked({"inference": inference}, MARK, "clara-4.1")
        assert made["inference"]["meta_data"] == MARK


class TestParts:
    def test_a_pipeline_names_the_models_that_it_runs(self) -> None:
        assert parts(pipeline()) == ("grow_2d", "grow_3d")

    def test_both_engines_count_each_name_once_in_order(self) -> None:
        sections = {"AIAA": {"args": {"models": ["c", "a"]}}, "TRITON": {"args": {"models": {"x": "b", "y": "a"}}}}
        assert parts({"type": "pipeline", "inference": sections}) == ("b", "a", "c")

    @pytest.mark.parametrize("name", ["aiaa.apps.deepgrow.DeepgrowInferencePipeline", "DeepgrowInferencePipeline"])
    @pytest.mark.parametrize("kind", ["deepgrow", "segmentation", "others", None])
    def test_aiaas_own_pipeline_class_names_models_whatever_the_type(self, name: str, kind: str | None) -> None:
        section = {"name": name, "args": {"models": ["a"]}}
        assert parts({"type": kind, "inference": {"TRITON": section}}) == ("a",)

    @pytest.mark.parametrize("name", ["ovseg.Ensemble", "own.MyPipeline", "aiaa.inference.TritonInference", None])
    @pytest.mark.parametrize("engine", ["TRITON", "AIAA"])
    def test_another_class_and_type_may_use_models_for_anything(self, name: str, engine: str) -> None:
        section = {"name": name, "args": {"models": ["a", "b"]}}
        assert parts({"type": "segmentation", "inference": {engine: section}}) == ()

    @pytest.mark.parametrize("models", [["a", "b"], {"first": "a", "second": "b"}])
    @pytest.mark.parametrize("name", ["own.Pipeline", "TRTISInference", None])
    def test_a_pipeline_of_clara_3_names_them_in_inference_itself(self, name: str | None, models: Any) -> None:
        inference = {"image": "image", "name": name, "args": {"models": models}}
        assert parts({"type": "pipeline", "inference": inference}) == ("a", "b")
        assert parts({"type": "segmentation", "inference": inference}) == ()

    def test_with_a_section_for_an_engine_what_stands_beside_it_names_none(self) -> None:
        inference = {"args": {"models": ["old"]}, "TRITON": {"name": "own.Pipeline", "args": {"models": ["new"]}}}
        assert parts({"type": "pipeline", "inference": inference}) == ("new",)

    def test_other_models_have_none(self) -> None:
        assert parts(spleen()) == ()

    @given(document=documents())
    def test_any_document_has_some_or_none(self, document: Any) -> None:
        assert all(isinstance(name, str) for name in parts(document))
