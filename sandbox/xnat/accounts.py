"""Users, their roles and groups, log-ins and the lock after too many failed ones, alias tokens.

Sources: NrgXnat/xnat, web/.../security/XnatBasicAuthenticationFilter.java, libs/xdat/.../entities/AliasToken.java,
web/src/main/resources/META-INF/xnat/init_security_000.sql (the account ``admin`` and its group).
"""

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.xnat.options import Options

ADMINISTRATOR = "Administrator"
ALL_DATA_GROUPS = ("ALL_DATA_ADMIN", "ALL_DATA_ACCESS")
Clock = Callable[[], float]


@dataclass
class User:
    """``project_roles``: project ID to ``Owners``, ``Members`` or ``Collaborators``.
    ``password_expired``: it is older than XNAT lets passwords be."""

    name: str
    password: str
    roles: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    project_roles: dict[str, str] = field(default_factory=dict)
    failed_logins: int = 0
    locked_until: float = 0.0
    password_expired: bool = False

    @property
    def is_administrator(self) -> bool:
        return ADMINISTRATOR in self.roles

    @property
    def has_all_data(self) -> bool:
        return any(group in self.groups for group in ALL_DATA_GROUPS)

    @property
    def has_to_change_password(self) -> bool:
        return self.password_expired and "non_expiring" not in self.roles

    def may_read(self, project: str) -> bool:
        return self.has_all_data or project in self.project_roles

    def may_edit(self, project: str) -> bool:
        return "ALL_DATA_ADMIN" in self.groups or self.project_roles.get(project) in ("Owners", "Members")

    def may_delete(self, project: str) -> bool:
        """XNAT's measure of an owner."""
        return "ALL_DATA_ADMIN" in self.groups or self.project_roles.get(project) == "Owners"


@dataclass(frozen=True)
class AliasToken:
    alias: str
    secret: str
    user: str
    expires: float


class Accounts:
    """All users of one XNAT; ``admin`` is there from the start, with its published password."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self._options, self._clock = options, clock
        self.users: dict[str, User] = {}
        self.tokens: dict[str, AliasToken] = {}
        self.add("admin", "admin", roles={ADMINISTRATOR}, groups={"ALL_DATA_ADMIN"})

    def add(self, name: str, password: str, *, roles: set[str] | None = None, groups: set[str] | None = None) -> User:
        user = self.users[name] = User(name, password, set(roles or ()), set(groups or ()))
        return user

    def account_of(self, name: str) -> str:
        """Whose log-in a name is: it may be ``provider/user``, or an alias token's."""
        token = self.tokens.get(name)
        return token.user if token else name.partition("/")[2] or name

    def log_in(self, name: str, password: str) -> User | None:
        """The user, if the credentials are right and the account is not locked."""
        token = self.tokens.get(name)
        if token is not None:
            alive = token.expires > self._clock() and secrets.compare_digest(token.secret.encode(), password.encode())
            return self.users.get(token.user) if alive else None
        user = self.users.get(self.account_of(name))
        if user is None or user.locked_until > self._clock():
            return None
        if secrets.compare_digest(user.password.encode(), password.encode()):
            user.failed_logins = 0
            return user
        user.failed_logins += 1
        if user.failed_logins >= self._options.max_failed_logins:
            user.failed_logins, user.locked_until = 0, self._clock() + self._options.lockout
        return None

    def issue_token(self, user: User) -> AliasToken:
        token = AliasToken(
            alias=str(uuid.uuid4()),
            secret=secrets.token_hex(32),
            user=user.name,
            expires=self._clock() + self._options.token_timeout,
        )
        self.tokens[token.alias] = token
        return token
