"""What NVIDIA's catalogue NGC has for medical imaging."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from clients.errors import ClientError
from clients.ngc import CatalogModel, NgcCatalog
from operations import table
from operations.errors import CommandFailed


def models(url: str) -> list[CatalogModel]:
    """
    Args:
        url: of NGC.

    Raises:
        CommandFailed: it cannot be asked, or has none.
    """
    try:
        return NgcCatalog(url).models()
    except ClientError as error:
        raise CommandFailed(error.line) from None


def show(found: Sequence[CatalogModel]) -> None:
    table.show(("NAME", "VERSION", "KIND", "TOLD"), [(each.name, each.version, each.kind, each.told) for each in found])


def as_json(url: str, found: Sequence[CatalogModel]) -> str:
    return json.dumps({"well": True, "url": url, "models": [asdict(each) for each in found]}, indent=2)
