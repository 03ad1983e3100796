"""`models.<name>`: models, and where each comes from."""

from __future__ import annotations

from pydantic import model_validator

from settings.strict import Strict
from settings.values import ExistingFile, ModelConfigFile, NgcPath, Text


class NgcSource(Strict):
    """A model that AIAA fetches from NVIDIA's NGC by itself. `version` is NGC's, a text."""

    path: NgcPath
    version: Text


class LocalSource(Strict):
    """A model from files: AIAA's config and the TorchScript weights, relative to the project's folder."""

    config: ModelConfigFile
    data: ExistingFile


class Model(Strict):
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
