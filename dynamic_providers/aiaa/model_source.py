"""Where a model comes from, whose a model on a server is, and how one is brought there. Knows nothing of Pulumi.

AIAA keeps no record of who loaded a model. What we send therefore carries a mark in `inference.meta_data` (before 4.0,
`inference.additional_info`), whose keys AIAA shows in the model's public entry (documented in NVIDIA's model
configuration page, https://docs.nvidia.com/clara/clara-train-archive/4.0/aiaa/model_config.html): `managed_by`, the
stack; `digest`, which tells a changed file from an unchanged one; and `origin` of what came from NGC by way of the
deploying machine. A model that AIAA fetches from NGC by itself cannot carry a mark, and `mark: false` leaves it out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clients.aiaa import AiaaClient, ModelEntry
from clients.connection import Deadline
from clients.errors import Broken, ClientError, Rejected
from dynamic_providers.aiaa.packages import Content, Package, Tell
from model_files import config, torchscript
from model_files.config import Api, Engine


class ForeignModel(Exception):
    """The name is taken by a model that is not ours."""


class Unfit(Exception):
    """The server would not take the files, or could not use them."""


class NotAsSent(Exception):
    """The server took a model, and lists another."""


@dataclass(frozen=True)
class Loaded:
    """A model's public entry, and the digest that its mark says; None for a model without."""

    entry: ModelEntry
    digest: str | None


@dataclass(frozen=True)
class Ngc:
    """A model of NVIDIA's catalogue that AIAA fetches; `version` is NGC's, not the one that AIAA lists."""

    path: str
    version: str
    api: Api = "clara-4.0"

    def load(self, client: AiaaClient, name: str, owner: str, deadline: float, tell: Tell) -> Loaded:
        del owner, tell  # no place for a mark, and the server tells nothing of its download
        as_form = self.api == "clara-4.1"
        return Loaded(client.load_from_ngc(name, self.path, self.version, deadline, as_form=as_form), None)

    def is_there(self, entry: ModelEntry) -> bool:
        """AIAA tells nothing by which one download could be told from another: one without a mark may be it."""
        return entry.meta.get("digest") is None

    def is_ours(self, entry: ModelEntry, owner: str, *, claimed: bool) -> bool:
        """An unmarked entry counts as this model under a name that our state claims, or NGC's own name for it."""
        return _owner(entry) == owner or (
            _owner(entry) is None and (claimed or entry.name == self.path.rpartition("/")[2])
        )


@dataclass(frozen=True)
class Sent:
    """A model whose config and weights we send."""

    package: Package
    api: Api = "clara-4.0"
    engine: Engine = "triton"
    marked: bool = True

    def load(self, client: AiaaClient, name: str, owner: str, deadline: float, tell: Tell) -> Loaded:
        limit = Deadline(deadline)
        with self.package.open(deadline, tell) as content:
            self._require_fit(content)
            mark = self._mark(content, owner)
            document = config.marked(content.config, mark, self.api) if mark else content.config
            entry = client.load_from_files(
                name,
                document,
                content.weights,
                limit.left,
                filename="model.trt.pb" if self.api == "clara-3.1" else "model.ts",
                is_it=lambda found: not _differences(found, content.config, mark),
                tell=tell,
            )
            if told := _differences(entry, content.config, mark):
                raise NotAsSent(told)
        return Loaded(entry, mark.get("digest"))

    def is_there(self, entry: ModelEntry) -> bool:
        planned, origin = self.package.planned, self.package.origin
        if not self.marked:
            return _owner(entry) is None and self._is_like(entry)
        return entry.meta.get("digest") == str(planned) if planned else entry.meta.get("origin") == origin

    def is_ours(self, entry: ModelEntry, owner: str, *, claimed: bool) -> bool:
        """Without our mark it is somebody's work, also under a name that our state claims; unless ours bear none: then
        an unmarked one counts as ours that our state claims, that looks as our config says, or has NGC's own name."""
        if self.marked or _owner(entry) is not None:
            return _owner(entry) == owner
        ngc_name = (self.package.origin or "").partition(":")[0].rpartition("/")[2]
        return claimed or self._is_like(entry) or entry.name == ngc_name

    def _is_like(self, entry: ModelEntry) -> bool:
        return self.package.document is not None and not _differences(entry, self.package.document, {})

    def _mark(self, content: Content, owner: str) -> dict[str, str]:
        if not self.marked:
            return {}
        origin = {"origin": self.package.origin} if self.package.origin else {}
        return {"managed_by": owner, "digest": str(content.digests)} | origin

    def _require_fit(self, content: Content) -> None:
        """What AIAA takes without a word and could then not use, or refuses after an upload of gigabytes."""
        config_name, weights_name = content.names
        has_weights = content.weights is not None
        found = config.problems(content.config, config_name, api=self.api, engine=self.engine, has_weights=has_weights)
        told = [str(problem) for problem in found]
        if content.weights and (problem := torchscript.problems(content.weights, api=self.api, file=weights_name)):
            told.append(problem)
        if told:
            raise Unfit("; ".join(told))


Source = Ngc | Sent


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
    tell: Tell = lambda _line: None,
) -> Loaded:
    """Bring the model to the server unless it is there.

    Repeatable: a run that was killed after the upload finds its model by the mark and leaves it at that.

    Args:
        known: what our state says is there under this name; None if it says nothing.
        seen: a refresh has shown what is there now. Then it may be replaced, unless another stack manages it: two
            stacks that replace each other's model would never end.
        adopt: replace somebody else's model of this name.
        reload: load even what is there already (a changed source, a new workspace).
        deadline: seconds.
        tell: is told now and then how far a transfer is.

    Raises:
        ForeignModel: the name is taken by somebody else's model, and `adopt` is not set.
        SourceChanged: a file changed after it was planned.
        Unfit, Unusable: the files are not what the server needs.
        NotAsSent: the server took the model, and lists another.
        ClientError: the server did not answer, or refused.
    """
    entry = client.find(name)
    if entry is not None:
        ours = source.is_ours(entry, owner, claimed=False)
        ours = ours or (known is not None and known.source.is_ours(entry, known.owner, claimed=True))
        if not (ours or adopt or (seen and _owner(entry) is None)):
            shown = "to see it in a preview, run `bin/pulumi refresh`; " if known and _owner(entry) is None else ""
            raise ForeignModel(f"{_whose(entry)}: {shown}choose another name, or set adopt: true to replace it")
        if ours and not reload and source.is_there(entry):
            return Loaded(entry, _digest(entry))
    try:
        return source.load(client, name, owner, deadline, tell)
    except (Rejected, Broken) as error:
        if entry is None:
            raise
        raise type(error)(f"{error}; {_lists_now(client, name)}", advice=error.advice) from None


def remove(
    client: AiaaClient,
    name: str,
    known: Source,
    owner: str,
    loaded: Mapping[str, Any],
    digest: str | None,
    deadline: float,
) -> str | None:
    """Unload the model if it is still ours; returns why it was left alone, if it was.

    Args:
        known: what our state says is there. loaded: its public entry after our load. digest: that its mark says.

    Raises:
        ClientError: the server did not answer, or the model did not go.
    """
    entry = client.find(name)
    if entry is None:
        return None
    if not known.is_ours(entry, owner, claimed=True):
        return f"left on the server: {_whose(entry)}"
    if _owner(entry) is None and (changed := drift(entry, loaded, digest)):
        return f"left on the server: it is not what we loaded: {changed}"
    client.unload(name, deadline)
    return None


def drift(entry: ModelEntry, loaded: Mapping[str, Any], digest: str | None) -> str:
    """What is no longer as it was after our load, in words; "" if nothing."""
    told = []
    if _digest(entry) != digest:
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


def _differences(entry: ModelEntry, sent: Mapping[str, Any], mark: Mapping[str, str]) -> str:
    """What the server lists otherwise than it was sent, in words; "" if nothing."""
    wanted: dict[str, Any] = {
        "type": sent.get("type"),
        "labels": sent.get("labels"),
        "version": str(sent.get("version")),
    }
    now = public(entry)
    told = [f"{key} {now[key]!r}, not {value!r}" for key, value in wanted.items() if now[key] != value]
    told += [
        f"{key} {entry.meta.get(key)!r}, not {value!r}" for key, value in mark.items() if entry.meta.get(key) != value
    ]
    return "; ".join(told)


def _lists_now(client: AiaaClient, name: str) -> str:
    with contextlib.suppress(ClientError):
        entry = client.find(name)
        if entry is None:
            return "the server lists no model of this name now"
        labels = f", labels {', '.join(entry.labels)}" if entry.labels else ""
        return f"the server lists version {entry.version} of it now ({entry.type}{labels})"
    return "what the server lists now cannot be told"


def _owner(entry: ModelEntry) -> object:
    return entry.meta.get("managed_by")


def _digest(entry: ModelEntry) -> str | None:
    digest = entry.meta.get("digest")
    return None if digest is None else str(digest)


def _whose(entry: ModelEntry) -> str:
    owner = _owner(entry)
    return f"the server has a model {entry.name} that " + (f"stack {owner} manages" if owner else "we did not load")
