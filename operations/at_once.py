"""Several servers at the same time: one that does not answer must not hold up the others, nor an interruption."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

_SERVERS = 8


@contextmanager
def at_once() -> Iterator[ThreadPoolExecutor]:
    """Threads whose results are all awaited inside. After an interruption, nobody waits for those that still wait for
    a server, which may take minutes: the process has to end without them."""
    pool = ThreadPoolExecutor(max_workers=_SERVERS)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
