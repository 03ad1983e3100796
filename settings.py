"""The shape of a stack file: what `Pulumi.<stack>.yaml` may say under `xnat-aiaa:`.

Every rule that can be checked without a network is checked here, once, and all errors are told together, each with
the key as the stack file writes it (`servers.main.gpus[1]: ...`). Defaults stand here and nowhere else; they are the
values of the set-up guide (https://wiki.xnat.org/xnat-ohif-viewer/xnat-ohif-plugin-installation-and-administration)
except where a comment says why not.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Protocol
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

NAMESPACE = "xnat-aiaa"


class SettingsError(Exception):
    """The stack file is wrong; the message has one line for each thing to mend."""


class _KeyedError(ValueError):
    """An error that belongs to a key below the value being validated."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


class StackConfig(Protocol):
    """What of `pulumi.Config` is read here."""

    def get(self, key: str) -> str | None: ...


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _whole_number_as_text(value: object) -> object:
    """`pulumi stack init` and `pulumi config set` may drop the quotes around "1": a whole number loses nothing."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _origin(url: str) -> str:
    """A URL that a browser's viewer can use: the viewer drops any path (see docs/xnat.md), so none is allowed."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not url.startswith(parts.scheme):
        raise ValueError("must begin with http:// or https:// in lower case")
    try:
        port = parts.port
    except ValueError:
        raise ValueError("the port must be a number from 1 to 65535") from None
    if not parts.hostname or port == 0 or re.search(r"""[\s"'<>\\]""", url):
        raise ValueError("must name a host, as in https://aiaa.example.org:5000")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("must be scheme, host and port only: XNAT's viewer drops any path")
    return url.removesuffix("/")


def _base_url(url: str) -> str:
    """XNAT's address: as `_origin`, but a web application's context path may follow."""
    parts = urlsplit(url)
    if parts.query or parts.fragment:
        raise ValueError("must end before any ? or #")
    _origin(f"{parts.scheme}://{parts.netloc}")
    return url.rstrip("/")


Text = Annotated[str, BeforeValidator(_whole_number_as_text)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[int, Field(gt=0)]
Origin = Annotated[str, AfterValidator(_origin)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
ProjectId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]


class TritonOptions(_Strict):
    """The guide's TRITON_* variables. AIAA's own default protocol is http; grpc is known to make it hang."""

    proto: Literal["http", "grpc"] = "http"
    start_timeout: Seconds = 120
    model_timeout: Seconds = 30
    verbose: Annotated[int, Field(ge=0)] = 0


class Images(_Strict):
    """Image names: the guide names v4.0, NVIDIA's compose files pair it with this Triton."""

    aiaa: str = "nvcr.io/nvidia/clara-train-sdk:v4.0"
    triton: str = "nvcr.io/nvidia/tritonserver:21.02-py3"


class Ulimits(_Strict):
    """Limits of both containers; `null` leaves one to the engine. `memlock: -1` needs CAP_SYS_RESOURCE on the host."""

    memlock: int | None = -1
    stack: int | None = 67108864


class Restart(_Strict):
    """Docker's restart policies. The guide gives one to Triton only."""

    aiaa: Literal["no", "on-failure", "always", "unless-stopped"] = "no"
    triton: Literal["no", "on-failure", "always", "unless-stopped"] = "unless-stopped"


class Log(_Strict):
    """Docker's json-file log. The guide sets no limit and fills the disk in time; here it is limited on purpose."""

    max_size: Annotated[str, Field(pattern=r"^[1-9][0-9]*[kmg]$")] = "10m"
    max_file: Annotated[int, Field(ge=1)] = 3


class Healthcheck(_Strict):
    """Docker's check of AIAA's list of models, in seconds. The guide has none: a hung AIAA goes unnoticed.

    Failures within `start_period` after a start do not count; it is as long as `ready_timeout`'s default.
    """

    interval: Seconds = 30
    timeout: Seconds = 10
    retries: Annotated[int, Field(ge=1)] = 3
    start_period: Seconds = 600


class Server(_Strict):
    """One AIAA server with its Triton."""

    runtime: Literal["clara-4.0"] = "clara-4.0"
    engine: Literal["triton"] = "triton"
    docker: str | None = Field(default=None, pattern=r"^(unix|tcp|ssh)://\S+$")
    bind: str = "127.0.0.1"
    port: Port = 5000
    url: Origin | None = None
    browser_url: Origin | None = None
    workspace: str | None = Field(default=None, pattern=r"^(/[^:\s]+|[A-Za-z0-9][A-Za-z0-9_.-]+)$")
    gpus: tuple[Text, ...] = ("0",)
    triton: TritonOptions = TritonOptions()
    images: Images = Images()
    launcher: str = Field(default="start_aiaa.sh", min_length=1)
    admin_hosts: str = "*"
    shm_size: Annotated[int, Field(gt=0, description="megabytes")] = 1024
    ulimits: Ulimits = Ulimits()
    restart: Restart = Restart()
    log: Log = Log()
    healthcheck: Healthcheck = Healthcheck()
    ready_timeout: Seconds = 600
    load_timeout: Seconds = 1800
    infer_timeout: Seconds = 300

    @field_validator("gpus", mode="before")
    @classmethod
    def _gpus(cls, value: object) -> object:
        if value == "all":
            return ["all"]
        if isinstance(value, (list, tuple)):
            return value
        raise ValueError('must be a list of GPU ids such as ["0"], [] for none, or "all"')

    @property
    def deployer_url(self) -> str:
        """The server as this machine reaches it."""
        if self.url:
            return self.url
        host = "127.0.0.1" if self.bind in ("0.0.0.0", "::") else self.bind  # noqa: S104 - compared, not bound
        if self.docker and not self.docker.startswith("unix://"):
            host = urlsplit(self.docker).hostname or host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def viewer_url(self) -> str:
        """The server as a clinician's browser reaches it: what XNAT is told."""
        return self.browser_url or self.deployer_url


class NgcSource(_Strict):
    """A model that AIAA fetches from NVIDIA's NGC by itself. `version` is NGC's, a text."""

    path: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+$")]
    version: Text


class LocalSource(_Strict):
    """A model from files: AIAA's config and the TorchScript weights, relative to the project's folder."""

    config: Path
    data: Path

    @field_validator("config", "data")
    @classmethod
    def _exists(cls, path: Path) -> Path:
        if not path.is_file():
            raise ValueError(f"there is no file {str(path)!r} (paths are relative to the folder of Pulumi.yaml)")
        if not os.access(path, os.R_OK):
            raise ValueError(f"{str(path)!r} cannot be read by this user")
        return path

    @field_validator("config")
    @classmethod
    def _is_a_model_config(cls, path: Path) -> Path:
        try:
            content = json.loads(path.read_bytes())
        except ValueError as error:
            raise ValueError(f"{str(path)!r} is not JSON: {error}") from None
        if not isinstance(content, dict) or not isinstance(content.get("type"), str):
            raise ValueError(f'{str(path)!r} is no AIAA model config: it has no "type" such as "segmentation"')
        return path


class Model(_Strict):
    """One model on one or more servers."""

    ngc: NgcSource | None = None
    local: LocalSource | None = None
    servers: tuple[str, ...] | None = None
    adopt: bool = False
    retain: bool = False
    smoke_test: bool = True

    @model_validator(mode="after")
    def _one_source(self) -> Model:
        if (self.ngc is None) == (self.local is None):
            raise ValueError("give exactly one source: ngc or local")
        return self


class Xnat(_Strict):
    """The XNAT whose projects are given servers, and the account that does it.

    The password is given in one of three ways; a variable or a file is read when it is needed, so a new password
    takes effect without a deployment.
    """

    url: BaseUrl | None = None
    username: str
    password: SecretStr | None = None
    password_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    timeout: Seconds = 60

    @model_validator(mode="after")
    def _one_password(self) -> Xnat:
        if sum(x is not None for x in (self.password, self.password_env, self.password_file)) != 1:
            raise ValueError("give exactly one of password (a secret), password_env, password_file")
        return self

    def read_password(self) -> str:
        """The password as it is now.

        Raises:
            SettingsError: the variable is not set, or the file cannot be read or is empty.
        """
        if self.password is not None:
            return self.password.get_secret_value()
        if self.password_env is not None:
            value = os.environ.get(self.password_env, "")
            if not value:
                raise SettingsError(f"xnat.password_env: the environment variable {self.password_env} is not set")
            return value
        assert self.password_file is not None  # noqa: S101 - _one_password saw to it
        try:
            value = self.password_file.read_text().rstrip("\r\n")
        except OSError as error:
            raise SettingsError(f"xnat.password_file: cannot read {self.password_file}: {error.strerror}") from None
        if not value:
            raise SettingsError(f"xnat.password_file: {self.password_file} is empty")
        return value


class Registration(_Strict):
    """The servers that XNAT's viewer is told, for the site or a project: their names, of which it uses the first."""

    servers: Annotated[tuple[str, ...], Field(min_length=1)]
    adopt: tuple[str, ...] | None = None
    on_delete: Literal["clear", "keep"] = "clear"

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        return {"servers": [value]} if isinstance(value, str) else value


class Registrations(_Strict):
    site: Registration | None = None
    projects: dict[ProjectId, Registration] = {}

    def by_scope(self) -> Iterator[tuple[str, Registration]]:
        """Scopes as XNAT's API and our resources name them: `site`, `projects/<ID>`."""
        if self.site:
            yield "site", self.site
        for project, registration in self.projects.items():
            yield f"projects/{project}", registration


class SandboxXnat(_Strict):
    """The stand-in for a hospital's XNAT, with demonstration projects."""

    demo_login: ClassVar[str] = "admin / admin"  # the published account of a freshly installed XNAT

    port: Port = 8080
    projects: tuple[ProjectId, ...] = ("SPLEEN", "LIVER")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Sandbox(_Strict):
    """Development stacks only: stand-ins for NVIDIA's images, and for XNAT if it is named."""

    xnat: SandboxXnat | None = None


class Settings(_Strict):
    servers: dict[Name, Server] = {}
    models: dict[Name, Model] = {}
    xnat: Xnat | None = None
    registrations: Registrations = Registrations()
    sandbox: Sandbox | None = None

    @classmethod
    def load(cls, config: StackConfig, all_keys: Mapping[str, object]) -> Settings:
        """Parse the stack's configuration.

        Args:
            config: `pulumi.Config()` of this project.
            all_keys: every full key the stack sets (`xnat-aiaa:servers`), so that a misspelt one is not passed over.

        Raises:
            SettingsError: with one line for each error.
        """
        ours = (key.partition(":") for key in all_keys)
        names = [name for namespace, _, name in ours if namespace == NAMESPACE]
        return cls.parse({name: _json(name, config.get(name)) for name in names})

    @classmethod
    def parse(cls, raw: Mapping[str, object]) -> Settings:
        """The same, of values already decoded."""
        try:
            # The names stand in the context: they are wanted even where a server is wrong, to tell all errors together.
            return cls.model_validate(dict(raw), context={"servers": raw.get("servers")})
        except ValidationError as error:
            raise SettingsError("\n".join(_lines(error))) from None

    @field_validator("registrations")
    @classmethod
    def _known_registered_servers(cls, value: Registrations, info: ValidationInfo) -> Registrations:
        for scope, registration in value.by_scope():
            _require_known(registration.servers, info, scope.replace("/", "."))
        return value

    @field_validator("models")
    @classmethod
    def _known_model_servers(cls, value: dict[str, Model], info: ValidationInfo) -> dict[str, Model]:
        for name, model in value.items():
            _require_known(model.servers or (), info, f"{name}.servers")
        return value

    @model_validator(mode="after")
    def _xnat_for_registrations(self) -> Settings:
        if any(True for _ in self.registrations.by_scope()):
            if self.xnat is None:
                raise _KeyedError("xnat", "registrations need it: give url, username and a password")
            if self.xnat_url is None:
                raise _KeyedError("xnat.url", "needed, as this stack has no sandbox.xnat")
        return self

    @model_validator(mode="after")
    def _ports_once(self) -> Settings:
        taken: dict[tuple[str | None, int], str] = {}
        if self.sandbox and self.sandbox.xnat:
            taken[None, self.sandbox.xnat.port] = "sandbox.xnat.port"
        for name, server in self.servers.items():
            key = f"servers.{name}.port"
            other = taken.setdefault((server.docker, server.port), key)
            if other != key:
                raise _KeyedError(key, f"{server.port} is taken by {other} already")
        return self

    @property
    def xnat_url(self) -> str | None:
        """XNAT's address: the one that is set, else the sandbox's."""
        if self.xnat and self.xnat.url:
            return self.xnat.url
        return self.sandbox.xnat.url if self.sandbox and self.sandbox.xnat else None

    def models_of(self, server: str) -> dict[str, Model]:
        return {name: model for name, model in self.models.items() if model.servers is None or server in model.servers}


def _json(name: str, text: str | None) -> object:
    try:
        return json.loads(text or "null")
    except ValueError:
        raise SettingsError(f"{name}: must be an object (keys and values), not the text {text!r}") from None


def _require_known(names: tuple[str, ...], info: ValidationInfo, where: str) -> None:
    known = info.context["servers"] if info.context else None
    known = list(known) if isinstance(known, Mapping) else []
    for name in names:
        if name not in known:
            raise _KeyedError(where, f"there is no server {name!r}{_nearest(name, known)}")


def _nearest(word: str, known: typing.Iterable[str]) -> str:
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there is: {', '.join(known)}" if known else ""


def _lines(error: ValidationError) -> Iterator[str]:
    for detail in error.errors(include_input=False, include_url=False):
        loc = [part for part in detail["loc"] if part != "[key]"]
        cause = detail.get("ctx", {}).get("error")
        loc += [cause.key] if isinstance(cause, _KeyedError) else []
        message = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "extra_forbidden":
            message = f"unknown key{_nearest(str(loc[-1]), _fields_at(loc[:-1]))}"
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")
        yield f"{where}: {message}" if where else message


def _fields_at(loc: list[int | str]) -> list[str]:
    """The keys that are allowed at a place, found by walking the declared types along it."""
    here: Any = Settings
    for part in loc:
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = here.model_fields.get(str(part))
            here = field.annotation if field else None
        else:
            here = typing.get_args(here)[-1]
        here = _unwrap_optional(here)
    return list(here.model_fields) if isinstance(here, type) and issubclass(here, BaseModel) else []


def _unwrap_optional(declared: Any) -> Any:
    if typing.get_origin(declared) in (typing.Union, types.UnionType):
        return next(arg for arg in typing.get_args(declared) if arg is not type(None))
    return declared
