"""Models that others loaded, that stay, that bear no mark, that are not tried."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from clients.aiaa import AiaaClient
from tests.support.external_stack import PUBLISHED, ExternalStack, external_stack
from tests.support.pulumi_stack import PulumiFailed

THEIRS = "liver_of_somebody"


@pytest.fixture(scope="module")
def external() -> Iterator[ExternalStack]:
    """A server on which somebody has a model already; the tests follow one another."""
    with external_stack("whose") as external:
        external.files(THEIRS, weights=f"{PUBLISHED}/segmentation_1to2.ts", labels=["theirs"], version=7)
        folder = external.stack.folder / "models" / THEIRS
        config = json.loads((folder / "config_aiaa.json").read_text())
        with AiaaClient(external.servers["gpu1"].url) as somebody:
            somebody.load_from_files(THEIRS, config, folder / "model.ts", 60)
        yield external


def kept(external: ExternalStack) -> dict[str, Any]:
    return {"kept": {"local": external.files("kept"), "retain": True}}


def entry_and_config(external: ExternalStack) -> tuple[object, object]:
    return external.listed("gpu1")[THEIRS], external.config("gpu1", THEIRS)


def test_a_model_that_somebody_else_loaded_stops_the_run_in_one_line_and_stays_as_it_is(
    external: ExternalStack,
) -> None:
    before = entry_and_config(external)
    external.change(lambda settings: settings["models"].update({THEIRS: {"local": external.files(THEIRS)}}))
    with pytest.raises(PulumiFailed) as failed:
        external.stack.up()
    told = {line for line in failed.value.errors if "model gpu1/" in line}
    assert told == {
        f"error: Exception calling application: model gpu1/{THEIRS}: the server has a model {THEIRS} that we did not "
        "load: choose another name, or set adopt: true to replace it"
    }
    assert "Traceback" not in failed.value.output
    assert entry_and_config(external) == before
    assert external.asked("gpu1", "PUT") == [THEIRS]  # by somebody
    assert external.asked("gpu1", "DELETE") == []


def test_adopt_replaces_it_and_what_is_sent_without_a_mark_is_sent_untouched_and_not_tried(
    external: ExternalStack,
) -> None:
    unmarked = {"local": external.files("unmarked"), "mark": False, "smoke_test": False}
    sent = json.loads((external.stack.folder / "models" / "unmarked" / "config_aiaa.json").read_text())
    external.change(lambda settings: settings["models"][THEIRS].update(adopt=True))
    external.change(lambda settings: settings["models"].update(kept(external), gone={"local": external.files("gone")}))
    external.change(lambda settings: settings["models"].update(unmarked=unmarked))
    external.stack.up()
    entry = external.listed("gpu1")[THEIRS]
    assert (entry["labels"], entry["version"], entry["managed_by"]) == (["liver"], "1", "xnat-aiaa/whose")
    assert external.config("gpu1", "unmarked") == sent
    assert sorted(external.inferences("gpu1")) == sorted([THEIRS, "kept", "gone"])
    external.stack.require_no_changes()


def test_what_leaves_the_stack_leaves_the_server_unless_it_is_to_be_retained(external: ExternalStack) -> None:
    external.change(lambda settings: [settings["models"].pop(name) for name in (THEIRS, "gone", "kept")])
    external.stack.up()
    assert sorted(external.listed("gpu1")) == ["kept", "unmarked"]
    # It bears our mark still: it is taken up again as it is, without an upload.
    external.change(lambda settings: settings["models"].update(kept(external)))
    external.stack.up()
    assert external.asked("gpu1", "PUT").count("kept") == 1


def test_destroy_takes_ours_marked_or_not_and_leaves_what_is_retained_and_what_came_by_hand(
    external: ExternalStack,
) -> None:
    url = external.servers["gpu1"].url
    by_hand = {"path": "nvidia/med/clara_pt_spleen_ct_segmentation", "version": "1"}
    assert requests.put(f"{url}/admin/model/by_hand", json=by_hand, timeout=30).ok
    external.stack.destroy()
    assert sorted(external.listed("gpu1")) == ["by_hand", "kept"]
