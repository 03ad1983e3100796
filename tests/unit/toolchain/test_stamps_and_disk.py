"""What is noted as done, and what is looked at before beginning."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolchain import disk, layout, stamps
from toolchain.errors import SetUpError

Usage = namedtuple("Usage", "total used free")


def test_a_stamp_holds_for_what_it_was_put_for_until_it_is_removed(cache: Path) -> None:
    del cache
    assert not stamps.holds("step", "inputs")
    stamps.put("step", "inputs")
    assert stamps.holds("step", "inputs")
    assert not stamps.holds("step", "other inputs")
    assert not stamps.holds("other step", "inputs")
    stamps.remove("step")
    stamps.remove("step")
    assert not stamps.holds("step", "inputs")


def test_a_note_that_could_not_be_written_whole_leaves_the_one_before(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del cache
    stamps.put("step", "inputs")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stamps.put("step", "new inputs")
    assert stamps.holds("step", "inputs")
    assert [path.name for path in layout.STAMPS.iterdir() if not path.name.endswith(".partial")] == ["step"]


TEXTS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), max_size=4)


@given(TEXTS, TEXTS)
def test_other_texts_have_another_digest(texts: list[str], others: list[str]) -> None:
    assert (stamps.digest(texts) == stamps.digest(others)) == (texts == others)


def test_a_files_name_and_content_count_and_its_folder_does_not(tmp_path: Path) -> None:
    def digest(folder: str, name: str, content: str) -> str:
        file = tmp_path / folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(content)
        return stamps.digest([], [file])

    assert digest("a", "name", "content") == digest("b", "name", "content")
    assert digest("a", "name", "content") != digest("a", "name", "other content")
    assert digest("a", "name", "content") != digest("a", "other name", "content")


def test_what_is_enough_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, 2 * 10**9))
    disk.need(2, "A thing", tmp_path)
    with pytest.raises(SetUpError, match=rf"^A thing needs 2\.1 GB on the disk of {tmp_path}, but 2\.0 GB are free$"):
        disk.need(2.1, "A thing", tmp_path)


def test_a_folder_that_is_not_there_yet_counts_as_its_nearest_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: asked.append(path) or Usage(1, 1, 10**12))  # type: ignore[func-returns-value]
    disk.need(1, "A thing", tmp_path / "not" / "there")
    assert asked == [tmp_path]
