"""`ModelCatalog`: the models of one server, each with a try of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

import pulumi

from components.annotation_server import AnnotationServer
from dynamic_providers.aiaa import model_inputs
from dynamic_providers.aiaa.model import Model
from dynamic_providers.aiaa.model_source import Ngc, Sent, Source
from dynamic_providers.aiaa.packages import Archive, Files, FromNgc, Package, Pinned
from dynamic_providers.aiaa.smoke_test import SmokeTest
from model_files.config import Declared, declared
from settings import Model as ModelSettings
from settings import PinnedFile, Server


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
    """Models by name, pipelines after the models that they are made of, and the smoke tests of those that have one."""

    models: dict[str, Model]
    smoke_tests: dict[str, SmokeTest]

    def __init__(self, server: str, args: ModelCatalogArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("xnat-aiaa:index:ModelCatalog", server, None, opts)
        self.models, self.smoke_tests = {}, {}
        parts = {name: model.parts for name, model in args.models.items()}
        for name in TopologicalSorter(parts).static_order():
            self._add(server, name, args, parts[name])
        self.register_outputs({"models": list(args.models)})

    def _add(self, server: str, name: str, args: ModelCatalogArgs, parts: Sequence[str]) -> None:
        model, host = args.models[name], args.annotation_server
        source = _source(model, args.server)
        self.models[name] = Model(
            server,
            name,
            source,
            url=host.url,
            generation=host.generation,
            adopt=model.adopt,
            timeout=args.server.load_timeout,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[host.endpoint, *(self.models[part] for part in parts)],
                deleted_with=host.volume,
                retain_on_delete=model.retain,
            ),
        )
        if model.smoke_test:
            self.smoke_tests[name] = SmokeTest(
                server,
                name,
                url=host.url,
                declared=_declared(source),
                tested={
                    "source": model_inputs.in_words(source),
                    "engine": args.server.engine,
                    "generation": host.generation,
                    "ensured_at": self.models[name].ensured_at,  # after a repair it is loaded again, from the same
                    **{part: self.models[part].ensured_at for part in parts},
                    **host.containers,
                },
                timeout=args.server.infer_timeout,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[self.models[name]]),
            )


def _source(model: ModelSettings, server: Server) -> Source:
    if model.ngc and model.ngc.fetch == "server":
        return Ngc(model.ngc.path, model.ngc.version, server.speaks)
    return Sent(_package(model, server), server.speaks, server.engine, model.mark)


def _package(model: ModelSettings, server: Server) -> Package:
    if model.ngc:
        return FromNgc(model.ngc.path, model.ngc.version, server.speaks)
    if model.mmar:
        return Archive.of(model.mmar, server.speaks)
    if model.local:
        data = model.local.data
        if isinstance(data, PinnedFile):
            return Pinned.of(model.local.config, data.url, data.sha256)
        return Files.of(model.local.config, data)
    assert model.pipeline is not None  # noqa: S101 - settings saw to it
    return Files.of(model.pipeline.config, None)


def _declared(source: Source) -> Declared | None:
    """None of a model whose config is not known here: the server is asked."""
    if isinstance(source, Ngc) or source.package.document is None:
        return None
    return declared(source.package.document)
