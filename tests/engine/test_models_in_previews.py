"""What a model owner reads in a preview before anything is sent: which files, which fields, which version."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from tests.support.external_stack import PUBLISHED, ExternalStack, external_stack
from tests.support.pulumi_stack import Preview, PulumiFailed

SPLEEN = "clara_pt_spleen_ct_segmentation"
WRONG = "5" * 64


def digest(content: bytes) -> str:
    """As states and marks have it: half of SHA-256's digits."""
    return hashlib.sha256(content).hexdigest()[:32]


@pytest.fixture(scope="module")
def store() -> Iterator[HTTPServer]:
    """A store of weights that remembers who asked for them."""
    with HTTPServer() as store:
        yield store


@dataclass
class Changed:
    """A stack that is up, whose models' files were changed since, each in another way.

    Attributes:
        weights: of the model `weights`: before, after.
        config: of the model `config`: before, after.
        sha256: of the model `pinned`, before; after, it is `WRONG`.
        steps, text: what `preview --json` and `preview --diff` said then.
        asked: how many requests the store had had when the previews were over.
    """

    external: ExternalStack
    weights: tuple[bytes, bytes]
    config: tuple[dict[str, Any], dict[str, Any]]
    sha256: str
    steps: list[dict[str, Any]]
    text: str
    asked: int

    def lines(self, model: str) -> list[str]:
        """The lines of a model in `preview --diff` that differ, without their indentation; not those that only say in
        what an inner difference is."""
        _, _, here = self.text.partition(f"$pulumi-python:dynamic/aiaa:Model::gpu1/{model}]\n")
        own = re.split(r"^ *[~+-] pulumi-python:|^ *--outputs", here, maxsplit=1, flags=re.MULTILINE)[0].splitlines()
        differing = [line.strip() for line in own if re.match(r" *[~+-] ", line)]
        return [re.sub(r" +: ", ": ", line) for line in differing if not line.endswith(("{", "["))]

    def inputs(self, model: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """In the JSON: before, after."""
        step = next(step for step in self.steps if step["urn"].endswith(f"aiaa:Model::gpu1/{model}"))
        return step["oldState"]["inputs"], step["newState"]["inputs"]


@pytest.fixture(scope="module")
def changed(store: HTTPServer) -> Iterator[Changed]:
    with external_stack("previews") as external:
        folder = external.stack.folder / "models"
        pinned = external.files("pinned")
        content = (folder / "pinned" / "model.ts").read_bytes()
        (folder / "pinned" / "model.ts").unlink()
        store.expect_request("/model.ts").respond_with_data(content)
        data = {"url": store.url_for("/model.ts"), "sha256": hashlib.sha256(content).hexdigest()}
        models = {
            **{name: {"local": external.files(name)} for name in ("weights", "config", "layout")},
            "pinned": {"local": {"config": pinned["config"], "data": data}},
            SPLEEN: {"ngc": {"path": f"nvidia/med/{SPLEEN}", "version": "1"}},
        }
        external.change(lambda settings: settings.update(models=models))
        external.stack.up()

        before = (folder / "weights" / "model.ts").read_bytes()
        shutil.copy(external.stack.folder / PUBLISHED / "segmentation_4to3.ts", folder / "weights" / "model.ts")
        original = json.loads((folder / "config" / "config_aiaa.json").read_text())
        config = json.loads(json.dumps(original))
        config["labels"] = ["liver", "vessel"]
        config["inference"]["TRITON"]["args"]["overlap"] = 0.5
        config["post_transforms"][0]["args"]["softmax"] = False
        del config["description"]
        (folder / "config" / "config_aiaa.json").write_text(json.dumps(config))
        backwards = dict(reversed(original.items()))
        (folder / "layout" / "config_aiaa.json").write_text(json.dumps(backwards, indent=7) + "\n\n")
        external.change(lambda settings: settings["models"][SPLEEN]["ngc"].update(version="2"))
        external.change(lambda _: data.update(sha256=WRONG))
        yield Changed(
            external,
            (before, (folder / "weights" / "model.ts").read_bytes()),
            (original, config),
            hashlib.sha256(content).hexdigest(),
            json.loads(external.stack.run("preview", "--json"))["steps"],
            external.stack.preview_text(),
            len(store.log),
        )


def test_what_changed_is_shown_and_a_config_in_another_layout_is_no_change(changed: Changed) -> None:
    names = ("weights", "config", "pinned", SPLEEN)
    preview = Preview.of(changed.steps)
    assert preview.changes == {f"{kind} gpu1/{name}": "update" for kind in ("Model", "SmokeTest") for name in names}
    assert "gpu1/layout]" not in changed.text


def test_other_weights_show_by_digest_and_size_and_nothing_else(changed: Changed) -> None:
    before, after = changed.weights
    assert Preview.of(changed.steps).properties["Model gpu1/weights"] == {"weights_digest", "weights_size"}
    assert changed.lines("weights") == [
        f'~ weights_digest: "{digest(before)}" => "{digest(after)}"',
        f"~ weights_size: {len(before)} => {len(after)}",
    ]


def test_another_config_shows_by_the_fields_that_changed_and_no_other(changed: Changed) -> None:
    before, after = changed.config
    assert Preview.of(changed.steps).properties["Model gpu1/config"] == {"config", "config_digest"}
    *fields, last = changed.lines("config")
    assert fields == [
        '- description: "Demonstration only: marks voxels from 40 to 160 HU as liver"',
        "~ overlap: 0.25 => 0.5",
        '+ [1]: "vessel"',
        "~ softmax: true => false",
    ]
    assert last.startswith("~ config_digest: ")
    assert [json.loads(inputs["config"]) for inputs in changed.inputs("config")] == [before, after]


def test_another_version_on_ngc_shows_as_the_two_versions(changed: Changed) -> None:
    assert Preview.of(changed.steps).properties[f"Model gpu1/{SPLEEN}"] == {"ngc_version"}
    assert changed.lines(SPLEEN) == ['~ ngc_version: "1" => "2"']


def test_other_pinned_weights_show_by_what_pins_them_and_no_preview_asks_for_them(changed: Changed) -> None:
    assert Preview.of(changed.steps).properties["Model gpu1/pinned"] == {"weights_digest", "weights_sha256"}
    assert changed.lines("pinned") == [
        f'~ weights_digest: "{changed.sha256[:32]}" => "{WRONG[:32]}"',
        f'~ weights_sha256: "{changed.sha256}" => "{WRONG}"',
    ]
    assert changed.asked == 1  # by the `up`


def test_what_was_shown_is_done_and_weights_that_are_not_the_pinned_ones_are_not_sent(changed: Changed) -> None:
    external = changed.external
    with pytest.raises(PulumiFailed) as failed:
        external.stack.up()
    assert any("model gpu1/pinned: " in line and WRONG in line for line in failed.value.errors)
    assert external.asked("gpu1", "PUT").count("pinned") == 1
    data = external.settings["models"]["pinned"]["local"]["data"]
    external.change(lambda _: data.update(sha256=changed.sha256))
    external.stack.up()
    listed = external.listed("gpu1")
    assert listed["config"]["labels"] == ["liver", "vessel"]
    assert listed["weights"]["digest"].endswith(digest(changed.weights[1]))
    assert listed[SPLEEN]["version"] == "2"
    external.stack.require_no_changes()
