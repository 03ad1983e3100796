"""What is planned of a model's files in a preview, and what is sent of them."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamic_providers.aiaa.packages import CACHE, Archive, Digests, Files, Package, Pinned, SourceChanged
from tests.support.provider_host import PROJECT

DEMO = PROJECT / "models" / "liver_demo"
CONFIG: dict[str, Any] = json.loads((DEMO / "config_aiaa.json").read_text())
WEIGHTS = (DEMO / "model.ts").read_bytes()
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


@pytest.fixture
def files(tmp_path: Path) -> Files:
    (tmp_path / "c.json").write_text(json.dumps(CONFIG))
    (tmp_path / "w.ts").write_bytes(WEIGHTS)
    return Files.of(tmp_path / "c.json", tmp_path / "w.ts")


@pytest.fixture
def mmar(tmp_path: Path) -> Path:
    for part, name in (("config", "config_aiaa.json"), ("models", "model.ts")):
        (tmp_path / "mmar" / part).mkdir(parents=True)
        shutil.copy(DEMO / name, tmp_path / "mmar" / part / name)
    return tmp_path / "mmar"


def zipped(folder: Path, top: str = "") -> Path:
    path = folder.parent / f"archive{len(top)}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, f"{top}{file.relative_to(folder)}")
    return path


def opened(package: Package) -> tuple[dict[str, Any], bytes | None]:
    with package.open(60, print) as content:
        return dict(content.config), content.weights.read_bytes() if content.weights else None


def test_however_a_model_comes_the_same_files_are_the_same_model(files: Files, mmar: Path) -> None:
    """So to move a model's weights to a store, or into an MMAR, uploads nothing."""
    same = [
        files.planned,
        Pinned.of(files.config, "https://store.example.org/w.ts", SHA256).planned,
        Archive.of(mmar, "clara-4.0").planned,
        Archive.of(zipped(mmar), "clara-4.0").planned,
        Archive.of(zipped(mmar, "prostate/"), "clara-4.0").planned,
    ]
    assert {str(digests) for digests in same} == {str(files.planned)}
    assert [digests.size for digests in same] == [len(WEIGHTS), None, *[len(WEIGHTS)] * 3]


@pytest.mark.parametrize("top", [None, "", "prostate/"], ids=["folder", "zip", "zip with a folder on top"])
def test_an_mmar_is_sent_as_its_config_and_weights(mmar: Path, top: str | None) -> None:
    package = Archive.of(mmar if top is None else zipped(mmar, top), "clara-4.0")
    assert opened(package) == (CONFIG, WEIGHTS)


def test_nothing_stays_of_what_was_unpacked(mmar: Path) -> None:
    opened(Archive.of(zipped(mmar), "clara-4.0"))
    assert not [path for path in (CACHE / "downloads").rglob("*") if path.suffix != ".lock"]


def test_an_mmar_that_changed_after_the_preview_is_not_sent(mmar: Path) -> None:
    package = Archive.of(mmar, "clara-4.0")
    (mmar / "models/model.ts").write_bytes(b"other")
    with pytest.raises(SourceChanged, match="mmar changed while this ran: run the command again"):
        opened(package)


def test_files_are_sent_as_they_are(files: Files) -> None:
    assert opened(files) == (CONFIG, WEIGHTS)


def test_a_preview_of_pinned_weights_needs_no_file(files: Files) -> None:
    assert Pinned.of(files.config, "https://nowhere.invalid/w.ts", SHA256).planned == files.planned


def test_weights_of_the_same_size_and_another_content_are_another_model(files: Files) -> None:
    assert files.weights
    files.weights.write_bytes(bytes(reversed(WEIGHTS)))
    assert Files.of(files.config, files.weights).planned.weights != files.planned.weights


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


def planned(folder: Path, document: Any, **layout: Any) -> Digests:
    (folder / "c.json").write_text(json.dumps(document, **layout), encoding="utf-8")
    return Files.of(folder / "c.json", None).planned


@pytest.mark.soak
@given(
    st.dictionaries(st.text(), json_values, max_size=4),
    st.randoms(use_true_random=False),
    st.sampled_from([None, 2]),
    st.booleans(),
)
def test_the_layout_of_a_config_is_no_part_of_its_digest(
    tmp_path_factory: pytest.TempPathFactory, document: Any, order: random.Random, indent: Any, ascii_: bool
) -> None:
    folder = tmp_path_factory.getbasetemp()
    other = planned(folder, shuffled(document, order), indent=indent, ensure_ascii=ascii_)
    assert planned(folder, document) == other


@pytest.mark.soak
@given(st.dictionaries(st.text(), json_values, max_size=4), st.dictionaries(st.text(), json_values, max_size=4))
def test_configs_with_the_same_digest_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, one: Any, other: Any
) -> None:
    folder = tmp_path_factory.getbasetemp()
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (planned(folder, one) == planned(folder, other)) == same


@pytest.mark.parametrize(
    "config",
    [
        {**CONFIG, "version": "2"},
        {**CONFIG, "labels": ["spleen", "liver"]},
        {**CONFIG, "labels": ["liver", "spleen"]},
        {**CONFIG, "version": "1"},
        {**CONFIG, "more": None},
    ],
)
def test_any_other_content_has_another_digest(tmp_path: Path, config: dict[str, Any]) -> None:
    assert planned(tmp_path, config) != planned(tmp_path, CONFIG)


def test_a_files_digest_is_taken_once_for_a_content(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.weights
    os.utime(files.weights, (1, 1))  # a file written just now might be written again within the clock's step
    first = Files.of(files.config, files.weights)
    monkeypatch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("hashed again"))
    assert Files.of(files.config, files.weights) == first
