"""Waits of tests: by looking, with a deadline."""

import time
from collections.abc import Callable


def until(is_so: Callable[[], object], *, seconds: float = 20.0) -> None:
    """
    Raises:
        AssertionError: it is not so after this time.
    """
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not become so in time"
        time.sleep(0.01)
