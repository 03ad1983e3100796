"""Two ways to do the same, timed in turn, so that both meet the same machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

RUNS = 5


@dataclass(frozen=True)
class Pairs:
    """Seconds of each run, ours and the other way, in turn."""

    ours: list[float]
    other: list[float]

    @property
    def ratio(self) -> float:
        """The median of ours / other, pair by pair."""
        return statistics.median(a / b for a, b in zip(self.ours, self.other, strict=True))

    @property
    def medians(self) -> tuple[float, float]:
        return statistics.median(self.ours), statistics.median(self.other)


def measure(what: str, ours: Callable[[], object], other: Callable[[], object]) -> Pairs:
    """One run of each that does not count, then RUNS of each in turn."""
    print(f"{what}: {RUNS} runs of each way ...", flush=True)
    ours()
    other()
    pairs = [(_seconds(ours), _seconds(other)) for _ in range(RUNS)]
    return Pairs([a for a, _ in pairs], [b for _, b in pairs])


def _seconds(do: Callable[[], object]) -> float:
    begin = time.perf_counter()
    do()
    return time.perf_counter() - begin
