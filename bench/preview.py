"""A preview with nothing to change: a stack with many models, against the same stack without them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from bench.figures import Figure
from bench.pairs import measure
from bench.server import started
from tests.support.pulumi_stack import PulumiStack, pulumi_stack

_PROJECT = Path(__file__).parents[1]
_DEMO = _PROJECT / "models" / "liver_demo"
_MODELS = 100


def run() -> list[Figure]:
    """On a server that somebody else runs, so that there is nothing but the models."""
    with (
        started("bench.stand_in") as url,
        pulumi_stack({}, name="bench-many") as many,
        pulumi_stack(_settings(url, {}), name="bench-none") as none,
    ):
        many.configure(_settings(url, _models(many.folder)))
        for stack in (many, none):
            stack.up()
        pairs = measure(f"a preview of {_MODELS} models", lambda: _preview(many), lambda: _preview(none))
    with_models, without = pairs.medians
    return [
        Figure(f"preview_{_MODELS}_models_ratio", pairs.ratio, "at most 2", "time with them / time without"),
        Figure(f"preview_{_MODELS}_models_s", with_models, "", "bin/pulumi preview, nothing to change"),
        Figure("preview_no_models_s", without, "", "the same stack without models"),
    ]


def _settings(url: str, models: dict[str, Any]) -> dict[str, Any]:
    server = {"runtime": "external", "api": "clara-4.0", "url": url, "browser_url": url}
    return {"servers": {"main": server}, "models": models}


def _models(project: Path) -> dict[str, Any]:
    """Each with files of its own, as a hospital's models have, and a smoke test, as is the rule."""
    config = json.loads((_DEMO / "config_aiaa.json").read_text())
    models = {}
    for number in range(_MODELS):
        folder = Path("models") / f"organ_{number}"
        (project / folder).mkdir()
        (project / folder / "config_aiaa.json").write_text(json.dumps(config | {"labels": [f"organ {number}"]}))
        shutil.copy(_DEMO / "model.ts", project / folder)
        models[folder.name] = {"local": {"config": f"{folder}/config_aiaa.json", "data": f"{folder}/model.ts"}}
    return models


def _preview(stack: PulumiStack) -> None:
    stack.run("preview", "--expect-no-changes")
