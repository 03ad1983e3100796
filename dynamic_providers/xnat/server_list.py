"""Whose a list of AIAA servers in XNAT is, and how it is written and taken back. Knows nothing of Pulumi.

XNAT's OHIF plugin keeps one list of URLs for the site and one for each project, replaced whole by PUT, with no owner
and no history (https://wiki.xnat.org/xnat-ohif-viewer/xnat-ohif-plugin-api). So a list is ours if it equals what we
wrote, or what we want; anything else is somebody else's work.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from clients.errors import ClientError, one_line
from clients.xnat import XnatClient
from clients.xnat_answers import NoProject, UnreadableList, emptying
from dynamic_providers.xnat.look_ahead import LookAhead

Urls = tuple[str, ...]

_LONGEST = 2000  # characters of a list in a message
_SHARED = (
    "this stack takes it for its own, and empties it when the registration goes; if another stack registers it too, "
    "take it out of one of them"
)


class ForeignList(Exception):
    """Somebody else's list stands there."""


@dataclass(frozen=True)
class Known:
    """What our state says of a list.

    Attributes:
        seen: the list after our last write or the last refresh. written: what we wrote last.
        unreadable: the last refresh found something that is no list.
    """

    seen: Urls
    written: Urls
    unreadable: bool = False


@dataclass(frozen=True)
class Look:
    """What stands in XNAT now.

    Attributes:
        urls: None if there is no list; the ones last seen where something is that is no list.
        drift: how that differs from what we wrote, in words; empty if it does not.
    """

    urls: Urls | None
    drift: str
    unreadable: bool = False


def look(client: XnatClient, scope: str, known: Known) -> Look:
    """
    Raises:
        ClientError: XNAT did not answer, or refused.
    """
    try:
        live = client.server_list(scope)
    except NoProject as error:
        return Look(None, f"{error} any more, and so no list")
    except UnreadableList as error:
        return Look(known.seen, str(error), unreadable=True)
    return Look(live, _drift(live, known.written))


def register(
    client: XnatClient,
    scope: str,
    wanted: Urls,
    *,
    known: Known | None,
    adopt: Urls | None,
    ahead: LookAhead | None = None,
) -> str:
    """Write the list, unless it stands there or something is there that is not ours.

    Returns what a person should know of it, if anything: that it stood there before our state had it. A run that was
    killed leaves that, and so does another stack.

    Args:
        scope: `site` or `projects/<ID>`.
        known: None for a list that our state does not have.
        adopt: somebody else's list that may be replaced; an empty one stands for what is no list at all.
        ahead: may have looked at it already.

    Raises:
        ForeignList: another list stands there; nothing was written.
        ClientError: XNAT did not answer, or refused.
    """
    try:
        live = (ahead or LookAhead()).see(scope, client.server_list)
    except UnreadableList as error:
        if adopt != () and not (known and known.unreadable):
            raise ForeignList(f"{error}: {_how_to_replace(client, scope, (), known)}") from None
    else:
        if live == wanted:
            return "" if known else f"the list stands there already{_by(client, scope)}: {_SHARED}"
        if live is not None and live != adopt and not (known and live in (known.seen, known.written)):
            raise ForeignList(
                f"the list is {_shown(live)}{_by(client, scope)}, which this stack did not write: "
                f"{_how_to_replace(client, scope, live, known)}"
            )
    client.put_server_list(scope, wanted)
    return ""


def unregister(client: XnatClient, scope: str, written: Urls) -> str | None:
    """Empty the list if it is still what we wrote; returns why it was left alone, if it was.

    An empty list is how XNAT says "none": there is no DELETE.

    Raises:
        ClientError: XNAT did not answer, or refused.
    """
    try:
        live = client.server_list(scope)
    except NoProject as error:
        return f"nothing to take back: {error} any more"
    except UnreadableList as error:
        return f"left as it is: {error}"
    if live is None:
        return None
    if live != written:
        return f"left as it is: {_drift(live, written)}"
    client.put_server_list(scope, ())
    return None


def what_takes_over(client: XnatClient) -> str:
    """What the viewer makes of a project whose list was taken back; empty if that is nothing, or cannot be told."""
    try:
        site = client.server_list("site")
    except ClientError:
        return ""
    return f"taken back; as long as the site's list {_shown(site)} stands, the viewer uses that" if site else ""


def as_text(urls: Sequence[str]) -> str:
    """As it is written in a stack file: a list in XNAT may hold quotes and commands to the terminal, as a project's
    owners can write it unchecked."""
    return "[" + ", ".join(map(_quoted, urls)) + "]"


def _quoted(text: str) -> str:
    """In JSON's quotes, which are YAML's too, and with YAML's escapes (https://yaml.org/spec/1.2.2/#57-escaped-characters)
    where JSON would have halves of surrogate pairs."""
    whole = json.dumps(text, ensure_ascii=False)
    return "".join(
        char if char.isprintable() else f"\\u{ord(char):04x}" if char < "\U00010000" else f"\\U{ord(char):08x}"
        for char in whole
    )


def _by(client: XnatClient, scope: str) -> str:
    author = client.authorship(scope)
    return f" ({one_line(author)})" if author else ""


def _drift(live: Urls | None, written: Urls) -> str:
    if live is None:
        return "there is no list any more"
    if live == written:
        return ""
    return f"the list is now {_shown(live)}, this stack's last finished run wrote {_shown(written)}"


def _shown(urls: Urls) -> str:
    """Shortened for a message: a project's owner can write a list of any length."""
    text = as_text(urls)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(urls)} entries)"


def _how_to_replace(client: XnatClient, scope: str, live: Urls, known: Known | None) -> str:
    """A refresh shows only what state has."""
    see = "to see it in a preview, run `bin/pulumi refresh`; " if known else ""
    if len(as_text(live)) > _LONGEST:
        return f"{see}to replace it, ask an XNAT administrator to empty it: `{emptying(client.url, scope)}`"
    key = f"registrations.{scope.replace('/', '.')}"
    return f"{see}to replace it, write {key}: {{servers: [NAME], adopt: {as_text(live)}}} with your server's NAME"
