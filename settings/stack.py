"""The shape of a stack file: what `Pulumi.<stack>.yaml` may say under `xnat-aiaa:`.

Every rule that needs no network is checked here, once (single values in `values.py`, several together in
`rules.py`), and all errors are told together, each with the key as the stack file writes it
(`servers.main.gpus[1]: ...`). Defaults stand here and nowhere else; they are the values of the set-up guide
(https://wiki.xnat.org/xnat-ohif-viewer/xnat-ohif-plugin-installation-and-administration) except where a comment says
why not.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Protocol

from pydantic import Field, ValidationInfo, field_validator, model_validator

from settings import rules
from settings.errors import SettingsError, WrongKeys, validated, written
from settings.models import Model, NgcAccount
from settings.registries import Registry
from settings.sandbox import Sandbox
from settings.servers import Server
from settings.strict import Strict
from settings.values import ModelName, RegistryHost, ServerName
from settings.viewer_plugin import ViewerPlugin
from settings.xnat import Registrations, Xnat

NAMESPACE = "xnat-aiaa"


class StackConfig(Protocol):
    """What of `pulumi.Config` is read here."""

    def get(self, key: str) -> str | None: ...


class Settings(Strict):
    servers: dict[ServerName, Server] = Field(default_factory=dict)
    models: dict[ModelName, Model] = Field(default_factory=dict)
    ngc: NgcAccount = NgcAccount()
    registries: dict[RegistryHost, Registry] = Field(default_factory=dict)
    xnat: Xnat | None = None
    viewer_plugin: ViewerPlugin | None = None
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
        _require([*rules.unknown_servers(named, info.context)])
        return value

    @field_validator("models")
    @classmethod
    def _known_model_servers(cls, value: dict[str, Model], info: ValidationInfo) -> dict[str, Model]:
        named = {f"{name}.servers": model.servers or () for name, model in value.items()}
        _require([*rules.unknown_servers(named, info.context)])
        return value

    @model_validator(mode="after")
    def _rules(self) -> Settings:
        _require([found for rule in rules.ALL for found in rule(self)])
        return self

    @property
    def xnat_url(self) -> str | None:
        """XNAT's address: the one that is set, else the sandbox's."""
        return address_of(self.xnat, self.sandbox)

    @property
    def xnat_browser_url(self) -> str | None:
        """XNAT as clinicians' browsers reach it."""
        return self.xnat.browser_url if self.xnat and self.xnat.browser_url else self.xnat_url

    def servers_of(self, model: Model) -> dict[str, Server]:
        return {name: server for name, server in self.servers.items() if model.servers is None or name in model.servers}

    def models_of(self, server: str) -> dict[str, Model]:
        return {name: model for name, model in self.models.items() if model.servers is None or server in model.servers}


def address_of(xnat: Xnat | None, sandbox: Sandbox | None) -> str | None:
    """XNAT's: the one that is set, else the sandbox's."""
    if xnat and xnat.url:
        return xnat.url
    return sandbox.xnat.url if sandbox and sandbox.xnat else None


def _require(wrong: list[tuple[str, str]]) -> None:
    if wrong:
        raise WrongKeys(wrong)
