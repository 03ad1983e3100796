"""Lines about a transfer: few, and right."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clients.progress import Progress

MB = 1 << 20


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def lines_of(total: int | None, steps: list[tuple[float, int]], what: str = "uploading model.ts") -> list[str]:
    """The lines of a transfer that after so many seconds has so many bytes."""
    clock, lines = Clock(), list[str]()
    progress = Progress(what, total, lines.append, clock=clock)
    for seconds, done in steps:
        clock.now = 100 + seconds
        progress.at(done)
    return lines


def test_a_line_says_what_how_much_of_how_much_and_how_fast() -> None:
    assert lines_of(1024 * MB, [(0, 0), (16, 512 * MB)]) == ["uploading model.ts: 512 of 1024 MB, 50 %, 32 MB/s"]


def test_without_a_known_size_a_line_says_how_much_is_there() -> None:
    assert lines_of(None, [(0, 0), (20, 90 * MB)], "downloading x") == ["downloading x: 90 MB, 4.5 MB/s"]


def test_what_is_small_or_slow_is_told_with_a_decimal() -> None:
    assert lines_of(2 * MB, [(0, 0), (10, MB)]) == ["uploading model.ts: 1.0 of 2.0 MB, 50 %, 0.1 MB/s"]


def test_what_is_over_in_a_moment_has_no_line() -> None:
    assert lines_of(10 * MB, [(0, 0), (5, 5 * MB), (9.9, 10 * MB)]) == []


def test_nothing_at_all_has_no_line() -> None:
    assert lines_of(0, [(0, 0), (1, 0)]) == []


def test_what_is_fast_has_a_line_for_each_ten_seconds() -> None:
    assert len(lines_of(1000 * MB, [(second, 25 * second * MB) for second in range(41)])) == 4


def test_what_is_slow_has_a_line_for_each_ten_percent_after_the_first() -> None:
    percents = [line.split(", ")[1] for line in lines_of(1000 * MB, [(second, second * MB) for second in range(1001)])]
    assert percents == ["1 %", "11 %", "21 %", "31 %", "41 %", "51 %", "61 %", "71 %", "81 %", "91 %"]


def test_the_rate_does_not_count_what_was_there_before() -> None:
    lines = lines_of(1000 * MB, [(0, 800 * MB), (10, 900 * MB)])
    assert lines == ["uploading model.ts: 900 of 1000 MB, 90 %, 10 MB/s"]


def test_a_transfer_that_begins_anew_has_no_rate_below_nothing() -> None:
    assert lines_of(None, [(0, 800 * MB), (1, 0), (20, 100 * MB)]) == ["uploading model.ts: 100 MB, 5.0 MB/s"]


@given(
    st.one_of(st.none(), st.integers(0, 1 << 40)),
    st.lists(st.tuples(st.floats(0, 1000), st.integers(0, 1 << 41)), max_size=30).map(
        lambda steps: sorted(steps, key=lambda step: step[0])
    ),
)
def test_no_numbers_break_it_and_no_two_lines_come_within_ten_seconds(
    total: int | None, steps: list[tuple[float, int]]
) -> None:
    assert len(lines_of(total, steps)) <= (steps[-1][0] / 10 if steps else 0)
