"""A model's source, to inputs of its resource and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clients.ngc import NgcCatalog
from dynamic_providers.aiaa import model_inputs
from dynamic_providers.aiaa.model_source import Sent
from dynamic_providers.aiaa.packages import Files

CONFIG: dict[str, Any] = {"type": "segmentation", "labels": ["Ös"], "a": {"ratio": 1.0, "size": 2**60, "off": False}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config_aiaa.json"
    path.write_text(json.dumps(CONFIG))
    return path


def no_catalog() -> NgcCatalog:
    raise AssertionError("files need no catalogue")


def document_after(props: dict[str, Any]) -> Any:
    source = model_inputs.source_of(props, no_catalog)
    assert isinstance(source, Sent)
    return source.package.document


def test_the_config_is_one_text_which_pulumi_shows_field_by_field(file: Path) -> None:
    text = model_inputs.of(Sent(Files.of(file, None)))["config"]
    assert isinstance(text, str)
    assert json.loads(text) == CONFIG


def test_another_layout_of_the_config_gives_the_same_inputs(file: Path) -> None:
    inputs = model_inputs.of(Sent(Files.of(file, None)))
    file.write_text(json.dumps(dict(reversed(CONFIG.items())), indent=4))
    assert model_inputs.of(Sent(Files.of(file, None))) == inputs


def test_the_config_comes_back_from_inputs_as_it_was(file: Path) -> None:
    document = document_after(model_inputs.of(Sent(Files.of(file, None))))
    assert json.dumps(document, sort_keys=True) == json.dumps(CONFIG, sort_keys=True)  # 1.0 is no 1 here


def test_a_state_that_had_the_configs_path_in_place_of_it_says_nothing_of_its_content(file: Path) -> None:
    source = model_inputs.source_of({"config": str(file), "config_digest": "d"}, no_catalog)
    assert isinstance(source, Sent)
    assert isinstance(source.package, Files)
    assert (source.package.config, source.package.document) == (file, None)
