"""One XNAT session for all resources of a run.

XNAT counts sessions, and counts failed log-ins until it locks the account
(https://wiki.xnat.org/display/XKB/Session+management+in+XNAT+scripts): so one log-in for each process, and none after
a refused one.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
from collections.abc import Iterator, Sequence

from pulumi.dynamic import Config

from clients.errors import ClientError
from clients.xnat import XnatClient
from dynamic_providers import stack_config
from dynamic_providers.boundary import ProviderError, say
from dynamic_providers.xnat.look_ahead import LookAhead
from settings import Sandbox, Xnat
from settings.stack import address_of


class Session:
    """The shared client for one XNAT and account; the provider host's four threads use it at once."""

    def __init__(self, url: str, login: Xnat) -> None:
        self._url = url
        self._login = login
        self.timeout = login.timeout  # seconds, for a call and for the wait until XNAT is up
        self._lock = threading.Lock()
        self._client: XnatClient | None = None
        self._failed: ClientError | None = None
        self._told: set[str] = set()
        self.ahead = LookAhead()

    @contextlib.contextmanager
    def client(self) -> Iterator[XnatClient]:
        with self._lock:
            if self._failed is not None:
                raise self._failed
            if self._client is None:
                self._client = self._open()
            client = self._client
        yield client

    def expect(self, scopes: Sequence[str]) -> None:
        """These lists will be asked for soon, in this order."""
        self.ahead = LookAhead(scopes)

    def is_first(self, what: str) -> bool:
        """Whether this is the first time in this run that it is asked: what holds for all lists is told once."""
        with self._lock:
            first = what not in self._told
            self._told.add(what)
            return first

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _open(self) -> XnatClient:
        login = self._login
        client = XnatClient(
            self._url,
            login.username,
            login.read_password(),
            ca_file=str(login.ca_file) if login.ca_file else None,
            timeout=login.timeout,
        )
        try:
            # An XNAT of this stack may be starting, as may one after a restart.
            client.wait_until_up(login.timeout, say)
            return client.__enter__()
        except ClientError as error:
            client.close()
            self._failed = error  # else each of many lists would wait as long again, or try the log-in again
            raise


_sessions: dict[str, Session] = {}
_sessions_lock = threading.Lock()


def session(config: Config, url: str) -> Session:
    """The session of this process for `url`, with the credentials that the stack's configuration holds now.

    See `stack_config` for why they come from there.
    """
    with _sessions_lock:
        if url not in _sessions:
            opened = _sessions[url] = Session(url, _login(config))
            atexit.register(opened.close)
        return _sessions[url]


def configured_url(config: Config) -> str | None:
    """XNAT's address as the stack file has it now; None where it has none."""
    return address_of(stack_config.part(config, "xnat", Xnat), stack_config.part(config, "sandbox", Sandbox))


def _login(config: Config) -> Xnat:
    login = stack_config.part(config, "xnat", Xnat)
    if login is None:
        raise ProviderError("the stack's configuration has no xnat-aiaa:xnat any more: it is needed to log in")
    return login
