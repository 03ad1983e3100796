"""The shape of a stack file: what `Pulumi.<stack>.yaml` may say under `xnat-aiaa:`.

Every rule that can be checked without a network is checked here, once (single values in `settings_values.py`, several
together in `settings_rules.py`), and all errors are told together, each with the key as the stack file writes it
(`servers.main.gpus[1]: ...`). Defaults stand here and nowhere else; they are the values of the set-up guide
(https://wiki.xnat.org/xnat-ohif-viewer/xnat-ohif-plugin-installation-and-administration) except where a comment says
why not.
"""

from __future__ import annotations

import difflib
import ipaddress
import json
import os
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal, Protocol
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

import settings_rules
from settings_errors import SettingsError as SettingsError  # for who reads settings
from settings_errors import WrongKeys, shown, validated, written
from settings_values import (
    BaseUrl,
    Command,
    DockerAddress,
    ExistingFile,
    FilePath,
    Gpu,
    Image,
    IpAddress,
    LogSize,
    ModelConfigFile,
    ModelName,
    NgcPath,
    Origin,
    Password,
    Port,
    ProjectId,
    Seconds,
    ServerName,
    Text,
    VariableName,
    WorkspaceLocation,
    whole,
)

NAMESPACE = "xnat-aiaa"


class StackConfig(Protocol):
    """What of `pulumi.Config` is read here."""

    def get(self, key: str) -> str | None: ...


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TritonOptions(_Strict):
    """The guide's TRITON_* variables. AIAA's own default protocol is http; grpc is known to make it hang."""

    proto: Literal["http", "grpc"] = "http"
    start_timeout: Seconds = 120
    model_timeout: Seconds = 30
    verbose: Annotated[int, whole(0)] = 0


class Images(_Strict):
    """Image names: the guide names v4.0, NVIDIA's compose files pair it with this Triton."""

    aiaa: Image = "nvcr.io/nvidia/clara-train-sdk:v4.0"
    triton: Image = "nvcr.io/nvidia/tritonserver:21.02-py3"


class Ulimits(_Strict):
    """Limits of both containers; `null` leaves one to the engine. `memlock: -1` needs CAP_SYS_RESOURCE on the host."""

    memlock: Annotated[int, whole(-1, 2**63 - 1)] | None = -1
    stack: Annotated[int, whole(-1, 2**63 - 1)] | None = 67108864


class Restart(_Strict):
    """Docker's restart policies. The guide gives one to Triton only."""

    aiaa: Literal["no", "on-failure", "always", "unless-stopped"] = "no"
    triton: Literal["no", "on-failure", "always", "unless-stopped"] = "unless-stopped"


class Log(_Strict):
    """Docker's json-file log. The guide sets no limit and fills the disk in time; here it is limited on purpose."""

    max_size: LogSize = "10m"
    max_file: Annotated[int, whole(1, 1000)] = 3


class Healthcheck(_Strict):
    """Docker's check of AIAA's list of models, in seconds. The guide has none: a hung AIAA goes unnoticed.

    Failures within `start_period` after a start do not count; it is as long as `ready_timeout`'s default.
    """

    interval: Seconds = 30
    timeout: Seconds = 10
    retries: Annotated[int, whole(1, 1000)] = 3
    start_period: Seconds = 600


class Server(_Strict):
    """One AIAA server with its Triton."""

    runtime: Literal["clara-4.0"] = "clara-4.0"
    engine: Literal["triton"] = "triton"
    docker: DockerAddress | None = None
    bind: IpAddress = "127.0.0.1"
    port: Port = 5000
    url: Origin | None = None
    browser_url: Origin | None = None
    workspace: WorkspaceLocation | None = None
    gpus: tuple[Gpu, ...] = ("0",)
    triton: TritonOptions = TritonOptions()
    images: Images = Images()
    launcher: Command = "start_aiaa.sh"
    admin_hosts: Text = "*"
    shm_size: Annotated[int, whole(1, 2**20, " of megabytes")] = 1024
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
        if value in ("all", ["all"], ("all",)):
            return ["all"]
        if isinstance(value, (list, tuple)):
            if "all" in value:
                raise ValueError('must be "all", or a list of GPU ids such as ["0"], not both')
            return value
        raise ValueError(f'must be a list of GPU ids such as ["0"], [] for none, or "all", not {shown(value)}')

    @property
    def machine(self) -> str | None:
        """The host's name of the engine's machine; None for this one, on which an engine is a socket or the default."""
        return urlsplit(self.docker).hostname if self.docker else None

    @property
    def deployer_url(self) -> str:
        """The server as this machine reaches it."""
        if self.url:
            return self.url
        host = self.machine or ("127.0.0.1" if ipaddress.ip_address(self.bind).is_unspecified else self.bind)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def viewer_url(self) -> str:
        """The server as a clinician's browser reaches it: what XNAT is told."""
        return self.browser_url or self.deployer_url


class NgcSource(_Strict):
    """A model that AIAA fetches from NVIDIA's NGC by itself. `version` is NGC's, a text."""

    path: NgcPath
    version: Text


class LocalSource(_Strict):
    """A model from files: AIAA's config and the TorchScript weights, relative to the project's folder."""

    config: ModelConfigFile
    data: ExistingFile


class Model(_Strict):
    """One model on one or more servers."""

    ngc: NgcSource | None = None
    local: LocalSource | None = None
    servers: tuple[Text, ...] | None = None
    adopt: bool = False
    retain: bool = False
    smoke_test: bool = True

    @model_validator(mode="after")
    def _one_source(self) -> Model:
        if (self.ngc is None) == (self.local is None):
            raise ValueError(
                "give exactly one source: " + ("ngc or local" if self.ngc is None else "not both ngc and local")
            )
        return self


class Xnat(_Strict):
    """The XNAT whose projects are given servers, and the account that does it.

    The password is given in one of three ways; a variable or a file is read when it is needed, so a new password
    takes effect without a deployment.
    """

    url: BaseUrl | None = None
    username: Text
    password: Password | None = None
    password_env: VariableName | None = None
    password_file: FilePath | None = None
    ca_file: ExistingFile | None = None
    timeout: Seconds = 60

    @model_validator(mode="after")
    def _one_password(self) -> Xnat:
        ways = ("password", "password_env", "password_file")
        given = [way for way in ways if getattr(self, way) is not None]
        if len(given) != 1:
            also = f", not {' and '.join(given)}" if given else ""
            raise ValueError(f"give exactly one of password (a secret), password_env or password_file{also}")
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
                raise SettingsError(
                    f"xnat.password_env: the environment variable {self.password_env} is not set or empty: "
                    f"run `export {self.password_env}=...` first, where this command runs"
                )
            return value
        assert self.password_file is not None  # noqa: S101 - _one_password saw to it
        where = f"xnat.password_file: {shown(str(self.password_file))}"
        try:
            value = self.password_file.read_text("utf-8").rstrip("\r\n")
        except OSError as error:
            raise SettingsError(
                f"{where} cannot be read ({error.strerror}): the user who runs this command needs to read it"
            ) from None
        except UnicodeDecodeError:
            raise SettingsError(f"{where} is no text in UTF-8: write the password into it again") from None
        if not value:
            raise SettingsError(f"{where} is empty: write the password into it")
        return value


class Registration(_Strict):
    """The servers that XNAT's viewer is told, for the site or a project: their names, of which it uses the first."""

    servers: Annotated[tuple[Text, ...], Field(min_length=1)]
    adopt: tuple[Text, ...] | None = None
    on_delete: Literal["clear", "keep"] = "clear"

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        if isinstance(value, str):
            return {"servers": [value]}
        if value is None or isinstance(value, (dict, Registration)):
            return value
        raise ValueError(f"must be a server's name, or keys and values, not {shown(value)}")


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
    servers: dict[ServerName, Server] = {}
    models: dict[ModelName, Model] = {}
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
        names, wrong = [], []
        for key in all_keys:
            namespace, _, name = key.partition(":")
            if namespace == NAMESPACE:
                names.append(name)
            elif difflib.get_close_matches(namespace, [NAMESPACE], cutoff=0.8):
                wrong.append(f"{written(key)}: unknown key; did you mean {NAMESPACE}:{written(name)}?")
        raw = {}
        for name in names:
            try:
                raw[name] = json.loads(config.get(name) or "null")
            except (ValueError, RecursionError):
                wrong.append(
                    f"{written(name)}: must hold keys and values, below it in the stack file or as one JSON text; "
                    "what stands there is neither"
                )
        if wrong:
            raise SettingsError("\n".join(wrong))
        return cls.parse(raw)

    @classmethod
    def parse(cls, raw: Mapping[str, object]) -> Settings:
        """The same, of values already decoded."""
        # The names stand in the context: they are wanted even where a server is wrong, to tell all errors together.
        return validated(cls, dict(raw), context={"servers": raw.get("servers")})

    @field_validator("registrations")
    @classmethod
    def _known_registered_servers(cls, value: Registrations, info: ValidationInfo) -> Registrations:
        named = {scope.replace("/", "."): registration.servers for scope, registration in value.by_scope()}
        _require([*settings_rules.unknown_servers(named, info.context)])
        return value

    @field_validator("models")
    @classmethod
    def _known_model_servers(cls, value: dict[str, Model], info: ValidationInfo) -> dict[str, Model]:
        named = {f"{name}.servers": model.servers or () for name, model in value.items()}
        _require([*settings_rules.unknown_servers(named, info.context)])
        return value

    @model_validator(mode="after")
    def _rules(self) -> Settings:
        _require([found for rule in settings_rules.ALL for found in rule(self)])
        return self

    @property
    def xnat_url(self) -> str | None:
        """XNAT's address: the one that is set, else the sandbox's."""
        if self.xnat and self.xnat.url:
            return self.xnat.url
        return self.sandbox.xnat.url if self.sandbox and self.sandbox.xnat else None

    def models_of(self, server: str) -> dict[str, Model]:
        return {name: model for name, model in self.models.items() if model.servers is None or server in model.servers}


def _require(wrong: list[tuple[str, str]]) -> None:
    if wrong:
        raise WrongKeys(wrong)
