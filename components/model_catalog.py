"""`ModelCatalog`: the models of one server, each with a try of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

import pulumi

from components.annotation_server import AnnotationServer
from components.model_sources import Sources
from dynamic_providers.aiaa import model_inputs
from dynamic_providers.aiaa.model import Model
from dynamic_providers.aiaa.model_source import Ngc, Source
from dynamic_providers.aiaa.smoke_test import SmokeTest
from model_files.config import Declared, declared
from settings import Model as ModelSettings
from settings import Server


@dataclass(frozen=True)
class ModelCatalogArgs:
    """
    Attributes:
        annotation_server: where the models go.
        server: what the stack file says of that server.
        models: what the stack file says of its models, by name.
        sources: where they come from.
    """

    annotation_server: AnnotationServer
    server: Server
    models: Mapping[str, ModelSettings]
    sources: Sources


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
        source = args.sources[name]
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


def _declared(source: Source) -> Declared | None:
    """None of a model whose config is not known here: the server is asked."""
    if isinstance(source, Ngc) or source.package.document is None:
        return None
    return declared(source.package.document)
