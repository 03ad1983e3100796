"""What other stacks and scripts read of a stack that changes, on the real Pulumi engine (docs/outputs.md)."""

from __future__ import annotations

from typing import Any

from tests.support.external_stack import external_stack


def test_outputs_follow_each_up_and_a_model_is_taken_from_where_its_server_is_then() -> None:
    with external_stack("outputs", ("gpu1", "gpu2")) as made:

        def outputs(models: dict[str, Any]) -> dict[str, Any]:
            servers = {
                name: {"url": server["url"], "browser_url": server["url"], "runtime": "external"}
                for name, server in made.settings["servers"].items()
            }
            return {"servers": servers, "models": models, "registrations": {}, "xnat": {"url": None}}

        def change_places(settings: dict[str, Any]) -> None:
            one, other = settings["servers"].values()
            one["url"], other["url"] = other["url"], one["url"]
            settings["models"]["liver"]["servers"] = ["gpu2"]

        made.stack.up()
        assert made.stack.outputs() == outputs({})
        liver = {"type": "segmentation", "labels": ["liver"], "version": "1"}
        model = {"local": made.files("liver"), "smoke_test": False}
        made.change(lambda settings: settings["models"].update(liver=model))
        made.stack.up()
        assert made.stack.outputs() == outputs({"gpu1/liver": liver, "gpu2/liver": liver})
        # Both servers move and one of them loses the model in one `up`; the other has it at its new address already.
        made.change(change_places)
        made.stack.up()
        assert (list(made.listed("gpu1")), list(made.listed("gpu2"))) == (["liver"], [])
        assert made.stack.outputs() == outputs({"gpu2/liver": liver})
        made.change(lambda settings: settings["models"].clear())
        made.stack.up()
        assert made.stack.outputs() == outputs({})
        made.change(lambda settings: settings["servers"].clear())
        made.stack.up()
        assert made.stack.outputs() == outputs({})
