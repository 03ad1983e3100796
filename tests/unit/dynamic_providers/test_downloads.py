"""Files on their way to a server: fetched once for all who need them, gone when they have arrived."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from clients.errors import ClientError, Unreachable
from dynamic_providers.aiaa import downloads


def on_the_way(
    root: Path, name: str, fetch: Callable[[Path], Path], deadline: float = 10
) -> AbstractContextManager[Path]:
    return downloads.on_the_way(root, name, fetch, deadline=deadline, tell=lambda _line: None)


def files(root: Path) -> list[str]:
    return [path.name for path in root.rglob("*") if path.is_file()]


def put(folder: Path) -> Path:
    target = folder / "weights"
    target.write_bytes(b"of a model")
    return target


def test_what_was_used_goes(tmp_path: Path) -> None:
    with on_the_way(tmp_path, "a", put) as fetched:
        assert fetched.read_bytes() == b"of a model"
    assert files(tmp_path) == []


def test_all_who_need_it_at_a_time_have_it_fetched_once_and_the_last_one_takes_it_away(tmp_path: Path) -> None:
    together, fetches = threading.Barrier(4), []

    def fetch(folder: Path) -> Path:
        fetches.append(folder)
        return put(folder)

    def use(_: int) -> bytes:
        with on_the_way(tmp_path, "a", fetch) as fetched:
            together.wait(10)  # all of them have it
            return fetched.read_bytes()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(use, range(4))) == [b"of a model"] * 4
    assert len(fetches) == 1
    assert files(tmp_path) == []


def test_another_name_is_another_thing(tmp_path: Path) -> None:
    with on_the_way(tmp_path, "a", put) as one, on_the_way(tmp_path, "b", put) as other:
        assert one != other


def test_what_is_here_of_a_transfer_that_failed_is_there_for_the_next_run(tmp_path: Path) -> None:
    def half(folder: Path) -> Path:
        put(folder)
        raise Unreachable("GET: cut off")

    with pytest.raises(Unreachable), on_the_way(tmp_path, "a", half):
        pass
    assert files(tmp_path) == ["weights"]
    with pytest.raises(Unreachable), on_the_way(tmp_path, "a", put):
        raise Unreachable("PUT: cut off")
    assert files(tmp_path) == ["weights"]
    with on_the_way(tmp_path, "a", lambda folder: folder / "weights") as fetched:
        assert fetched.read_bytes() == b"of a model"
    assert files(tmp_path) == []


def test_what_is_not_what_was_wanted_goes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="wrong"), on_the_way(tmp_path, "a", put):
        raise ValueError("wrong")
    assert files(tmp_path) == []


def test_nothing_at_all_is_not_kept(tmp_path: Path) -> None:
    def none(_: Path) -> Path:
        raise Unreachable("GET: refused")

    with pytest.raises(Unreachable), on_the_way(tmp_path, "a", none):
        pass
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_a_failed_fetch_is_tried_anew_by_the_next_who_needs_it(tmp_path: Path) -> None:
    tries = []

    def once(folder: Path) -> Path:
        tries.append(folder)
        if len(tries) == 1:
            raise Unreachable("GET: cut off")
        return put(folder)

    with pytest.raises(Unreachable), on_the_way(tmp_path, "a", once):
        pass
    with on_the_way(tmp_path, "a", once) as fetched:
        assert fetched.is_file()


def test_another_run_of_this_machine_is_waited_for_as_long_as_there_is_time_and_said_so(tmp_path: Path) -> None:
    with on_the_way(tmp_path, "a", put):
        (lock,) = tmp_path.glob("*.lock")
    told: list[str] = []
    with lock.open("wb") as others:
        fcntl.flock(others, fcntl.LOCK_EX)
        with (
            pytest.raises(ClientError, match="another run on this machine was at the same files"),
            downloads.on_the_way(tmp_path, "a", put, deadline=0.3, tell=told.append),
        ):
            pass
    assert told == ["another run on this machine is at the same files: waiting for it"]
    with on_the_way(tmp_path, "a", put) as fetched:
        assert fetched.is_file()
    assert files(tmp_path) == []


def test_who_waited_for_a_fetch_that_failed_tries_it_and_is_not_told_of_another_run(tmp_path: Path) -> None:
    waiting, tries = threading.Event(), []

    def fetch(folder: Path) -> Path:
        tries.append(folder)
        if len(tries) == 1:
            assert waiting.wait(10)
            raise Unreachable("GET: cut off")
        return put(folder)

    def first() -> None:
        with pytest.raises(Unreachable), on_the_way(tmp_path, "a", fetch):
            pass

    def second() -> bytes:
        with on_the_way(tmp_path, "a", fetch, deadline=3) as fetched:
            return fetched.read_bytes()

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(first)
        while not tries:
            assert not one.done()
        other = pool.submit(second)
        while not any(use.users == 2 for use in list(downloads._uses.values())):
            assert not other.done()
        waiting.set()
        one.result()
        assert other.result() == b"of a model"
    assert files(tmp_path) == []
