"""`XnatRegistrations`: which server XNAT's viewer is told, for the site and for projects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.annotation_server import AnnotationServer
from components.model_catalog import ModelCatalog
from dynamic_providers.xnat.access import Access
from dynamic_providers.xnat.aiaa_servers import AiaaServers
from dynamic_providers.xnat.browser_check import BrowserCheck
from settings import Registrations


@dataclass(frozen=True)
class XnatRegistrationsArgs:
    """
    Attributes:
        url: XNAT's address.
        browser_url: XNAT's address for browsers.
        username: the account that writes.
        registrations: what the stack file says.
        servers, catalogs: by server name; a server is registered after its models and their smoke tests.
    """

    url: pulumi.Input[str]
    browser_url: str
    username: str
    registrations: Registrations
    servers: Mapping[str, AnnotationServer]
    catalogs: Mapping[str, ModelCatalog]


class XnatRegistrations(pulumi.ComponentResource):
    """The checks of what is needed, then the lists, by scope (`site`, `projects/<ID>`)."""

    access: Access
    checks: dict[str, BrowserCheck]
    lists: dict[str, AiaaServers]

    def __init__(self, args: XnatRegistrationsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("xnat-aiaa:index:XnatRegistrations", "xnat", None, opts)
        self.access = Access(
            url=args.url,
            username=args.username,
            projects=args.registrations.projects,
            kept=[id_ for id_, each in args.registrations.projects.items() if each.on_delete == "keep"],
            site=args.registrations.site is not None,
            # XNAT itself may be a part of this stack; the check comes after whatever we are told to come after.
            opts=pulumi.ResourceOptions(parent=self, depends_on=opts.depends_on if opts else None),
        )
        # One for each server, and the lists depend on that alone: a hospital has hundreds of them, and state repeats
        # for each what it depends on.
        self.checks = {
            name: BrowserCheck(
                name,
                url=server.browser_url,
                xnat=args.browser_url,
                rules=rules,
                opts=pulumi.ResourceOptions(
                    parent=self, depends_on=[self.access, *_serving(server, args.catalogs[name])]
                ),
            )
            for name, server in args.servers.items()
            if (rules := args.registrations.binding(name)) or name in args.registrations.servers
        }
        self.lists = {}
        for scope, registration in args.registrations.by_scope():
            if len(registration.servers) > 1:
                pulumi.log.warn(f"registrations.{scope.replace('/', '.')}: the viewer uses the first server only")
            self.lists[scope] = AiaaServers(
                scope,
                xnat_url=args.url,
                urls=[args.servers[name].browser_url for name in registration.servers],
                adopt=registration.adopt,
                on_delete=registration.on_delete,
                opts=pulumi.ResourceOptions(
                    parent=self, depends_on=[self.checks[name] for name in registration.servers]
                ),
            )
        self.register_outputs({"registrations": list(self.lists)})


def _serving(server: AnnotationServer, catalog: ModelCatalog) -> list[pulumi.Resource]:
    """What has to be there of a server before XNAT is told of it."""
    return [server.endpoint, *catalog.models.values(), *catalog.smoke_tests.values()]
