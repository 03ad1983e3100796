"""Where a model comes from, and whether an entry of a server's list is that model. Knows nothing of Pulumi.

AIAA keeps no record of who loaded a model. What we send therefore carries a mark in `inference.meta_data` (before 4.0,
`inference.additional_info`), whose keys AIAA shows in the model's public entry (documented in NVIDIA's model
configuration page, https://docs.nvidia.com/clara/clara-train-archive/4.0/aiaa/model_config.html): `managed_by`, the
stack; `digest`, which tells a changed file from an unchanged one; and `origin` of what came from NGC by way of the
deploying machine. A model that AIAA fetches from NGC by itself cannot carry a mark, and `mark: false` leaves it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from clients.aiaa import AiaaClient, ModelEntry
from clients.connection import Deadline
from clients.errors import Unreachable
from dynamic_providers.aiaa.packages import Content, Package, Tell
from model_files import config, weights
from model_files.config import Api, Engine


class Unfit(Exception):
    """The server would not take the files, or could not use them."""


class NotAsSent(Exception):
    """The server took a model, and lists another."""


Standing = Literal["wanted", "ours", "nobodys", "others"]
"""Of an entry under a name of ours: it is ours and just what is to be there; another version of ours; without a mark,
and nothing else says that it is ours; another stack's."""


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

    def standing(self, entry: ModelEntry, owner: str, *, claimed: bool) -> Standing:
        """An entry without a mark counts as this model under a name that our state claims, or NGC's own name for it:
        AIAA tells nothing by which one download could be told from another."""
        if owner_of(entry) is not None:
            return "ours" if owner_of(entry) == owner else "others"
        return "wanted" if claimed or entry.name == self.path.rpartition("/")[2] else "nobodys"


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
            if not limit.left:
                message = f"nothing was sent: the {deadline:.0f} s for it were over when its files were here"
                raise Unreachable(message, advice="run the command again, or raise the server's load_timeout")
            mark = self._mark(content, owner)
            document = config.marked(content.config, mark, self.api) if mark else content.config
            entry = client.load_from_files(
                name,
                document,
                content.weights,
                limit.left,
                filename=self._filename(content),
                is_it=lambda found: not _differences(found, content.config, mark),
                tell=tell,
            )
            if message := _differences(entry, content.config, mark):
                raise NotAsSent(message)
        return Loaded(entry, mark.get("digest"))

    def standing(self, entry: ModelEntry, owner: str, *, claimed: bool) -> Standing:
        """Without our mark it is somebody's work, also under a name that our state claims; unless ours bear none: then
        our state's claim decides, or NGC's own name. Never what it looks like: many models have the same labels."""
        if owner_of(entry) is not None:
            if owner_of(entry) != owner:
                return "others"
            return "wanted" if self.marked and self._is_wanted(entry) else "ours"
        ngc_name = (self.package.origin or "").partition(":")[0].rpartition("/")[2]
        if self.marked or not (claimed or entry.name == ngc_name):
            return "nobodys"
        return "wanted" if self._is_like(entry) else "ours"

    def _is_wanted(self, entry: ModelEntry) -> bool:
        planned = self.package.planned
        if planned is None:
            return entry.meta.get("origin") == self.package.origin
        return entry.meta.get("digest") == str(planned) and self._is_like(entry)

    def _is_like(self, entry: ModelEntry) -> bool:
        document = self.package.document
        return document is None or not _differences(entry, document, {})

    def _mark(self, content: Content, owner: str) -> dict[str, str]:
        if not self.marked:
            return {}
        origin = {"origin": self.package.origin} if self.package.origin else {}
        return {"managed_by": owner, "digest": str(content.digests)} | origin

    def _filename(self, content: Content) -> str:
        if content.weights is None:
            return ""
        own = content.names[1].rpartition("/")[2]
        return weights.sent_as(content.weights, content.config, api=self.api, engine=self.engine, name=own)

    def _require_fit(self, content: Content) -> None:
        """What AIAA takes without a word and could then not use, or refuses after an upload of gigabytes."""
        config_name, weights_name = content.names
        has_weights = content.weights is not None
        found = config.problems(content.config, config_name, api=self.api, engine=self.engine, has_weights=has_weights)
        problems = [str(problem) for problem in found]
        if content.weights:
            problem = weights.problems(
                content.weights, content.config, api=self.api, engine=self.engine, file=weights_name
            )
            problems += [problem] if problem else []
        if problems:
            raise Unfit("; ".join(problems))


Source = Ngc | Sent


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
    differences = [f"{key} {now[key]!r}, not {value!r}" for key, value in wanted.items() if now[key] != value]
    differences += [
        f"{key} {entry.meta.get(key)!r}, not {value!r}" for key, value in mark.items() if entry.meta.get(key) != value
    ]
    return "; ".join(differences)


def owner_of(entry: ModelEntry) -> object:
    """The stack that its mark names; None without a mark."""
    return entry.meta.get("managed_by")


def digest_of(entry: ModelEntry) -> str | None:
    """Of what it was loaded from, as its mark says; None without a mark."""
    digest = entry.meta.get("digest")
    return None if digest is None else str(digest)
