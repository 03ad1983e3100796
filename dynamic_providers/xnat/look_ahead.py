"""Looks at the lists that will be asked for next, while others are being written.

Pulumi's host of dynamic providers works at four resources at a time, and each list takes XNAT three answers, one after
the other: a look, the write, and reading it back. Of hundreds of lists the looks can go ahead; by some moments at most,
as what stands there must not be replaced unseen, and XNAT's lists have no ETag to make sure of that.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from clients.errors import ClientError

Urls = tuple[str, ...]
Look = Callable[[str], Urls | None]

_AHEAD = 8  # lists
_FRESH = 0.5  # seconds that a look is good for


class LookAhead:
    """For several threads at once.

    Args:
        scopes: in the order in which they will be asked for; one that is asked for out of turn is no fault.
        clock: seconds.
    """

    def __init__(self, scopes: Sequence[str] = (), clock: Callable[[], float] = time.monotonic) -> None:
        self._scopes = list(scopes)
        self._place = {scope: place for place, scope in enumerate(scopes)}
        self._begun: dict[str, Future[tuple[float, Urls | None]]] = {}
        self._asked: set[str] = set()
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="look-ahead")
        self._clock = clock

    def see(self, scope: str, look: Look) -> Urls | None:
        """What stands there, as `look` gives it.

        Raises:
            ClientError: as `look` does.
        """
        with self._lock:
            begun = self._begun.pop(scope, None)
            self._asked.add(scope)
            place = self._place.get(scope, len(self._scopes))
            for other in self._scopes[place + 1 : place + 1 + _AHEAD]:
                if other not in self._asked and other not in self._begun:
                    self._begun[other] = self._threads.submit(self._looked, other, look)
        if begun is not None:
            try:
                since, urls = begun.result()
            except ClientError:
                pass  # it is asked for again: that may have been of the moment
            else:
                if self._clock() - since <= _FRESH:
                    return urls
        return look(scope)

    def _looked(self, scope: str, look: Look) -> tuple[float, Urls | None]:
        return self._clock(), look(scope)
