"""Two ways to do the same, timed in turn, so that both meet the same machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

RUNS = 5


@dataclass(frozen=True)
class Pairs:
    """Seconds of each run, ours and by hand, in turn."""

    what: str
    by_hand_is: str
    ours: list[float]
    by_hand: list[float]

    @property
    def ratio(self) -> float:
        """The median of ours / by hand, pair by pair."""
        return statistics.median(a / b for a, b in zip(self.ours, self.by_hand, strict=True))


def measure(what: str, ours: Callable[[], object], by_hand_is: str, by_hand: Callable[[], object]) -> Pairs:
    """One run of each that does not count, then RUNS of each in turn."""
    print(f"{what}: {RUNS} runs of each way ...", flush=True)
    ours()
    by_hand()
    pairs = [(_seconds(ours), _seconds(by_hand)) for _ in range(RUNS)]
    return Pairs(what, by_hand_is, [a for a, _ in pairs], [b for _, b in pairs])


def _seconds(do: Callable[[], object]) -> float:
    begin = time.perf_counter()
    do()
    return time.perf_counter() - begin
