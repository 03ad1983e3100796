"""Whose a model on a server is, and how one is brought there or taken away. Knows nothing of Pulumi."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clients.aiaa import AiaaClient, ModelEntry
from clients.errors import Broken, ClientError, NotReady, Rejected
from dynamic_providers.aiaa.model_source import Loaded, Source, Standing, digest_of, owner_of, public
from dynamic_providers.aiaa.packages import Tell


class ForeignModel(Exception):
    """The name is taken by a model that is not ours."""


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
        reload: load even what seems to be there already (a new workspace; a new version of what bears no mark).
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
        standing = _standing(entry, source, owner, known)
        if not adopt and (standing == "others" or (standing == "nobodys" and not seen)):
            shown = (
                "run `bin/pulumi refresh` to have it shown, after which `up` replaces it; "
                if known and standing == "nobodys"
                else ""
            )
            raise ForeignModel(f"{_whose(entry)}: {shown}choose another name, or set adopt: true to replace it")
        if standing == "wanted" and not reload:
            return Loaded(entry, digest_of(entry))
    try:
        return source.load(client, name, owner, deadline, tell)
    except (Rejected, Broken, NotReady) as error:
        if entry is None:
            raise
        raise error.with_more(_lists_now(client, name)) from None


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
    if known.standing(entry, owner, claimed=True) in ("nobodys", "others"):
        return f"left on the server: {_whose(entry)}"
    if owner_of(entry) is None and (changed := drift(entry, loaded, digest, owner)):
        return f"left on the server: it is not what we loaded: {changed}"
    client.unload(name, deadline)
    return None


def drift(entry: ModelEntry, loaded: Mapping[str, Any], digest: str | None, owner: str) -> str:
    """What is no longer as it was after our load, in words; "" if nothing."""
    if is_others(entry, owner):
        return f"stack {owner_of(entry)} manages a model of this name now, which only adopt: true replaces"
    told = []
    if digest_of(entry) != digest:
        cut_off = "files of ours are there that the state does not know, as after a run that was cut off"
        told.append(cut_off if owner_of(entry) == owner else "other files than ours were loaded")
    now = public(entry)
    told += [f"{key} is {now[key]!r}, was {loaded[key]!r}" for key in now if key in loaded and now[key] != loaded[key]]
    return "; ".join(told)


def is_others(entry: ModelEntry, owner: str) -> bool:
    """Whether another stack manages it."""
    return owner_of(entry) not in (None, owner)


def _standing(entry: ModelEntry, source: Source, owner: str, known: Known | None) -> Standing:
    """What our state claims is ours, whatever is to be there now."""
    claimed = known is not None and known.source.standing(entry, known.owner, claimed=True) in ("wanted", "ours")
    standing = source.standing(entry, owner, claimed=claimed)
    return "ours" if claimed and standing in ("nobodys", "others") else standing


def _lists_now(client: AiaaClient, name: str) -> str:
    with contextlib.suppress(ClientError):
        entry = client.find(name)
        if entry is None:
            return "the server lists no model of this name now"
        labels = f", labels {', '.join(entry.labels)}" if entry.labels else ""
        return f"the server lists version {entry.version} of it now ({entry.type}{labels})"
    return "what the server lists now cannot be told"


def _whose(entry: ModelEntry) -> str:
    owner = owner_of(entry)
    return f"the server has a model {entry.name} that " + (f"stack {owner} manages" if owner else "we did not load")
