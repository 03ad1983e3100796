"""Digests of large files: right always, and computed again only when the file may have changed."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from pathlib import Path

import pytest

from model_files import digests
from model_files.digests import Digest, DigestCache

OLD = 1_600_000_000  # seconds


class Counted:
    """How often content was read, by the seam that reads it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times = 0
        real = digests._digest

        def counted(path: Path) -> Digest:
            self.times += 1
            return real(path)

        monkeypatch.setattr(digests, "_digest", counted)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    file = tmp_path / "model.ts"
    write(file, b"weights")
    return file


@pytest.fixture
def cache(tmp_path: Path) -> DigestCache:
    return DigestCache(tmp_path / "cache" / "digests")


def write(file: Path, content: bytes, at: float = OLD) -> None:
    file.write_bytes(content)
    os.utime(file, (at, at))


def digest(content: bytes) -> Digest:
    return Digest(hashlib.sha256(content).hexdigest(), len(content))


def test_the_digest_is_sha256_in_full_with_the_size(cache: DigestCache, weights: Path) -> None:
    assert cache.of(weights) == digest(b"weights")


def test_a_file_that_nobody_touched_is_read_once(cache: DigestCache, weights: Path, counted: Counted) -> None:
    assert {cache.of(weights) for _ in range(3)} == {digest(b"weights")}
    assert counted.times == 1


def test_another_cache_of_the_same_folder_knows_it(tmp_path: Path, weights: Path, counted: Counted) -> None:
    for _ in range(2):
        assert DigestCache(tmp_path / "c").of(weights) == digest(b"weights")
    assert counted.times == 1


def test_a_path_counts_wherever_one_stands(
    cache: DigestCache, weights: Path, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.of(weights)
    monkeypatch.chdir(weights.parent)
    assert cache.of(Path("model.ts")) == digest(b"weights")
    assert counted.times == 1


def test_another_size_or_time_means_another_look(cache: DigestCache, weights: Path) -> None:
    cache.of(weights)
    write(weights, b"weights and more")
    assert cache.of(weights) == digest(b"weights and more")
    write(weights, b"WEIGHTS and more", OLD + 1)
    assert cache.of(weights) == digest(b"WEIGHTS and more")


def test_another_file_of_the_same_size_and_time_means_another_look(cache: DigestCache, weights: Path) -> None:
    cache.of(weights)
    other = weights.with_name("other")
    write(other, b"WEIGHTS")
    other.replace(weights)
    assert cache.of(weights) == digest(b"WEIGHTS")


def test_a_file_written_in_place_that_was_given_its_old_time_means_another_look(
    cache: DigestCache, weights: Path
) -> None:
    cache.of(weights)
    write(weights, b"WEIGHTS")
    assert cache.of(weights) == digest(b"WEIGHTS")


@pytest.mark.parametrize("age", [0.0, 1.0, -3600.0])
def test_a_file_that_was_just_written_is_not_remembered(
    cache: DigestCache, weights: Path, counted: Counted, monkeypatch: pytest.MonkeyPatch, age: float
) -> None:
    monkeypatch.setattr("model_files.digests.time.time_ns", lambda: int((OLD + age) * 1e9))
    cache.of(weights)
    cache.of(weights)
    assert counted.times == 2


def test_a_file_that_changes_while_it_is_read_is_not_remembered(
    cache: DigestCache, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = digests._digest

    def meanwhile(path: Path) -> Digest:
        found = real(path)
        write(path, b"WEIGHTS", OLD + 5)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(digests, "_digest", meanwhile)
        cache.of(weights)
    assert cache.of(weights) == digest(b"WEIGHTS")


def test_whatever_stands_in_the_cache_the_digest_is_right(cache: DigestCache, weights: Path, tmp_path: Path) -> None:
    cache.of(weights)
    (kept,) = (tmp_path / "cache" / "digests").iterdir()
    sound = kept.read_bytes()
    half = len(sound) // 2
    odd = [
        b"",
        b"{}",
        b"null",
        b"\xff",
        sound[:-5],
        b"[" * 60_000,
        sound + b" ",
        sound[:half] + b"0" + sound[half + 1 :],
    ]
    odd.append(sound.replace(digest(b"weights").sha256.encode(), b"0" * 64))
    for content in odd:
        kept.write_bytes(content)
        assert cache.of(weights) == digest(b"weights")


def test_a_folder_that_cannot_be_written_costs_time_only(weights: Path, tmp_path: Path, counted: Counted) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = DigestCache(tmp_path / "file" / "cache")
    assert cache.of(weights) == cache.of(weights) == digest(b"weights")
    assert counted.times == 2


def test_a_file_that_cannot_be_read_is_an_error(cache: DigestCache, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        cache.of(tmp_path / "none")


def test_an_entry_of_an_archive_has_its_own_digest(cache: DigestCache, weights: Path) -> None:
    read: list[str] = []

    def part(name: str) -> Digest:
        def compute() -> Digest:
            read.append(name)
            return digest(name.encode())

        return cache.of_part(weights, name, compute)

    for name in ("a", "b", "a"):
        assert part(name) == digest(name.encode())
    assert read == ["a", "b"]
    assert cache.of(weights) == digest(b"weights")
    write(weights, b"another archive")
    part("a")
    assert read == ["a", "b", "a"]


def _ask(folder: Path, weights: Path) -> None:
    for _ in range(50):
        assert DigestCache(folder).of(weights) == digest(b"weights")


def test_several_processes_may_ask_at_once(tmp_path: Path, weights: Path) -> None:
    folder = tmp_path / "cache"
    processes = [multiprocessing.get_context("spawn").Process(target=_ask, args=(folder, weights)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len(list(folder.iterdir())) == 1
