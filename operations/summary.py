"""What a stack has made, as a short table: `bin/pulumi stack output --json | python -m operations.summary`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_REMINDER = (
    "\nEach user must once tick Preferences > Experimental > NVIDIA Clara AIAA in XNAT's viewer:\n"
    "until then nothing of this shows there."
)


def main() -> None:
    outputs = json.load(sys.stdin)
    lines = list(rows(outputs))
    width = max((len(what) for what, _ in lines), default=0)
    for what, where in lines:
        print(f"{what:<{width}}  {where}")
    print(_REMINDER)


def rows(outputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The table's lines, from a stack's outputs."""
    for name, server in outputs.get("servers", {}).items():
        browser = "" if server["browser_url"] == server["url"] else f" (browsers: {server['browser_url']})"
        yield f"AIAA server {name}", server["url"] + browser
    for name, model in outputs.get("models", {}).items():
        yield (
            f"  model {name}",
            f"{model['type']}, version {model['version']}, {', '.join(model['labels']) or 'no labels'}",
        )
    registrations = outputs.get("registrations", {})
    for scope in registrations:
        yield f"XNAT {scope}", f"a browser will use {_first(registrations[scope])}"
    if registrations and "site" not in registrations:
        yield "other projects", "no server from this stack"
    xnat = outputs.get("xnat", {})
    if xnat.get("url"):
        login = f" (demonstration log-in: {xnat['demo_login']})" if xnat.get("demo_login") else ""
        yield "XNAT", xnat["url"] + login


def _first(urls: Sequence[str]) -> str:
    """The viewer asks for the project's list, then for the site's, and uses the first entry (docs/xnat.md)."""
    return urls[0] if urls else "none"


if __name__ == "__main__":
    main()
