"""Hundreds of projects of an XNAT that takes 50 ms for an answer: registered by `up`, against the guide's `curl` for
each; and a preview with nothing to change, against the same stack without registrations."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from bench.figures import Figure
from bench.pairs import measure
from bench.server import started
from tests.support.pulumi_stack import PulumiStack, pulumi_stack

_PROJECTS = 500
_RUNS = 3
_DELAY = 0.05  # seconds
_ENV = {"XNAT_PASSWORD": "admin"}


def run() -> list[Figure] | str:
    """The figures, or why there are none.

    `up` logs in once, looks at each list, writes it and reads it back; curl's line writes alone, and opens a session
    each time: a real XNAT allows an account 1000 of them.
    """
    if not shutil.which("curl"):
        return "registrations need curl to compare with"
    ours, curls = [], []
    with started("bench.stand_in") as aiaa, pulumi_stack({}, name="bench-lists", env=_ENV) as many:
        empty = many.folder / "empty.json"
        empty.write_text(many.run("stack", "export"))
        print(f"{_PROJECTS} registrations: {_RUNS} runs of each way ...", flush=True)
        for _ in range(_RUNS):
            with _xnat() as xnat:
                curls.append(_seconds(lambda: _by_curl(aiaa, xnat)))
            with _xnat() as xnat:
                many.configure(_settings(aiaa, xnat, _PROJECTS))
                ours.append(_seconds(many.up))
                many.run("stack", "import", "--file", str(empty))
        ratios = [theirs / mine for mine, theirs in zip(ours, curls, strict=True)]
        return [
            Figure(f"register_{_PROJECTS}_vs_curl", statistics.median(ratios), "at least 1", "curl's time / ours"),
            Figure(f"register_{_PROJECTS}_s", statistics.median(ours), "", "bin/pulumi up: looks, writes, reads back"),
            Figure(f"register_{_PROJECTS}_curl_s", statistics.median(curls), "", "curl -u ... -X PUT for each project"),
            *_previews(many, aiaa, empty),
        ]


def _previews(many: PulumiStack, aiaa: str, empty: Path) -> list[Figure]:
    with _xnat() as xnat, pulumi_stack(_settings(aiaa, xnat, 0), name="bench-no-lists", env=_ENV) as none:
        many.configure(_settings(aiaa, xnat, _PROJECTS))
        for stack in (many, none):
            stack.up()
        pairs = measure(f"a preview of {_PROJECTS} registrations", lambda: _preview(many), lambda: _preview(none))
        many.run("stack", "import", "--file", str(empty))
    with_lists, without = pairs.medians
    return [
        Figure(f"preview_{_PROJECTS}_registrations_ratio", pairs.ratio, "at most 5", "time with them / time without"),
        Figure(f"preview_{_PROJECTS}_registrations_s", with_lists, "", "bin/pulumi preview, nothing to change"),
        Figure("preview_no_registrations_s", without, "", "the same stack without registrations"),
    ]


def _xnat() -> AbstractContextManager[str]:
    return started("bench.xnat_stand_in", str(_PROJECTS), str(_DELAY))


def _settings(aiaa: str, xnat: str, projects: int) -> Mapping[str, object]:
    return {
        "servers": {"main": {"runtime": "external", "url": aiaa}},
        "xnat": {"url": xnat, "username": "admin", "password_env": "XNAT_PASSWORD"},
        "registrations": {"projects": {f"P{each}": "main" for each in range(projects)}},
    }


def _by_curl(aiaa: str, xnat: str) -> None:
    curl = ["curl", "--silent", "--show-error", "--fail", "--output", os.devnull, "--user", "admin:admin"]
    curl += ["--request", "PUT", "--header", "Content-Type: application/json", "--data", f'["{aiaa}"]']
    for each in range(_PROJECTS):
        subprocess.run([*curl, f"{xnat}/xapi/ohifaiaa/projects/P{each}/servers"], check=True)


def _preview(stack: PulumiStack) -> None:
    stack.run("preview", "--expect-no-changes")


def _seconds(do: Callable[[], object]) -> float:
    begin = time.perf_counter()
    do()
    return time.perf_counter() - begin
