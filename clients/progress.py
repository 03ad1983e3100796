"""How far a transfer is: a line now and then, for who waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable

_SECONDS = 10.0  # between two lines; what takes less is not worth any
_PERCENT = 10.0  # between two lines, where the size is known
_RAREST = (
    300.0  # longest seconds between two lines, if the size is not known: each wait is twice as long as the one before
)
_MB = 1 << 20


class Progress:
    """Tells how far a transfer is, on lines like `uploading model.ts: 512 of 1024 MB, 50 %, 104 MB/s`: the first after
    ten seconds, then one for each ten seconds or ten percent, whichever is rarer. Where the size is not known, the
    waits between lines grow, up to five minutes.

    Args:
        what: the first words, as `uploading model.ts`.
        total: bytes; None if nobody knows.
        tell: is given each line.
        clock: seconds; for tests.
    """

    def __init__(
        self, what: str, total: int | None, tell: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._what, self._total, self._tell, self._clock = what, total, tell, clock
        self._began = self._last = clock()
        self._first: int | None = None
        self._told: float | None = None
        self._wait = _SECONDS

    def at(self, done: int, *, total: int | None = None, detail: str = "") -> None:
        """So many bytes are there. May be called for each chunk. The first number may be what was there before, and a
        smaller number than the one before starts again: the rate counts only bytes that were moved.

        Args:
            total: bytes, if they become known during the transfer.
            detail: more text about the progress.
        """
        self._total = total or self._total
        if self._first is None or done < self._first:
            self._first = done
        now = self._clock()
        if now - self._last < (_SECONDS if self._total else self._wait):
            return
        percent = 100 * done / self._total if self._total else None
        if percent is not None and self._told is not None and percent - self._told < _PERCENT:
            return
        self._last, self._told, self._wait = now, percent, min(2 * self._wait, _RAREST)
        rate = _short((done - self._first) / (now - self._began))
        self._tell(f"{self._what}: {f'{detail}, ' if detail else ''}{self._amount(done, percent)}, {rate}/s")

    def _amount(self, done: int, percent: float | None) -> str:
        if self._total is None or percent is None:
            return _short(done)
        digits = 0 if self._total >= 10 * _MB else 1
        return f"{done / _MB:.{digits}f} of {self._total / _MB:.{digits}f} MB, {percent:.0f} %"


def _short(amount: float) -> str:
    return f"{amount / _MB:.{0 if amount >= 10 * _MB else 1}f} MB"
