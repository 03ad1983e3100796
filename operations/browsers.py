"""Which server a clinician's browser will use in a project, and why that would fail.

The rules are the OHIF viewer's own; docs/xnat.md has them with their sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from clients.browser import meet
from settings.values import is_loopback, leads_astray


@dataclass(frozen=True)
class BrowserView:
    """
    Attributes:
        scope: `projects/<ID>`, or `site` for all projects without a list of their own.
        comes_from: the list that decides, `project` or `site`; empty if there is none.
        url: what the viewer makes of that list's first entry; empty if there is none.
        problems: why that fails, each with what to do; none if it works as far as can be seen from here.
        known: see `Choice`.
    """

    scope: str
    comes_from: str
    url: str
    problems: tuple[str, ...]
    known: bool = True


class Choice(NamedTuple):
    """
    Attributes:
        comes_from: the list that decides, `project` or `site`; empty if there is none.
        url: its first entry as the viewer cleans it; empty if there is none.
        known: False if XNAT did not tell the list that decides: then nothing is said of it.
    """

    comes_from: str = ""
    url: str = ""
    known: bool = True


def chosen(lists: Mapping[str, Sequence[str] | None], scope: str) -> Choice:
    """Which list decides for a project, or for those without a list of their own.

    Args:
        lists: of `site` and `projects/<ID>`; those that XNAT did not tell are not among them.
    """
    for of in dict.fromkeys((scope, "site")):
        if of not in lists:
            return Choice(known=False)
        if urls := lists[of]:
            url = urls[0].removesuffix("/")
            url = url if url.startswith(("http://", "https://")) else f"http://{url}"
            return Choice("site" if of == "site" else "project", url)
    return Choice()


def shown(text: str, *, known: bool) -> str:
    """A list or an address, where there may be none, or where that is not known."""
    return text or ("none" if known else "unknown")


def spelling_problems(url: str, xnat_url: str, *, key: str = "") -> Iterator[str]:
    """What is wrong with the address itself, for a page of `xnat_url` and whatever answers there.

    Args:
        key: of the stack file, that says the address; empty where there is no stack.
    """
    key = key and f" ({key})"
    server, xnat = parts(url), urlsplit(xnat_url)
    if server is None:
        yield f"{url} is no address: write it as http://host:port or https://host:port"
        return
    if server.path or server.query or server.fragment:
        yield (
            f"the viewer drops the path and asks {server.scheme}://{server.netloc}/v1/models: give the server a host "
            f"or port of its own at the gateway, and register that{key}"
        )
    astray = leads_astray(url, xnat_url)
    if xnat.scheme == "https" and server.scheme == "http" and not is_loopback(url):
        yield (
            "browsers block an http server on a page of an https XNAT (mixed content): put a TLS gateway before it, "
            f"and register its https address{key}"
        )
    if astray:
        yield (
            f"clinicians' browsers cannot reach {server.hostname} ({astray}): register an address that they reach{key}"
        )


def server_problem(url: str, xnat_url: str, ca_file: Path | None = None) -> str:
    """What a browser would meet at the server, tried from this machine; empty if nothing is wrong.

    Args:
        ca_file: XNAT's certificate authority, which browsers there trust for servers, too.
    """
    if parts(url) is None:
        return ""  # which `spelling_problems` tells
    met = meet(url, xnat_url, ca_file=str(ca_file) if ca_file else None)
    return "; ".join(filter(None, [met.unknown, *(problem.told for problem in met.problems)]))


def parts(url: str) -> SplitResult | None:
    """Of an address that names a host; a list may hold anything, as a project's owners can write it unchecked."""
    try:
        split = urlsplit(url)
    except ValueError:
        return None
    return split if split.hostname and not re.search(r"\s", url) else None
