"""What is wrong with a configuration: nothing with what is published, and everything else at once, by its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_files.config import Api, Engine, Problem, problems, read
from sandbox.aiaa import ngc
from sandbox.ngc.catalog import CATALOG
from tests.unit.model_files.documents import damaged, documents
from tests.unit.model_files.published import clara_3, deepgrow, pipeline, spleen

APIS: list[Api] = ["clara-3.1", "clara-4.0", "clara-4.1"]
ENGINES: list[Engine] = ["triton", "native"]
TRITON = "inference.TRITON.triton_model_config"


def wrong(config: Any, **how: Any) -> dict[str, str]:
    known: Any = {"api": "clara-4.0", "engine": "triton", "has_weights": True} | how
    return {problem.path: problem.told for problem in problems(config, "config_aiaa.json", **known)}


def changed(*path: str | int, to: Any) -> dict[str, Any]:
    """NVIDIA's spleen configuration with one value changed, or gone where that is `...`."""
    config: Any = spleen()
    here = config
    for part in path[:-1]:
        here = here[part]
    if to is ...:
        del here[path[-1]]
    else:
        here[path[-1]] = to
    assert isinstance(config, dict)
    return config


class TestPublished:
    @pytest.mark.parametrize("api", ["clara-4.0", "clara-4.1"])
    @pytest.mark.parametrize("engine", ENGINES)
    @pytest.mark.parametrize("config", [spleen(), deepgrow(2), deepgrow(3)], ids=["spleen", "2d", "3d"])
    def test_a_published_model_has_no_problems(self, config: dict[str, Any], api: Api, engine: Engine) -> None:
        assert wrong(config, api=api, engine=engine) == {}

    @pytest.mark.parametrize("api", ["clara-4.0", "clara-4.1"])
    @pytest.mark.parametrize("engine", ENGINES)
    def test_a_published_pipeline_has_no_problems(self, api: Api, engine: Engine) -> None:
        assert wrong(pipeline(), api=api, engine=engine, has_weights=False) == {}

    @pytest.mark.parametrize("version", ["2", "3"])
    def test_a_model_of_clara_3_has_no_problems(self, version: str) -> None:
        assert wrong(clara_3(version), api="clara-3.1") == {}

    def test_the_demonstration_model_has_no_problems(self) -> None:
        assert wrong(read(Path("models/liver_demo/config_aiaa.json"))) == {}

    @pytest.mark.parametrize("name", CATALOG)
    def test_the_catalogues_models_have_no_problems(self, name: str, tmp_path: Path) -> None:
        folder = ngc.download(f"nvidia/med/{name}", "1", tmp_path)
        api: Api = "clara-3.1" if CATALOG[name].clara == 3 else "clara-4.0"
        assert wrong(read(folder / "config" / "config_aiaa.json"), api=api) == {}


class TestNearMisses:
    """AIAA passes over a key that it does not know: one that looks like another is told."""

    def test_a_misspelt_key_that_may_be_left_out_is_told(self) -> None:
        config = spleen()
        config["post_transform"] = config.pop("post_transforms")
        config["inference"]["metadata"] = {"deepgrow": "3D"}
        config["inference"]["TRITON"]["arg"] = config["inference"]["TRITON"].pop("args")
        assert wrong(config) == {
            "post_transform": "is not known: is post_transforms meant?",
            "inference.metadata": "is not known: is meta_data meant?",
            "inference.TRITON.arg": "is not known: is args meant?",
        }

    def test_other_keys_are_left_alone(self) -> None:
        config = spleen()
        config |= {"cache_until": "ALL", "label": "of the owner's own", "description_de": "Milz"}
        assert wrong(config) == {}


class TestLeftOpen:
    """What is documented as optional, or as open, is not refused."""

    @pytest.mark.parametrize(
        "config",
        [
            changed("description", to=...),
            changed("post_transforms", to=...),
            changed("inference", "input", to=["image", "guide"]),
            changed("inference", "TRITON", "args", to=...),
            changed("inference", "AIAA", to=...),
            changed("inference", "TRITON", "triton_model_config", "max_batch_size", to=...),
            changed("inference", "TRITON", "triton_model_config", "input", 0, "dims", to=[-1, -1, -1, -1]),
            changed("inference", "TRITON", "triton_model_config", "dynamic_batching", to={}),
            changed("version", to="12"),
            changed("pre_transforms", 0, "name", to="LoadImaged"),
            changed("cache_until", to="ALL"),
            changed("own", to={"key": 1}),
        ],
    )
    def test_it_is_no_problem(self, config: dict[str, Any]) -> None:
        assert wrong(config) == {}

    @pytest.mark.parametrize("kind", ["classification", "others"])
    def test_a_model_that_answers_no_mask_needs_no_writer(self, kind: str) -> None:
        config = changed("writer", to=...)
        assert wrong({**config, "type": kind}) == {}

    def test_custom_inference_needs_neither_weights_nor_triton(self) -> None:
        own = changed("inference", "TRITON", to={"name": "own.Inference"})
        assert wrong(own, has_weights=False) == {}
        assert wrong(own, has_weights=True) == {}

    def test_a_pipeline_needs_no_pre_transforms(self) -> None:
        config = pipeline()
        del config["pre_transforms"]
        assert wrong(config, has_weights=False) == {}

    @pytest.mark.parametrize(
        "triton", [{}, {"backend": "python", "max_batch_size": 0}, {"platform": "onnxruntime_onnx"}]
    )
    def test_custom_inference_may_leave_tensors_to_triton(self, triton: dict[str, Any]) -> None:
        own = changed("inference", "TRITON", to={"name": "own.Inference", "triton_model_config": triton})
        assert wrong(own) == {}

    @pytest.mark.parametrize("models", [..., 3, "a", [], [{"name": "a"}], {"2d": {"name": "a"}}])
    def test_a_pipeline_of_ones_own_may_take_models_in_its_own_form_or_none(self, models: Any) -> None:
        args = {"weight": 1} if models is ... else {"models": models}
        section = {"TRITON": {"name": "own.Pipeline", "args": args}}
        assert wrong({**pipeline(), "inference": section}, has_weights=False) == {}


class TestWrong:
    @pytest.mark.parametrize(
        ("config", "path", "told"),
        [
            (changed("version", to=True), "version", "is true: write the model's version"),
            (changed("version", to=1.5), "version", "is 1.5: write the model's version"),
            (changed("version", to=" "), "version", 'is " ": write the model\'s version'),
            (changed("version", to=-1), "version", "is -1: write the model's version"),
            (changed("type", to="segmentaton"), "type", 'is "segmentaton": write one of segmentation, annotation'),
            (changed("type", to=...), "type", "is missing: write one of"),
            (changed("labels", to="spleen"), "labels", 'is "spleen": write a list of names'),
            (changed("labels", 0, to=1), "labels[0]", "is 1: write a list of names"),
            (changed("pre_transforms", to=...), "pre_transforms", "is missing: write a list of transforms"),
            (changed("pre_transforms", 1, "name", to=...), "pre_transforms[1].name", "is missing: write the name of a"),
            (changed("pre_transforms", 1, "args", to=[]), "pre_transforms[1].args", "is []: write an object"),
            (changed("pre_transforms", 1, to="x"), "pre_transforms[1]", 'is "x": write a list of transforms'),
            (changed("writer", to=...), "writer", "is missing: a segmentation model needs one"),
            (changed("writer", to=[]), "writer", "is []: write one writer"),
            (changed("inference", to=...), "inference", "is missing: write an object with a section"),
            (changed("inference", "meta_data", to="x"), "inference.meta_data", 'is "x": write an object'),
            (changed("inference", "TRITON", to=...), "inference.TRITON", "is missing, and the engine triton needs it"),
            (changed("inference", "TRITON", to=7), "inference.TRITON", "is 7: write an object"),
            (changed("inference", "TRITON", "name", to=" "), "inference.TRITON.name", 'is " ": write the class'),
            (changed("inference", "TRITON", "triton_model_config", to=...), TRITON, "is missing: write"),
            (
                changed("inference", "TRITON", "triton_model_config", "platform", to="pytorch"),
                f"{TRITON}.platform",
                'is "pytorch": for TorchScript write "pytorch_libtorch"',
            ),
            (changed("inference", "TRITON", "triton_model_config", "input", to=[]), f"{TRITON}.input", "is []: write"),
            (
                changed("inference", "TRITON", "triton_model_config", "input", 0, "dims", to="1,64"),
                f"{TRITON}.input[0].dims",
                'is "1,64": write its shape',
            ),
            (
                changed("inference", "TRITON", "triton_model_config", "output", 0, "dims", 2, to=0),
                f"{TRITON}.output[0].dims[2]",
                "is 0: write its shape",
            ),
            (
                changed("inference", "TRITON", "triton_model_config", "input", 0, "data_type", to="FP32"),
                f"{TRITON}.input[0].data_type",
                'is "FP32": write one of Triton\'s, such as "TYPE_FP32"',
            ),
        ],
    )
    def test_a_mistake_is_told_by_its_place_with_what_to_write(
        self, config: dict[str, Any], path: str, told: str
    ) -> None:
        found = wrong(config)
        assert list(found) == [path]
        assert found[path].startswith(told)

    def test_all_mistakes_are_told_at_once(self) -> None:
        config = changed("inference", "TRITON", "triton_model_config", "input", 0, "dims", to=[0, "a"])
        del config["labels"], config["writer"]
        config["version"] = None
        paths = {"version", "labels", "writer", f"{TRITON}.input[0].dims[0]", f"{TRITON}.input[0].dims[1]"}
        assert set(wrong(config)) == paths

    def test_a_misspelt_key_is_named(self) -> None:
        config = changed("labels", to=...)
        assert '(is "lables" meant?)' in wrong({**config, "lables": []})["labels"]

    def test_the_native_engine_needs_its_own_section(self) -> None:
        config = changed("inference", "AIAA", to=...)
        assert list(wrong(config, engine="native")) == ["inference.AIAA"]

    def test_a_model_without_its_weights_is_told(self) -> None:
        assert "needs weights: give them" in wrong(spleen(), has_weights=False)["inference.TRITON.name"]

    def test_a_pipeline_with_weights_is_told(self) -> None:
        assert "a pipeline has no weights of its own" in wrong(pipeline(), has_weights=True)["type"]

    @pytest.mark.parametrize("models", [..., [], "a", [1], {}, None, ["a", ""]])
    def test_a_published_pipeline_without_names_of_models_is_told(self, models: Any) -> None:
        config = pipeline()
        config["inference"]["TRITON"]["args"] = {} if models is ... else {"models": models}
        assert list(wrong(config, has_weights=False)) == ["inference.TRITON.args.models"]

    def test_a_config_of_clara_3_for_clara_4_is_recognised(self) -> None:
        assert "is of Clara 3" in wrong(clara_3("3"))["inference.TRITON"]

    def test_a_config_of_clara_4_for_clara_3_is_recognised(self) -> None:
        assert "belongs to Clara 4" in wrong(spleen(), api="clara-3.1")["inference.TRITON"]

    @pytest.mark.parametrize(
        ("key", "value"), [("node_mapping", []), ("trtis", "x"), ("additional_info", 1), ("image", {}), ("name", "")]
    )
    def test_a_mistake_of_clara_3_is_told(self, key: str, value: Any) -> None:
        config = clara_3("3")
        config["inference"][key] = value
        assert list(wrong(config, api="clara-3.1")) == [f"inference.{key}"]

    @pytest.mark.parametrize("version", [1, "4", 3.0, None])
    def test_clara_3_has_two_versions_of_its_format(self, version: Any) -> None:
        assert list(wrong({**clara_3("3"), "version": version}, api="clara-3.1")) == ["version"]


def test_a_problem_is_one_line_with_file_and_place() -> None:
    assert str(Problem("c.json", "labels[0]", "is 1")) == "c.json: labels[0]: is 1"
    assert str(Problem("c.json", "", "holds no object")) == "c.json: holds no object"


@pytest.mark.soak
@given(
    config=documents() | damaged(),
    api=st.sampled_from(APIS),
    engine=st.sampled_from(ENGINES),
    has_weights=st.booleans(),
)
def test_any_document_has_problems_of_one_line_or_none(
    config: Any, api: Api, engine: Engine, has_weights: bool
) -> None:
    found = problems(config, "config_aiaa.json", api=api, engine=engine, has_weights=has_weights)
    for problem in found:
        assert problem.path.isprintable()
        assert problem.told
        assert str(problem).isprintable()
        assert str(problem).encode()
        assert len(str(problem)) < 500
    assert len({problem.path for problem in found}) == len(found)


@given(config=damaged())
def test_a_document_is_not_changed(config: Any) -> None:
    before = json.dumps(config)
    problems(config, "c", api="clara-4.0", engine="triton", has_weights=True)
    assert json.dumps(config) == before
