"""`XnatRegistrations`: which server XNAT's viewer is told, for the site and for projects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.annotation_server import AnnotationServer
from components.model_catalog import ModelCatalog
from dynamic_providers.xnat.access import Access
from dynamic_providers.xnat.aiaa_servers import AiaaServers
from settings import Registrations


@dataclass(frozen=True)
class XnatRegistrationsArgs:
    """
    Attributes:
        url: XNAT's address.
        username: the account that writes.
        registrations: what the stack file says.
        servers, catalogs: by server name; a server is registered after its models and their smoke tests.
    """

    url: pulumi.Input[str]
    username: str
    registrations: Registrations
    servers: Mapping[str, AnnotationServer]
    catalogs: Mapping[str, ModelCatalog]


class XnatRegistrations(pulumi.ComponentResource):
    """The check of what is needed, then the lists, by scope (`site`, `projects/<ID>`)."""

    access: Access
    lists: dict[str, AiaaServers]

    def __init__(self, args: XnatRegistrationsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("xnat-aiaa:index:XnatRegistrations", "xnat", None, opts)
        self.access = Access(
            url=args.url,
            username=args.username,
            projects=args.registrations.projects,
            # XNAT itself may be a part of this stack; the check comes after whatever we are told to come after.
            opts=pulumi.ResourceOptions(parent=self, depends_on=opts.depends_on if opts else None),
        )
        self.lists = {}
        for scope, registration in args.registrations.by_scope():
            if len(registration.servers) > 1:
                pulumi.log.warn(f"registrations.{scope.replace('/', '.')}: the viewer uses the first server only")
            after: list[pulumi.Resource] = [self.access]
            for name in registration.servers:
                catalog = args.catalogs[name]
                after += [args.servers[name].endpoint, *catalog.models.values(), *catalog.smoke_tests.values()]
            self.lists[scope] = AiaaServers(
                scope,
                xnat_url=args.url,
                urls=[args.servers[name].browser_url for name in registration.servers],
                adopt=registration.adopt,
                on_delete=registration.on_delete,
                opts=pulumi.ResourceOptions(parent=self, depends_on=after),
            )
        self.register_outputs({"registrations": list(self.lists)})
