"""`ModelCatalog`: the models of one server, each with a try of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.annotation_server import AnnotationServer
from dynamic_providers.aiaa.model import Model
from dynamic_providers.aiaa.model_source import Local, Ngc, Source
from dynamic_providers.aiaa.smoke_test import SmokeTest
from settings import Model as ModelSettings
from settings import Server


@dataclass(frozen=True)
class ModelCatalogArgs:
    """
    Attributes:
        annotation_server: where the models go.
        server: what the stack file says of that server.
        models: what the stack file says of its models, by name.
    """

    annotation_server: AnnotationServer
    server: Server
    models: Mapping[str, ModelSettings]


class ModelCatalog(pulumi.ComponentResource):
    """Models by name, and the smoke tests of those that have one."""

    models: dict[str, Model]
    smoke_tests: dict[str, SmokeTest]

    def __init__(self, server: str, args: ModelCatalogArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("xnat-aiaa:index:ModelCatalog", server, None, opts)
        self.models = {name: self._model(server, name, model, args) for name, model in args.models.items()}
        self.smoke_tests = {
            name: self._smoke_test(server, name, model, args) for name, model in args.models.items() if model.smoke_test
        }
        self.register_outputs({"models": list(self.models)})

    def _model(self, server: str, name: str, model: ModelSettings, args: ModelCatalogArgs) -> Model:
        host = args.annotation_server
        return Model(
            server,
            name,
            _source(model),
            url=host.url,
            generation=host.generation,
            adopt=model.adopt,
            timeout=args.server.load_timeout,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[host.endpoint],
                deleted_with=host.volume,
                retain_on_delete=model.retain,
            ),
        )

    def _smoke_test(self, server: str, name: str, model: ModelSettings, args: ModelCatalogArgs) -> SmokeTest:
        host = args.annotation_server
        return SmokeTest(
            server,
            name,
            url=host.url,
            tested={
                "source": _in_words(_source(model)),
                "engine": args.server.engine,
                "generation": host.generation,
                "ensured_at": self.models[name].ensured_at,  # after a repair it is loaded again, with the same source
                **host.containers,
            },
            timeout=args.server.infer_timeout,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.models[name]]),
        )


def _source(model: ModelSettings) -> Source:
    if model.ngc:
        return Ngc(model.ngc.path, model.ngc.version)
    assert model.local is not None  # noqa: S101 - settings saw to it
    return Local.of(model.local.config, model.local.data)


def _in_words(source: Source) -> str:
    return f"NGC {source.path}:{source.version}" if isinstance(source, Ngc) else f"files {source.digest}"
