"""Places on the network that may not answer: given up within one time limit for everything."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar
from urllib.parse import urlsplit

import requests

from toolchain.errors import Unreachable, reason

T = TypeVar("T")

PATIENCE = 10  # seconds, for names, connections, redirects and the begin of an answer together


def promptly(url: str, ask: Callable[[], T]) -> T:
    """What `ask` gives, which talks to `url`.

    The look-up of a name knows no time limit, so `ask` is run in a thread, which may be left behind.

    Raises:
        Unreachable: it took too long, or failed in requests.
    """
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(ask())
        except BaseException as error:  # noqa: BLE001 - raised again below
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        return future.result(PATIENCE)
    except TimeoutError:
        raise Unreachable(f"{urlsplit(url).hostname}: no answer within {PATIENCE} s") from None
    except requests.RequestException as error:
        asked = str(error.request.url) if error.request else url  # a redirect leads to another host
        who = "the proxy for " if isinstance(error, requests.exceptions.ProxyError) else ""
        raise Unreachable(f"{who}{urlsplit(asked).hostname}: {reason(error)}") from None
