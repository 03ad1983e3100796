"""What every HTTP request of this project has in common: how it is sent, when it ends, and what is told if it fails."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from clients.errors import Unreachable, redacted, shortened
from engines.errors import cause

# Not a browser's: XNAT answers browsers with redirects and asks them for CSRF tokens.
USER_AGENT = "xnat-aiaa/0.1"

# Bytes of a body that are read and sent at a time: with http.client's 16 KB, an upload is bound by Python.
_BLOCK = 256 << 10

REDIRECTS = (301, 302, 303, 307, 308)

# What requests and urllib3 raise for an exchange that failed.
FAILURES = (OSError, ValueError, urllib3.exceptions.HTTPError)

# It tells of odd headers with a traceback; what matters of an answer is judged here.
logging.getLogger("urllib3").setLevel(logging.ERROR)


class _NoLogin(AuthBase):
    """Keeps requests from taking credentials for this host out of ~/.netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _InBlocks(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, blocksize=_BLOCK)


class Session(requests.Session):
    """Without redirects: requests would read the target, and trip over an odd one, even if told not to follow it.
    Without the credentials of ~/.netrc. Bodies come as they are: compressed on the way, their length says nothing.
    Cookies are not kept: who wants one sends it, and so nothing is left between requests for threads to share but
    urllib3's pool of connections, which is made for them."""

    def __init__(self) -> None:
        super().__init__()
        self.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
        self.auth = _NoLogin()
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self.mount(scheme, _InBlocks())

    def get_redirect_target(self, resp: requests.Response) -> None:
        del resp


class Deadline:
    """A point in time until which a call may take."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    def check(self) -> float:
        """The seconds that are left, if any are.

        Raises:
            TimeoutError: none.
        """
        if left := self.left:
            return left
        raise TimeoutError(f"no end after {self._seconds:.0f} s")


class ConnectionLost(Unreachable):
    """Refused, reset or cut off: worth another attempt."""


class Untrusted(Unreachable):
    """TLS failed."""

    advice = "check that its certificate is for this host name, and that this machine trusts who signed it"


def failure(
    tried: str,
    error: Exception,
    limit: Deadline,
    secrets: Iterable[str] = (),
    handled: BaseException | None = None,
) -> Unreachable:
    """The error for an exchange that ended with one of `FAILURES`; `ConnectionLost` if another try may succeed.

    Args:
        handled: see `engines.errors.innermost`.
    """
    if isinstance(error, requests.ConnectTimeout):
        return _not_sent(Unreachable(f"{tried}: no connection in time"))
    timeouts = (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError)
    if isinstance(error, timeouts) or not limit.left:
        return Unreachable(
            f"{tried}: no answer in time",
            advice="it may hang, or still be at work: see its log, then run the command again",
        )
    reason = shortened(redacted(cause(error, handled), secrets))
    if isinstance(error, (requests.exceptions.SSLError, urllib3.exceptions.SSLError)):
        return Untrusted(f"{tried}: TLS failed: {reason}")
    if isinstance(error, requests.ConnectionError) and _found_nobody(error):
        return _not_sent(ConnectionLost(f"{tried}: connection failed: {reason}"))
    if isinstance(error, (requests.ConnectionError, urllib3.exceptions.HTTPError)):
        return ConnectionLost(f"{tried}: connection failed: {reason}")
    return Unreachable(f"{tried}: cannot be sent: {reason}")


def _found_nobody(error: requests.ConnectionError) -> bool:
    """Refused, no route, no such host: as urllib3 says it, inside what requests makes of it."""
    inner = error.args[0] if error.args else None
    return isinstance(getattr(inner, "reason", None), urllib3.exceptions.NewConnectionError)


def _not_sent(error: Unreachable) -> Unreachable:
    error.may_have_arrived = False
    return error


@contextlib.contextmanager
def ends_at(limit: Deadline, response: requests.Response) -> Iterator[None]:
    """Ends the reading of a body at the deadline: the read timeout begins anew with each byte of a slow server."""

    def shut_down() -> None:
        with contextlib.suppress(OSError, RuntimeError, ValueError):  # it was read to its end meanwhile
            response.raw.shutdown()

    timer = threading.Timer(limit.left, shut_down)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def public(url: str) -> str:
    """The URL without the credentials that it may hold."""
    return re.sub(r"(?<=//)[^/]*@", "", url)


def reason_of(status: int) -> str:
    """What the status means, in the words of HTTP; nothing if it is none of HTTP's."""
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
