"""The source of each model on each server. Its files are read completely, before anything is registered. So a preview
reports damaged files, like every other fault of a stack file."""

from __future__ import annotations

from collections.abc import Mapping

from dynamic_providers.aiaa.model_source import Ngc, Sent, Source
from dynamic_providers.aiaa.packages import Archive, Files, FromNgc, Package, Pinned
from model_files.errors import Unusable
from settings import Model, PinnedFile, Server, Settings, SettingsError

Sources = Mapping[str, Source]
"""By the model's name."""


def sources(settings: Settings) -> dict[str, Sources]:
    """By the server's name.

    Raises:
        SettingsError: files cannot be read or are damaged; one line for each model.
    """
    made: dict[str, dict[str, Source]] = {name: {} for name in settings.servers}
    wrong: dict[str, None] = {}
    for server_name, server in settings.servers.items():
        for name, model in settings.models_of(server_name).items():
            try:
                made[server_name][name] = _source(model, server)
            except Unusable as error:
                wrong[f"models.{name}.{model.source}: {error}"] = None
            except OSError as error:
                message = f"{error.filename or 'a file'}: cannot be read: {error.strerror or error}"
                wrong[f"models.{name}.{model.source}: {message}"] = None
    if wrong:
        raise SettingsError("\n".join(wrong))
    return dict(made)


def _source(model: Model, server: Server) -> Source:
    if model.ngc and model.ngc.fetch == "server":
        return Ngc(model.ngc.path, model.ngc.version, server.speaks)
    return Sent(_package(model, server), server.speaks, server.engine, model.mark)


def _package(model: Model, server: Server) -> Package:
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
