"""A model's source as inputs of its resource: flat, in a model owner's words, as a preview lists what changed by them.

`config` is the document itself, so that a preview shows the fields that changed, and not a digest of them. It is JSON
in one text, which Pulumi's display takes apart: of an object, the engine handles and logs each of its hundred values
several times, and a preview of many models took half as long again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from clients.ngc import NgcCatalog
from dynamic_providers.aiaa.model_source import Ngc, Sent, Source
from dynamic_providers.aiaa.packages import Archive, Digests, Files, FromNgc, Package, Pinned

# What means another model, if it changes. The config's digest stands for it: another layout is no change. Nor is
# another `api`: a server that became a new one keeps what its workspace has, in whatever form it came.
SOURCE = ("ngc", "ngc_version", "ngc_fetch", "config_digest", "weights_digest", "mark")

_DEPLOYER = "deployer"


def of(source: Source) -> dict[str, Any]:
    """The inputs that tell where a model comes from."""
    if isinstance(source, Ngc):
        return {"ngc": source.path, "ngc_version": source.version, "api": source.api}
    # A mark is the rule, and states of before it could be left out say nothing of it.
    others = {"api": source.api, "engine": source.engine} | ({} if source.marked else {"mark": False})
    return _of_package(source.package) | others


def _of_package(package: Package) -> dict[str, Any]:
    if isinstance(package, FromNgc):
        return {"ngc": package.path, "ngc_version": package.version, "ngc_fetch": _DEPLOYER}
    planned = package.planned
    assert planned is not None  # noqa: S101 - all others are planned
    sizes = {"weights_digest": planned.weights, "weights_size": planned.size}
    known = {key: value for key, value in sizes.items() if value is not None}
    text = json.dumps(package.document, sort_keys=True, ensure_ascii=False)
    common = {"config": text, "config_digest": planned.config, **known}
    if isinstance(package, Archive):
        return common | {"mmar": str(package.mmar)}
    if isinstance(package, Pinned):
        return common | {
            "config_file": str(package.config),
            "weights_url": package.url,
            "weights_sha256": package.sha256,
        }
    assert isinstance(package, Files)  # noqa: S101 - the last that there is
    return (
        common | {"config_file": str(package.config)} | ({"weights": str(package.weights)} if package.weights else {})
    )


def source_of(props: Mapping[str, Any], catalog: Callable[[], NgcCatalog]) -> Source:
    """
    Args:
        props: inputs, or a state that may be of a former release.
        catalog: opens NGC's catalogue.
    """
    api, engine = props.get("api", "clara-4.0"), props.get("engine", "triton")
    if props.get("ngc") and not props.get("ngc_fetch"):
        return Ngc(props["ngc"], str(props["ngc_version"]), api)
    return Sent(_package(props, catalog), api, engine, marked=props.get("mark", True))


def _package(props: Mapping[str, Any], catalog: Callable[[], NgcCatalog]) -> Package:
    if props.get("ngc"):
        return FromNgc(props["ngc"], str(props["ngc_version"]), props["api"], catalog)
    planned = Digests(props["config_digest"], props.get("weights_digest"), props.get("weights_size"))
    document = _document(props.get("config"))
    if props.get("mmar"):
        return Archive(Path(props["mmar"]), props["api"], planned, document)
    config = Path(props.get("config_file") or props["config"])
    if props.get("weights_url"):
        return Pinned(config, props["weights_url"], props["weights_sha256"], planned, document)
    return Files(config, Path(props["weights"]) if props.get("weights") else None, planned, document)


def _document(text: object) -> Mapping[str, Any] | None:
    """None for what was there once: the file's path."""
    return json.loads(text) if isinstance(text, str) and text.startswith("{") else None


def bears_a_mark(props: Mapping[str, Any]) -> bool:
    """Whether what is loaded tells of itself what it is."""
    by_server = bool(props.get("ngc")) and not props.get("ngc_fetch")
    return not by_server and bool(props.get("mark", True))


def marked_digest(state: Mapping[str, Any]) -> str | None:
    """The digest that the model's mark says; None for a model without a mark."""
    if not bears_a_mark(state):
        return None
    if state.get("digest"):
        return str(state["digest"])
    return str(Digests(state["config_digest"], state.get("weights_digest")))  # a state of a former release


def in_words(source: Source) -> str:
    """What tells one source from another, in one short line."""
    if isinstance(source, Ngc):
        return f"NGC {source.path}:{source.version}"
    if source.package.origin:
        return f"NGC {source.package.origin}, fetched by the deploying machine"
    return f"files {source.package.planned}"
