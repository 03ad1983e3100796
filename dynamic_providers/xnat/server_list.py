"""Whose a list of AIAA servers in XNAT is, and how it is written and taken back. Knows nothing of Pulumi.

XNAT's OHIF plugin keeps one list of URLs for the site and one for each project, replaced whole by PUT, with no owner
and no history (https://wiki.xnat.org/xnat-ohif-viewer/xnat-ohif-plugin-api). So a list is ours if it equals what we
wrote, or what we want; anything else is somebody else's work.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from clients.xnat import XnatClient

Urls = tuple[str, ...]


class ForeignList(Exception):
    """Somebody else's list stands there."""


def register(client: XnatClient, scope: str, wanted: Urls, *, ours: Collection[Urls]) -> None:
    """Write the list, unless it stands there or a list is there that is not ours.

    Args:
        scope: `site` or `projects/<ID>`.
        ours: the lists that may be replaced: what we wrote, what a refresh showed, what the user said to adopt.

    Raises:
        ForeignList: another list stands there; nothing was written.
        ClientError: XNAT did not answer, or refused.
    """
    live = client.server_list(scope)
    if live == wanted:
        return
    if live is not None and live not in ours:
        raise ForeignList(
            f"XNAT has the list {as_text(live)}, which this stack did not write. To see it in a preview, run "
            f"`bin/pulumi refresh`; to replace it, set adopt: {as_text(live)} for this registration"
        )
    client.put_server_list(scope, wanted)


def unregister(client: XnatClient, scope: str, written: Urls) -> str | None:
    """Empty the list if it is still what we wrote; returns why it was left alone, if it was.

    An empty list is how XNAT says "none": there is no DELETE.

    Raises:
        ClientError: XNAT did not answer, or refused.
    """
    live = client.server_list(scope)
    if live is None:
        return None
    if live != written:
        return f"left as it is: the list is now {as_text(live)}, this stack wrote {as_text(written)}"
    client.put_server_list(scope, ())
    return None


def as_text(urls: Sequence[str]) -> str:
    """As it is written in a stack file."""
    return "[" + ", ".join(f'"{url}"' for url in urls) + "]"
