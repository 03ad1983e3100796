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

from sandbox.aiaa import mmar, ngc, points
from sandbox.aiaa.deepgrow_pipeline import DeepgrowPipeline
from sandbox.aiaa.errors import AIAAException
from sandbox.aiaa.inference import Inference
from sandbox.aiaa.loading import Loaded, build, entry
from sandbox.aiaa.options import Options
from sandbox.aiaa.result import Result
from sandbox.aiaa.server_log import ServerLog
from sandbox.aiaa.triton_repository import TritonRepository
from sandbox.aiaa.triton_server import TritonServer
from sandbox.aiaa.workspace import Workspace

_NAME = re.compile(r"[A-Za-z0-9_.-]+")

_CONTEXT = "aiaa.www.api.server_context"
_ENGINE = "aiaa.inference.inference_utils"


class Models:
    """All loaded models. One load or removal of a name at a time; reading and inference go on meanwhile."""

    def __init__(self, options: Options, workspace: Workspace, log: ServerLog) -> None:
        self._generation = options.generation
        self._timeout = options.triton_model_timeout
        self._lag = options.list_lag
        self._workspace = workspace
        self._log = log
        self._repository = TritonRepository(workspace.triton_models)
        self._triton = TritonServer(options)
        self._busy: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._registry = threading.Lock()
        self._configs: dict[str, dict[str, Any]] = {}
        self._inferences: dict[str, Loaded] = {}
        self._listed_from: dict[str, float] = {}
        self._restore()

    def entries(self) -> list[dict[str, Any]]:
        """What ``/v1/models`` lists, in the order of loading."""
        now = time.monotonic()
        configs = dict(self._configs)
        return [self._entry(name, config) for name, config in configs.items() if self._listed_from.get(name, 0) <= now]

    def config(self, name: str) -> dict[str, Any]:
        """The stored config with ``name`` and ``path``. Raises AIAAException, status 404, for an unknown name."""
        if name not in self._configs:
            raise AIAAException("MODEL_NOT_FOUND", f"Model {name} is not loaded", status=404)
        return {**self._configs[name], "name": name, "path": str(self._model_file(name))}

    def load_from_ngc(self, name: str, path: str, version: str) -> dict[str, Any]:
        """Load what ``path`` and ``version`` name on NGC; see :mod:`sandbox.aiaa.ngc`."""
        self._log.info("aiaa.utils.generic_utils", f"Downloading {path}:{version} from NGC")
        folder = ngc.download(path, version, self._workspace.downloads)
        if not (model := folder / "models" / self._generation.model_file).is_file():
            raise AIAAException("MODEL_IMPORT_ERROR", f"{path} has no models/{self._generation.model_file}")
        config = json.loads((folder / "config" / "config_aiaa.json").read_text(encoding="utf-8"))
        return self.load(name, config, model)

    def load_archive(self, name: str, archive: Path) -> dict[str, Any]:
        """Load an MMAR that was uploaded as a zip."""
        config, model = mmar.unpacked(archive, self._generation.model_file)
        return self.load(name, config, model)

    def replace_config(self, name: str, config: Any) -> dict[str, Any]:
        """Load a model again, with another config and the file that it has. Raises AIAAException as ``config`` does."""
        self.config(name)
        model = self._model_file(name)
        return self.load(name, config, model if model.exists() else None)

    def load(self, name: str, config: Any, model: Path | None) -> dict[str, Any]:
        """Load or replace a model; returns its public entry once Triton serves this very file.

        model  its file, or for Clara 3 a zip with it; None for what has none, as a pipeline
        Raises AIAAException; ``TimeoutError`` if Triton does not serve it in time. What was loaded before stays. A new
        model's files stay in Triton's repository too, unlisted, until they are replaced: Triton may be loading them.
        """
        if not _NAME.fullmatch(name):
            raise AIAAException("INVALID_INPUT", f"Model name {name!r}: only letters, digits, _ . - are allowed", 400)
        inference = build(name, config, self._generation, self._workspace.lib)
        if isinstance(inference, DeepgrowPipeline):
            inference.parts(self._by_name())
        if model is not None and self._generation.tensorflow:
            model = mmar.model_of(model, self._generation.model_file)
        with self._busy[name]:
            if isinstance(inference, Inference) or (model and inference.triton_model_config):
                self._publish(name, inference.triton_model_config or {}, model)
            elif name in self._inferences:
                self._unpublish(name)
            self._log.info(_CONTEXT, f"Loading Engine for {name}")
            with self._registry:
                self._listed_from[name] = time.monotonic() + self._lag
                self._inferences[name] = inference
                self._configs[name] = config
                self._workspace.write_registry(self._configs)
            self._log.info(_CONTEXT, f"Total Models Loaded = {len(self._configs)}")
        return self._entry(name, config)

    def remove(self, name: str) -> dict[str, Any]:
        """Unload and delete a model at once; Triton follows when it polls next. Returns the entry it had."""
        with self._busy[name]:
            config = self.config(name)
            with self._registry:
                del self._configs[name], self._inferences[name]
                self._workspace.write_registry(self._configs)
            self._unpublish(name)
            self._log.info(_CONTEXT, f"Removed {name}; Total Models Loaded = {len(self._configs)}")
        return self._entry(name, config)

    def infer(self, name: str, image: Path, params: Mapping[str, Any]) -> Result:
        """Raises AIAAException, ValueError for points that are text, and whatever Triton's client raises."""
        if (inference := self._inferences.get(name)) is None:
            raise AIAAException("INVALID_INPUT", f"Model {name} is not loaded")
        params = points.normalized(params, texts=self._generation.tensorflow)
        if isinstance(inference, Inference):
            return inference.run(image, params, self._triton.infer)
        if isinstance(inference, DeepgrowPipeline):
            return inference.run(image, params, self.infer, self._by_name())
        raise AIAAException("INFERENCE_ERROR", inference.refusal)

    def _entry(self, name: str, config: Mapping[str, Any]) -> dict[str, Any]:
        return entry(name, config, self._generation)

    def _by_name(self) -> dict[str, dict[str, Any]]:
        return {name: self._entry(name, config) for name, config in dict(self._configs).items()}

    def _publish(self, name: str, triton_config: dict[str, Any], model: Path | None) -> None:
        if model is None:
            raise AIAAException("MODEL_IMPORT_ERROR", f"Model {name} needs its file, {self._generation.model_file}")
        mark = self._repository.publish(name, triton_config, model)
        self._log.info(_ENGINE, f"Waiting for Triton to serve {name}")
        if not self._triton.wait_until_served(name, mark, self._timeout):
            self._put_back(name)
            raise TimeoutError(f"Unable to get status for '{name}'")
        if model != self._model_file(name):
            shutil.copyfile(model, self._model_file(name))

    def _unpublish(self, name: str) -> None:
        self._repository.remove(name)
        self._model_file(name).unlink(missing_ok=True)

    def _put_back(self, name: str) -> None:
        """Give Triton again what it had under this name, if it had anything."""
        previous = self._inferences.get(name)
        if previous is not None and previous.triton_model_config is not None:
            self._repository.publish(name, previous.triton_model_config, self._model_file(name))

    def _model_file(self, name: str) -> Path:
        return self._workspace.models / f"{name}{self._generation.model_file.removeprefix('model')}"

    def _restore(self) -> None:
        for name, config in self._workspace.read_registry().items():
            self._log.info(_CONTEXT, f"Config Found for {name}")
            try:
                self._inferences[name] = build(name, config, self._generation, self._workspace.lib)
            except AIAAException as error:  # what another release wrote
                self._log.error(_CONTEXT, f"{name} is not loaded: {error.args[-1]}")
                continue
            self._configs[name] = config
            self._log.info(_CONTEXT, f"Loading Engine for {name}")
        self._log.info(_CONTEXT, f"Total Models Loaded = {len(self._configs)}")
