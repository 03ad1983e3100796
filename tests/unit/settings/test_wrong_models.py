"""What a person is told of models that a server could not take, word for word, before anything is uploaded."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from settings import PinnedFile, Settings, SettingsError

ROOT = Path(__file__).parents[3]
NGC = {"path": "nvidia/med/clara_pt_deepgrow_2d_annotation", "version": "1"}
CONFIG = str(ROOT / "models/liver_demo/config_aiaa.json")
WEIGHTS = str(ROOT / "models/liver_demo/model.ts")
SHA256 = "0" * 64
URL = "https://store.example.org/x/model.ts"


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Pulumi runs the program: paths of models are relative to the project's folder."""
    monkeypatch.chdir(ROOT)


def told(raw: dict[str, Any]) -> str:
    with pytest.raises(SettingsError) as failed:
        Settings.parse({"servers": {"main": {}}} | raw)
    return str(failed.value)


def model(**keys: object) -> dict[str, Any]:
    return {"models": {"m": keys}}


def pinned(**keys: object) -> dict[str, Any]:
    return model(local={"config": CONFIG, "data": keys})


CASES: list[tuple[dict[str, Any], str]] = [
    (model(), "models.m: give exactly one source: ngc, local, mmar or pipeline"),
    (model(ngc=NGC, mmar=CONFIG), "models.m: give exactly one source: not both ngc and mmar"),
    (
        model(ngc=NGC | {"fetch": "me"}),
        "models.m.ngc.fetch: must be 'server' or 'deployer', not 'me'",
    ),
    (
        pinned(url="ftp://store/x.ts", sha256=SHA256),
        "models.m.local.data.url: must begin with http:// or https://, as in https://host.example.org, "
        "not 'ftp://store/x.ts'",
    ),
    (
        pinned(url="https://store.example.org/x/", sha256=SHA256),
        "models.m.local.data.url: must name a file, as in https://store.example.org/models/model.ts, "
        "not 'https://store.example.org/x/'",
    ),
    (
        pinned(url="https://me:hunter2@store.example.org/x.ts", sha256=SHA256),
        "models.m.local.data.url: must not hold a user name or password: take out what stands before the @",
    ),
    (pinned(url=URL), "models.m.local.data.sha256: is missing, and is needed here"),
    (
        pinned(url=URL, sha256="abc"),
        "models.m.local.data.sha256: must be the 64 hexadecimal digits that `sha256sum` prints, not 'abc'",
    ),
    (pinned(url=URL, sha=SHA256, sha256=SHA256), "models.m.local.data.sha: unknown key; did you mean 'sha256'?"),
    (
        model(local={"config": CONFIG, "data": 5}),
        "models.m.local.data: there is no file '5' (a path is relative to the folder of Pulumi.yaml)",
    ),
    (
        model(local={"config": CONFIG, "data": URL}),
        f"models.m.local.data: a URL is given with its checksum: write {{url: '{URL}', sha256: ...}}",
    ),
    (
        model(local={"config": CONFIG, "data": "models"}),
        "models.m.local.data: 'models' is a folder: name the file in it",
    ),
    (
        model(local={"config": WEIGHTS, "data": WEIGHTS}),
        f"models.m.local.config: {WEIGHTS}: is a zip archive, as TorchScript is: are the config and the weights "
        "swapped?",
    ),
    (model(ngc=NGC, servers=[]), "models.m.servers: must name at least one"),
    (
        model(mmar=WEIGHTS),
        f"models.m.mmar: {WEIGHTS}: is no MMAR but TorchScript, weights alone: give it as data, with a config",
    ),
    (
        model(mmar="no.zip"),
        "models.m.mmar: there is no file or folder 'no.zip' (a path is relative to the folder of Pulumi.yaml)",
    ),
    ({"ngc": {"api_key": "hunter2", "api_key_env": "KEY"}}, "ngc: give api_key (a secret) or api_key_env, not both"),
    (
        {"servers": {"main": {"runtime": "clara-4"}}},
        "servers.main.runtime: must be 'clara-4.0', 'clara-4.1' or 'external', not 'clara-4'",
    ),
    (
        {"servers": {"main": {"api": "clara-4.1"}}},
        "servers.main.api: is said by runtime already: only an external server needs it",
    ),
    (
        {"servers": {"main": {"runtime": "external"}}},
        "servers.main.url: is missing: an external server needs its address, such as http://10.0.0.5:5000",
    ),
    (
        {"servers": {"main": {"runtime": "external", "url": "http://10.0.0.5:5000", "gpus": ["0"]}}},
        "servers.main.gpus: says how a server is run, and this one is external: remove the key, or choose another "
        "runtime",
    ),
]


@pytest.mark.parametrize(("raw", "line"), CASES, ids=[line.partition(": ")[0] for _, line in CASES])
def test_the_line_names_the_key_what_is_wrong_and_what_is_wanted(raw: dict[str, Any], line: str) -> None:
    assert told(raw) == line
    assert "hunter2" not in line


def pipeline(folder: Path, name: str, *parts: str) -> dict[str, Any]:
    section = {"name": "aiaa.apps.deepgrow.DeepgrowInferencePipeline", "args": {"models": list(parts)}}
    document = {"version": 1, "type": "pipeline", "labels": [], "inference": {"TRITON": section}}
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document))
    return {"pipeline": {"config": str(path)}}


def test_a_pipeline_needs_its_parts_on_its_own_servers(tmp_path: Path) -> None:
    both = pipeline(tmp_path, "both", "deepgrow_2d", "deepgrow_3d")
    servers = {"servers": {"gpu1": {}, "gpu2": {"port": 5001}}}
    right = {"deepgrow_2d": {"ngc": NGC}, "deepgrow_3d": {"ngc": NGC}, "both": both}
    assert Settings.parse(servers | {"models": right}).models["both"].parts == ("deepgrow_2d", "deepgrow_3d")
    assert told({"models": {"deepgrow_3d": {"ngc": NGC}, "both": both}}) == (
        "models.both.pipeline: it is made of model 'deepgrow_2d', which is not among the models of this stack; did you "
        "mean 'deepgrow_3d'?"
    )
    elsewhere = right | {"deepgrow_2d": {"ngc": NGC, "servers": ["gpu1"]}}
    assert told(servers | {"models": elsewhere}) == (
        "models.both.pipeline: it is on server gpu2, and its part 'deepgrow_2d' is not: put both on the same servers"
    )


def test_a_pipeline_that_is_made_of_itself_is_told(tmp_path: Path) -> None:
    models = {"a": pipeline(tmp_path, "a", "b"), "b": pipeline(tmp_path, "b", "a")}
    assert "it is made of itself: " in told({"models": models})


def written(folder: Path, name: str, inference: dict[str, Any], **fields: Any) -> str:
    """A configuration's file: the demonstration model's with another `inference`."""
    document = {**json.loads(Path(CONFIG).read_text()), "inference": inference, **fields}
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document))
    return str(path)


def test_a_class_of_ones_own_may_take_any_file(tmp_path: Path) -> None:
    config = written(tmp_path, "own", {"TRITON": {"name": "my_net.MyInference"}})
    with zipfile.ZipFile(tmp_path / "net.pth", "w") as archive:  # as torch.save writes it
        archive.writestr("archive/data.pkl", b"\x80\x02}q\x00.")
    local = {"config": config, "data": str(tmp_path / "net.pth")}
    assert Settings.parse({"servers": {"main": {}}} | model(local=local)).models["m"].local


def test_the_arguments_of_a_class_of_ones_own_name_no_models_of_the_stack(tmp_path: Path) -> None:
    section = {"name": "ensemble.Ensemble", "args": {"models": ["a", "b"]}}
    config = written(tmp_path, "own", {"TRITON": section, "AIAA": section}, type="segmentation")
    assert Settings.parse({"servers": {"main": {}}} | model(pipeline={"config": config})).models["m"].parts == ()


OF_CLARA_3 = {"servers": {"old": {"runtime": "external", "api": "clara-3.1", "url": "http://10.0.0.5:5000"}}}


def test_a_server_of_clara_3_gets_a_zip_archive(tmp_path: Path) -> None:
    config = written(tmp_path, "config", {"name": "TRTISInference", "trtis": {}}, version="3")
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        archive.writestr("model.trt.pb", b"\x0a\x10")
    local = {"config": config, "data": str(tmp_path / "model.zip")}
    assert Settings.parse(OF_CLARA_3 | model(local=local)).models["m"].local


def test_a_pipeline_of_clara_3_needs_its_parts_too(tmp_path: Path) -> None:
    inference = {"name": "own.Pipeline", "args": {"models": ["first", "second"]}}
    config = written(tmp_path, "both", inference, version="3", type="pipeline")
    models = {"both": {"pipeline": {"config": config}}, "first": {"ngc": NGC}}
    assert told(OF_CLARA_3 | {"models": models}) == (
        "models.both.pipeline: it is made of model 'second', which is not among the models of this stack; there is: "
        "first"
    )
    settings = Settings.parse(OF_CLARA_3 | {"models": models | {"second": {"ngc": NGC}}})
    assert settings.models["both"].parts == ("first", "second")


def test_what_a_pipeline_of_clara_3_names_must_be_names(tmp_path: Path) -> None:
    config = written(tmp_path, "both", {"args": {"models": [1]}}, version="3", type="pipeline")
    assert "inference.args.models: is [1]: write the names" in told(OF_CLARA_3 | model(pipeline={"config": config}))


def test_weights_do_not_hide_that_aiaas_own_pipeline_class_names_models(tmp_path: Path) -> None:
    section = {"name": "aiaa.apps.deepgrow.DeepgrowInferencePipeline", "args": {"models": ["a"]}}
    section["triton_model_config"] = json.loads(Path(CONFIG).read_text())["inference"]["TRITON"]["triton_model_config"]
    config = written(tmp_path, "grow", {"TRITON": section}, type="deepgrow")
    assert told(model(local={"config": config, "data": WEIGHTS})).startswith(
        "models.m.local: it is made of model 'a', which is not among"
    )


def test_all_that_is_wrong_with_a_models_files_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    document = json.loads(Path(CONFIG).read_text())
    del document["version"]
    document["inference"]["TRITON"]["triton_model_config"]["input"][0]["dims"] = [1, 0]
    (tmp_path / "config_aiaa.json").write_text(json.dumps(document))
    (tmp_path / "model.ts").write_text("no weights")
    local = {"config": str(tmp_path / "config_aiaa.json"), "data": str(tmp_path / "model.ts")}
    lines = told(model(local=local)).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"models.m.local.config: {tmp_path}/config_aiaa.json: version: is missing")
    assert "inference.TRITON.triton_model_config.input[0].dims[1]: is 0: " in lines[1]
    assert lines[2].startswith("models.m.local.data: ")


def test_the_same_files_for_two_servers_are_told_once(tmp_path: Path) -> None:
    shutil.copy(CONFIG, tmp_path / "config_aiaa.json")
    (tmp_path / "model.ts").write_text("no weights")
    local = {"config": str(tmp_path / "config_aiaa.json"), "data": str(tmp_path / "model.ts")}
    servers = {"servers": {"gpu1": {}, "gpu2": {"port": 5001, "runtime": "clara-4.1"}}}
    assert len(told(servers | model(local=local)).splitlines()) == 1


def test_an_mmar_is_looked_into(tmp_path: Path) -> None:
    (tmp_path / "mmar" / "config").mkdir(parents=True)
    shutil.copy(CONFIG, tmp_path / "mmar/config/config_aiaa.json")
    assert told(model(mmar=str(tmp_path / "mmar"))).startswith("models.m.mmar: ")
    (tmp_path / "mmar" / "models").mkdir()
    shutil.copy(WEIGHTS, tmp_path / "mmar/models/model.ts")
    assert Settings.parse({"servers": {"main": {}}} | model(mmar=str(tmp_path / "mmar"))).models["m"].mmar


def test_weights_by_url_need_no_file_and_no_network() -> None:
    settings = Settings.parse({"servers": {"main": {}}} | pinned(url=f"{URL}?v=1", sha256="AB" * 32))
    source = settings.models["m"].local
    assert source is not None
    assert source.data == PinnedFile(url=f"{URL}?v=1", sha256="ab" * 32)


def test_what_a_runtime_needs_is_its_default() -> None:
    settings = Settings.parse({"servers": {"old": {}, "new": {"runtime": "clara-4.1", "port": 5001}}})
    old, new = settings.servers["old"], settings.servers["new"]
    assert (old.aiaa_image, old.start_command) == ("nvcr.io/nvidia/clara-train-sdk:v4.0", "start_aiaa.sh")
    assert (new.aiaa_image, new.start_command) == ("nvcr.io/nvidia/clara-train-sdk:v4.1", "AIAA start")
    assert (old.speaks, new.speaks) == ("clara-4.0", "clara-4.1")


def test_an_external_server_speaks_what_is_said_of_it() -> None:
    external = {"runtime": "external", "url": "http://10.0.0.5:5000"}
    settings = Settings.parse({"servers": {"a": external, "b": external | {"api": "clara-3.1"}}})
    assert (settings.servers["a"].speaks, settings.servers["b"].speaks) == ("clara-4.0", "clara-3.1")
