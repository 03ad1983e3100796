"""The models of a server: loading, replacing, removing, listing; what ``/admin/model`` and ``/v1/models`` stand on."""

import json
import re
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.aiaa import ngc
from sandbox.aiaa.errors import AIAAException
from sandbox.aiaa.inference import Inference, Result
from sandbox.aiaa.options import Options
from sandbox.aiaa.server_log import ServerLog
from sandbox.aiaa.triton_repository import TritonRepository
from sandbox.aiaa.triton_server import TritonServer
from sandbox.aiaa.workspace import Workspace

_TYPES = ("segmentation", "annotation", "classification", "deepgrow", "others", "pipeline")
_REQUIRED = ("version", "type", "labels")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")

_CONTEXT = "aiaa.www.api.server_context"
_ENGINE = "aiaa.inference.inference_utils"


class Models:
    """All loaded models. One load or removal of a name at a time; reading and inference go on meanwhile."""

    def __init__(self, options: Options, workspace: Workspace, log: ServerLog) -> None:
        self._timeout = options.triton_model_timeout
        self._lag = options.list_lag
        self._workspace = workspace
        self._log = log
        self._repository = TritonRepository(workspace.triton_models)
        self._triton = TritonServer(options)
        self._busy: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._registry = threading.Lock()
        self._configs: dict[str, dict[str, Any]] = {}
        self._inferences: dict[str, Inference] = {}
        self._listed_from: dict[str, float] = {}
        self._restore()

    def entries(self) -> list[dict[str, Any]]:
        """What ``/v1/models`` lists, in the order of loading."""
        now = time.monotonic()
        configs = dict(self._configs)
        return [entry(name, config) for name, config in configs.items() if self._listed_from.get(name, 0) <= now]

    def config(self, name: str) -> dict[str, Any]:
        """The stored config with ``name`` and ``path``. Raises AIAAException, status 404, for an unknown name."""
        if name not in self._configs:
            raise AIAAException("MODEL_NOT_FOUND", f"Model {name} is not loaded", status=404)
        return {**self._configs[name], "name": name, "path": str(self._model_file(name))}

    def load_from_ngc(self, name: str, path: str, version: str) -> dict[str, Any]:
        """Load what ``path`` and ``version`` name on NGC; see :mod:`sandbox.aiaa.ngc`."""
        self._log.info("aiaa.utils.generic_utils", f"Downloading {path}:{version} from NGC")
        folder = ngc.download(path, version, self._workspace.downloads)
        config = json.loads((folder / "config" / "config_aiaa.json").read_text(encoding="utf-8"))
        return self.load(name, config, folder / "models" / "model.ts")

    def load(self, name: str, config: Any, model: Path | None) -> dict[str, Any]:
        """Load or replace a model; returns its public entry once Triton serves this very file.

        model  the TorchScript file; None for a pipeline, which has none
        Raises AIAAException; ``TimeoutError`` if Triton does not serve it in time. What was loaded before stays. A new
        model's files stay in Triton's repository too, unlisted, until they are replaced: Triton may be loading them.
        """
        if not _NAME.fullmatch(name):
            raise AIAAException("INVALID_INPUT", f"Model name {name!r}: only letters, digits, _ . - are allowed", 400)
        _check(config)
        inference = Inference(name, config)
        with self._busy[name]:
            if inference.triton_model_config is not None:
                self._publish(name, inference.triton_model_config, model)
            self._log.info(_CONTEXT, f"Loading Engine for {name}")
            with self._registry:
                self._listed_from[name] = time.monotonic() + self._lag
                self._inferences[name] = inference
                self._configs[name] = config
                self._workspace.write_registry(self._configs)
            self._log.info(_CONTEXT, f"Total Models Loaded = {len(self._configs)}")
        return entry(name, config)

    def remove(self, name: str) -> dict[str, Any]:
        """Unload and delete a model at once; Triton follows when it polls next. Returns the entry it had."""
        with self._busy[name]:
            config = self.config(name)
            with self._registry:
                del self._configs[name], self._inferences[name]
                self._workspace.write_registry(self._configs)
            self._repository.remove(name)
            self._model_file(name).unlink(missing_ok=True)
            self._log.info(_CONTEXT, f"Removed {name}; Total Models Loaded = {len(self._configs)}")
        return entry(name, config)

    def infer(self, name: str, image: Path, params: Mapping[str, Any]) -> Result:
        if (inference := self._inferences.get(name)) is None:
            raise AIAAException("INVALID_INPUT", f"Model {name} is not loaded")
        return inference.run(image, params, self._triton.infer)

    def _publish(self, name: str, triton_config: dict[str, Any], model: Path | None) -> None:
        if model is None:
            raise AIAAException("MODEL_IMPORT_ERROR", f"Model {name} needs its TorchScript file in the part 'data'")
        mark = self._repository.publish(name, triton_config, model)
        self._log.info(_ENGINE, f"Waiting for Triton to serve {name}")
        if not self._triton.wait_until_served(name, mark, self._timeout):
            self._put_back(name)
            raise TimeoutError(f"Unable to get status for '{name}'")
        shutil.copyfile(model, self._model_file(name))

    def _put_back(self, name: str) -> None:
        """Give Triton again what it had under this name, if it had anything."""
        previous = self._inferences.get(name)
        if previous is not None and previous.triton_model_config is not None:
            self._repository.publish(name, previous.triton_model_config, self._model_file(name))

    def _model_file(self, name: str) -> Path:
        return self._workspace.models / f"{name}.ts"

    def _restore(self) -> None:
        for name, config in self._workspace.read_registry().items():
            self._log.info(_CONTEXT, f"Config Found for {name}")
            self._inferences[name] = Inference(name, config)
            self._configs[name] = config
            self._log.info(_CONTEXT, f"Loading Engine for {name}")
        self._log.info(_CONTEXT, f"Total Models Loaded = {len(self._configs)}")


def entry(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """A model's public entry. ``version`` is always a string; ``inference.meta_data`` is merged in.

    Recorded: visiont3lab/clara-train-examples AIAA.ipynb, and https://discourse.slicer.org/t/error-in-nvidia-aiaa/20730.
    """
    return {
        "name": name,
        "labels": list(config["labels"]),
        "description": config.get("description", ""),
        "version": str(config["version"]),
        "type": config["type"],
        **((config.get("inference") or {}).get("meta_data") or {}),
    }


def _check(config: Any) -> None:
    if not isinstance(config, dict):
        raise AIAAException("MODEL_IMPORT_ERROR", "config is not a JSON object")
    if missing := [key for key in _REQUIRED if key not in config]:
        raise AIAAException("MODEL_IMPORT_ERROR", f"config lacks {', '.join(missing)}")
    if config["type"] not in _TYPES:
        raise AIAAException("MODEL_IMPORT_ERROR", f"config type {config['type']!r} is not one of {', '.join(_TYPES)}")
