"""One `make` at a time in the tool cache."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from toolchain import console, layout


@contextmanager
def held() -> Iterator[None]:
    """Wait for others to end what they do here. A lock of the kernel: it goes with its process, however that ends."""
    layout.CACHE.mkdir(parents=True, exist_ok=True)
    with (layout.CACHE / "lock").open("a") as file:  # virtualenv.sh takes it too
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.say("another make is at work here: waiting")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
