"""An XNAT with AI-assisted annotation: read the settings, make the components, export what others need."""

import gc

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

from components import failures
from components.annotation_server import AnnotationServer, AnnotationServerArgs, ServerImages
from components.model_catalog import ModelCatalog, ModelCatalogArgs
from components.model_sources import sources
from components.sandbox import Sandbox, SandboxArgs
from components.viewer_plugin import ViewerPlugin, ViewerPluginArgs
from components.xnat_registrations import XnatRegistrations, XnatRegistrationsArgs
from settings import Settings, SettingsError

# What was imported stays: the collector need not look at all of it again for each few resources of a large stack.
gc.freeze()

try:
    settings = Settings.load(pulumi.Config(), {**get_config_env(), **CONFIG.get()})
    model_sources = sources(settings)
except SettingsError as error:
    raise pulumi.RunError(f"Pulumi.{pulumi.get_stack()}.yaml\n{error}") from None

pulumi.run(failures.end_of_program())
sandbox = Sandbox(SandboxArgs(settings.sandbox)) if settings.sandbox else None
servers = {}
for name, server in settings.servers.items():
    of_sandbox = sandbox is not None and "images" not in server.model_fields_set
    images = None if server.is_external else sandbox.images if sandbox and of_sandbox else ServerImages.of(server)
    servers[name] = AnnotationServer(name, AnnotationServerArgs(server, images, settings.registries))
catalogs = {
    name: ModelCatalog(name, ModelCatalogArgs(servers[name], server, settings.models_of(name), model_sources[name]))
    for name, server in settings.servers.items()
}
plugin = registrations = None
if settings.xnat and settings.xnat_url:
    after: list[pulumi.Resource] = [sandbox.xnat] if sandbox and sandbox.xnat else []
    if settings.viewer_plugin:
        plugin_args = ViewerPluginArgs(settings.viewer_plugin, settings.xnat_url)
        plugin = ViewerPlugin(plugin_args, pulumi.ResourceOptions(depends_on=after))
        after = [plugin]
    registrations = XnatRegistrations(
        XnatRegistrationsArgs(
            settings.xnat_url,
            settings.xnat_browser_url or settings.xnat_url,
            settings.xnat.username,
            settings.registrations,
            servers,
            catalogs,
        ),
        pulumi.ResourceOptions(depends_on=after),
    )

# A contract for other stacks and scripts: docs/outputs.md.
exported = {
    "servers": {
        name: {"url": made.url, "browser_url": made.browser_url, "runtime": settings.servers[name].runtime}
        for name, made in servers.items()
    },
    "models": {
        f"{server}/{name}": {"type": model.type, "labels": model.labels, "version": model.version}
        for server, catalog in catalogs.items()
        for name, model in catalog.models.items()
    },
    "registrations": {scope: made.urls for scope, made in registrations.lists.items()} if registrations else {},
    "xnat": {"url": settings.xnat_url}
    | ({"demo_login": sandbox.xnat_login} if sandbox and sandbox.xnat else {})
    | ({"viewer_plugin": plugin.version} if plugin else {}),
}
for key, value in exported.items():
    pulumi.export(key, failures.as_known(value))
