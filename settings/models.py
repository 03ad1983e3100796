"""`models.<name>`: models, and where each comes from; `ngc`: the account on NVIDIA's catalogue."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator, Field, model_validator

from model_files import config, weights
from model_files.config import Api, Engine
from model_files.errors import Unusable
from model_files.mmar import Mmar
from settings.errors import nested, shown
from settings.strict import Strict
from settings.values import (
    BaseUrl,
    ExistingPath,
    FileUrl,
    ModelConfigFile,
    NgcPath,
    Password,
    Sha256,
    Text,
    VariableName,
    existing_file,
)

_SOURCES = ("ngc", "local", "mmar", "pipeline")


class NgcSource(Strict):
    """A model of NVIDIA's NGC. `version` is NGC's, a text. `fetch`: who downloads it, AIAA or who deploys."""

    path: NgcPath
    version: Text
    fetch: Literal["server", "deployer"] = "server"


class PinnedFile(Strict):
    """A file that is fetched when it is needed, and must then be the one that was meant."""

    url: FileUrl
    sha256: Sha256

    @property
    def name(self) -> str:
        return posixpath.basename(unquote(urlsplit(self.url).path))


def _data(value: object) -> object:
    if isinstance(value, str) and "://" in value:
        raise ValueError(f"a URL is given with its checksum: write {{url: {shown(value)}, sha256: ...}}")
    return nested(PinnedFile, value) if isinstance(value, Mapping) else existing_file(value)


class LocalSource(Strict):
    """A model from files: AIAA's config and the weights, relative to the project's folder; or weights from a URL."""

    config: ModelConfigFile
    data: Annotated[Path | PinnedFile, BeforeValidator(_data)]


class PipelineSource(Strict):
    """A config alone: other models of the same server, or inference code in its workspace, do the work."""

    config: ModelConfigFile


class Model(Strict):
    """One model on one or more servers."""

    ngc: NgcSource | None = None
    local: LocalSource | None = None
    mmar: ExistingPath | None = None
    pipeline: PipelineSource | None = None
    servers: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    adopt: bool = False
    retain: bool = False
    mark: bool = True
    smoke_test: bool = True

    @model_validator(mode="after")
    def _one_source(self) -> Model:
        given = [source for source in _SOURCES if getattr(self, source) is not None]
        if len(given) != 1:
            message = f"not both {' and '.join(given)}" if given else "ngc, local, mmar or pipeline"
            raise ValueError(f"give exactly one source: {message}")
        return self

    @property
    def source(self) -> str:
        """The key of the one that is given."""
        return next(source for source in _SOURCES if getattr(self, source) is not None)

    def problems(self, api: Api, engine: Engine) -> Iterator[tuple[str, str]]:
        """Why a server could not take this model, as far as its files tell before an upload: pairs of the key here and
        what is wrong."""
        if self.local:
            data = self.local.data
            yield from _of_config("local.config", self.local.config, api, engine, has_weights=True)
            document = config.read(self.local.config)
            if isinstance(data, Path) and (wrong := weights.problems(data, document, api=api, engine=engine)):
                yield "local.data", wrong
        if self.pipeline:
            yield from _of_config("pipeline.config", self.pipeline.config, api, engine, has_weights=False)
        if self.mmar:
            try:
                with Mmar.open(self.mmar, api) as mmar:
                    file = f"{self.mmar}: {mmar.config_name}"
                    document = config.parse(mmar.config, file)
                    found = config.problems(document, file, api=api, engine=engine, has_weights=True)
                    yield from (("mmar", str(problem)) for problem in found)
            except Unusable as error:
                yield "mmar", str(error)

    def declared(self, api: Api) -> config.Declared | None:
        """The image that the model takes; None if its configuration is not here, but in NVIDIA's catalogue.

        Args:
            api: of the server.

        Raises:
            Unusable: its files cannot be read.
        """
        if source := self.pipeline or self.local:
            return config.declared(config.read(source.config))
        if self.mmar:
            with Mmar.open(self.mmar, api) as mmar:
                return config.declared(config.parse(mmar.config, f"{self.mmar}: {mmar.config_name}"))
        return None

    @property
    def parts(self) -> tuple[str, ...]:
        """The models of the same server that it is made of, if it is a pipeline."""
        source = self.pipeline or self.local
        return config.parts(config.read(source.config)) if source else ()


def _of_config(key: str, path: Path, api: Api, engine: Engine, *, has_weights: bool) -> Iterator[tuple[str, str]]:
    document: Mapping[str, Any] = config.read(path)
    for problem in config.problems(document, str(path), api=api, engine=engine, has_weights=has_weights):
        yield key, str(problem)


class NgcAccount(Strict):
    """NVIDIA's catalogue, for models that the deploying machine fetches. Public models need no key.

    Without `api_key` and `api_key_env`, the key is NVIDIA's own environment variable's, or the one that
    `ngc config set` wrote.
    """

    url: BaseUrl = "https://api.ngc.nvidia.com"
    api_key: Password | None = None
    api_key_env: VariableName | None = None

    @model_validator(mode="after")
    def _one_key(self) -> NgcAccount:
        if self.api_key is not None and self.api_key_env is not None:
            raise ValueError("give api_key (a secret) or api_key_env, not both")
        return self
