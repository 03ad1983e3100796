"""Forty models, some of them of one server only, some of them made of others, in one `up`."""

from __future__ import annotations

import json

from tests.support.external_stack import PUBLISHED, external_stack, pipeline_of

SERVERS = ("gpu1", "gpu2")
DEEPGROW = {"2D": "clara_pt_deepgrow_2d_annotation", "3D": "clara_pt_deepgrow_3d_annotation"}
FIRST, SECOND, BOTH = 14, 14, 8


def test_forty_models_go_to_their_servers_and_pipelines_come_after_their_parts_and_leave_before_them() -> None:
    with external_stack("many", SERVERS) as external:
        folder = external.stack.folder
        models: dict[str, object] = {}
        for number in range(FIRST):
            models[f"a{number:02}"] = {"local": external.files(f"a{number:02}"), "servers": ["gpu1"]}
        for number in range(SECOND):
            # What else is on a server than a few is not ours to try again and again: it costs a hospital's GPU.
            files = external.files(f"b{number:02}", weights=f"{PUBLISHED}/segmentation_1to1.ts")
            models[f"b{number:02}"] = {"local": files, "servers": ["gpu2"], "smoke_test": number == 0}
        for number in range(BOTH):
            models[f"c{number:02}"] = {"local": external.files(f"c{number:02}"), "smoke_test": False}
        for kind, name in DEEPGROW.items():
            models[f"z{kind}"] = {"ngc": {"path": f"nvidia/med/{name}", "version": "1"}}
        # Before their parts by name and by place, as neither may decide.
        for name in ("0pipeline", "Pipeline"):
            config = folder / "models" / f"{name}.json"
            config.write_text(json.dumps(pipeline_of("z2D", "z3D")))
            models = {name: {"pipeline": {"config": f"models/{config.name}"}}} | models
        assert len(models) == 40
        external.change(lambda settings: settings.update(models=models))
        external.stack.up()

        on_both = {f"c{number:02}" for number in range(BOTH)} | {"0pipeline", "Pipeline", "z2D", "z3D"}
        assert set(external.listed("gpu1")) == {f"a{number:02}" for number in range(FIRST)} | on_both
        assert set(external.listed("gpu2")) == {f"b{number:02}" for number in range(SECOND)} | on_both
        for server in SERVERS:
            loaded = external.asked(server, "PUT")
            assert sorted(loaded) == sorted(external.listed(server))  # each once
            for name in ("0pipeline", "Pipeline"):
                assert max(loaded.index("z2D"), loaded.index("z3D")) < loaded.index(name)
        assert len(external.stack.outputs()["models"]) == FIRST + SECOND + 2 * len(on_both)
        external.stack.require_no_changes()

        external.stack.destroy()
        for server in SERVERS:
            assert external.listed(server) == {}
            unloaded = external.asked(server, "DELETE")
            assert sorted(unloaded) == sorted(external.asked(server, "PUT"))
            for name in ("0pipeline", "Pipeline"):
                assert unloaded.index(name) < min(unloaded.index("z2D"), unloaded.index("z3D"))
