"""XNAT's HTTP sessions: one for each log-in, limited for each user, gone after idle time.

Source: https://wiki.xnat.org/display/XKB/Session+management+in+XNAT+scripts
"""

import secrets
from dataclasses import dataclass

from sandbox.xnat.accounts import Clock, User
from sandbox.xnat.options import Options


@dataclass
class Session:
    id: str
    user: User
    used: float


class Sessions:
    def __init__(self, options: Options, clock: Clock) -> None:
        self._options, self._clock = options, clock
        self._sessions: dict[str, Session] = {}

    def open(self, user: User) -> Session | None:
        """None if the user has as many as are allowed."""
        if len(self.of(user.name)) >= self._options.max_sessions:
            return None
        session = Session(secrets.token_hex(16).upper(), user, self._clock())
        self._sessions[session.id] = session
        return session

    def find(self, session_id: str) -> Session | None:
        """A living session, which counts as used now."""
        session = self._sessions.get(session_id)
        if session is None or session not in self.of(session.user.name):
            return None
        session.used = self._clock()
        return session

    def close(self, session_id: str) -> None:
        self._sessions.pop(session_id, None)

    def of(self, user: str) -> list[Session]:
        """A user's living sessions; dead ones are forgotten on the way."""
        oldest = self._clock() - self._options.session_timeout
        self._sessions = {key: session for key, session in self._sessions.items() if session.used >= oldest}
        return [session for session in self._sessions.values() if session.user.name == user]

    def close_all(self) -> None:
        self._sessions.clear()
