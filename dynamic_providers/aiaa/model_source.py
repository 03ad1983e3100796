"""Where a model comes from, whose a model on a server is, and how one is brought there. Knows nothing of Pulumi.

AIAA keeps no record of who loaded a model. What we send therefore carries a mark in `inference.meta_data`, whose keys
AIAA shows in the model's public entry (documented in NVIDIA's model configuration page,
https://docs.nvidia.com/clara/clara-train-archive/4.0/aiaa/model_config.html): `managed_by`, the stack, and `digest`,
which tells a changed file from an unchanged one. A model that AIAA fetches from NGC by itself cannot carry a mark.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients.aiaa import AiaaClient, ModelEntry


class ForeignModel(Exception):
    """The name is taken by a model that is not ours."""


class SourceChanged(Exception):
    """A file is no longer the one that the preview showed."""


@dataclass(frozen=True)
class Ngc:
    """A model of NVIDIA's catalogue; `version` is NGC's, not the one that AIAA lists."""

    path: str
    version: str

    @property
    def digest(self) -> None:
        """AIAA tells nothing by which one download could be told from another."""

    def load(self, client: AiaaClient, name: str, owner: str, deadline: float) -> ModelEntry:
        del owner  # no place for a mark
        return client.load_from_ngc(name, self.path, self.version, deadline)

    def is_ours(self, entry: ModelEntry, owner: str, *, claimed: bool) -> bool:
        """An unmarked entry counts as this model under a name that our state claims, or NGC's own name for it."""
        return _owner(entry) == owner or (
            _owner(entry) is None and (claimed or entry.name == self.path.rpartition("/")[2])
        )


@dataclass(frozen=True)
class Local:
    """A model from files: AIAA's config and TorchScript weights, with the digests they had when they were planned."""

    config: Path
    config_digest: str
    weights: Path
    weights_digest: str

    @classmethod
    def of(cls, config: Path, weights: Path) -> Local:
        """Read and digest both files."""
        return cls(config, _config_digest(config), weights, _file_digest(weights))

    @property
    def digest(self) -> str:
        return f"{self.config_digest}.{self.weights_digest}"

    def load(self, client: AiaaClient, name: str, owner: str, deadline: float) -> ModelEntry:
        try:
            now = Local.of(self.config, self.weights)
        except OSError as error:
            raise SourceChanged(f"{error.filename} cannot be read any more: {error.strerror}") from None
        if now != self:
            raise SourceChanged(f"{self.config} or {self.weights} changed while this ran: run the command again")
        config = _marked(json.loads(self.config.read_bytes()), {"managed_by": owner, "digest": self.digest})
        return client.load_from_files(name, config, self.weights, deadline)

    def is_ours(self, entry: ModelEntry, owner: str, *, claimed: bool) -> bool:
        """Without our mark it is somebody's work, also under a name that our state claims."""
        del claimed
        return _owner(entry) == owner


Source = Ngc | Local


@dataclass(frozen=True)
class Known:
    """What our state says is on a server under a name; its owner is another one after a stack was renamed."""

    source: Source
    owner: str


def ensure(
    client: AiaaClient,
    name: str,
    source: Source,
    owner: str,
    *,
    known: Known | None,
    seen: bool,
    adopt: bool,
    reload: bool,
    deadline: float,
) -> ModelEntry:
    """Bring the model to the server unless it is there; returns its public entry.

    Repeatable: a run that was killed after the upload finds its model by the mark and leaves it at that.

    Args:
        known: what our state says is there under this name; None if it says nothing.
        seen: a refresh has shown what is there now. Then it may be replaced, unless another stack manages it: two
            stacks that replace each other's model would never end.
        adopt: replace somebody else's model of this name.
        reload: load even what is there already (a changed source, a new workspace).
        deadline: seconds.

    Raises:
        ForeignModel: the name is taken by somebody else's model, and `adopt` is not set.
        SourceChanged: a file changed after it was planned.
        ClientError: the server did not answer, or refused.
    """
    entry = client.find(name)
    if entry is not None:
        ours = source.is_ours(entry, owner, claimed=False)
        ours = ours or (known is not None and known.source.is_ours(entry, known.owner, claimed=True))
        if not (ours or adopt or (seen and _owner(entry) is None)):
            shown = "to see it in a preview, run `bin/pulumi refresh`; " if known and _owner(entry) is None else ""
            raise ForeignModel(f"{_whose(entry)}: {shown}choose another name, or set adopt: true to replace it")
        if ours and not reload and entry.meta.get("digest") == source.digest:
            return entry
    return source.load(client, name, owner, deadline)


def remove(
    client: AiaaClient, name: str, known: Source, owner: str, loaded: Mapping[str, Any], deadline: float
) -> str | None:
    """Unload the model if it is still ours; returns why it was left alone, if it was.

    Args:
        known: what our state says is there. loaded: its public entry after our load.

    Raises:
        ClientError: the server did not answer, or the model did not go.
    """
    entry = client.find(name)
    if entry is None:
        return None
    if not known.is_ours(entry, owner, claimed=True):
        return f"left on the server: {_whose(entry)}"
    if _owner(entry) is None and (changed := drift(entry, loaded, known.digest)):
        return f"left on the server: it is not what we loaded: {changed}"
    client.unload(name, deadline)
    return None


def drift(entry: ModelEntry, loaded: Mapping[str, Any], digest: str | None) -> str:
    """What is no longer as it was after our load, in words; "" if nothing."""
    told = []
    if entry.meta.get("digest") != digest:
        told.append("other files than ours were loaded")
    now = public(entry)
    told += [f"{key} is {now[key]!r}, was {loaded[key]!r}" for key in now if key in loaded and now[key] != loaded[key]]
    return "; ".join(told)


def public(entry: ModelEntry) -> dict[str, Any]:
    """What a model owner sees of a model: type, labels, version, description."""
    return {
        "type": entry.type,
        "labels": list(entry.labels),
        "version": entry.version,
        "description": entry.description,
    }


def _owner(entry: ModelEntry) -> object:
    return entry.meta.get("managed_by")


def _whose(entry: ModelEntry) -> str:
    owner = _owner(entry)
    return f"the server has a model {entry.name} that " + (f"stack {owner} manages" if owner else "we did not load")


def _marked(config: dict[str, Any], mark: Mapping[str, str]) -> dict[str, Any]:
    marked = copy.deepcopy(config)
    marked.setdefault("inference", {}).setdefault("meta_data", {}).update(mark)
    return marked


def _config_digest(path: Path) -> str:
    """Of the content, not of its layout: re-indenting a config is no change of the model."""
    canonical = json.dumps(json.loads(path.read_bytes()), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]
