"""NVIDIA's AIAA server (Clara Train 4.0), as far as models and inference go.

Protocol: NVIDIA's server API and model loading pages (https://docs.nvidia.com/clara/clara-train-archive/4.0/aiaa/),
and the published Python and C++ clients (https://github.com/NVIDIA/ai-assisted-annotation-client). AIAA has no log-in.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from requests_toolbelt.multipart.decoder import ImproperBodyPartContentException, MultipartDecoder
from requests_toolbelt.multipart.encoder import MultipartEncoder, MultipartEncoderMonitor

from clients.errors import Broken, NotReady, Rejected
from clients.transport import Answer, Deadline, Transport, wait_for

_ROUTES = {"segmentation": "segmentation", "annotation": "dextr3d", "deepgrow": "deepgrow"}
_POLL = 0.5  # seconds between two looks at a model that is to go


@dataclass(frozen=True)
class ModelEntry:
    """What `/v1/models` lists of a model. `meta`: all other keys, among them those of the config's `meta_data`."""

    name: str
    type: str
    labels: tuple[str, ...]
    description: str
    version: str
    meta: Mapping[str, Any]

    @classmethod
    def of(cls, document: Any, tried: str) -> ModelEntry:
        """
        Raises:
            Broken: not an entry.
        """
        if not isinstance(document, dict) or not isinstance(document.get("name"), str):
            raise Broken(f"{tried}: expected a model with a name, got {str(document)[:80]!r}")
        known = {"name", "type", "labels", "description", "version"}
        return cls(
            name=document["name"],
            type=str(document.get("type", "")),
            labels=tuple(str(label) for label in document.get("labels") or ()),
            description=str(document.get("description", "")),
            version=str(document.get("version", "")),
            meta={key: value for key, value in document.items() if key not in known},
        )


@dataclass(frozen=True)
class InferenceResult:
    """`params`: the JSON part. `image`: the file as it came, or None where the model yields none."""

    params: Mapping[str, Any]
    image: bytes | None
    filename: str = ""


class AiaaClient:
    """A client for one server; a context manager.

    Args:
        url: scheme, host and port.
        timeout: seconds for a call that is not an upload, a load or an inference.
    """

    def __init__(self, url: str, *, ca_file: str | None = None, timeout: float = 30.0) -> None:
        self._timeout = timeout
        self._ca_file = ca_file
        self._transport = Transport(url, ca_file=ca_file, read_timeout=timeout)
        self._url = self._transport.base_url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()

    def models(self) -> list[ModelEntry]:
        """
        Raises:
            Broken: something else than a JSON list answered.
        """
        return self._models(self._timeout)

    def find(self, name: str) -> ModelEntry | None:
        """The model's entry; None if the server answered a list without it."""
        return next((entry for entry in self.models() if entry.name == name), None)

    def load_from_ngc(self, name: str, path: str, version: str, deadline: float) -> ModelEntry:
        """Let the server fetch a model from NGC; answers when it is loaded.

        Args:
            path: as `nvidia/med/clara_pt_spleen_ct_segmentation`. version: NGC's.
            deadline: seconds, the server's download included.
        """
        document = json.dumps({"path": path, "version": version})
        return self._load(name, deadline, lambda _limit: (document, "application/json"))

    def load_from_files(self, name: str, config: Mapping[str, Any], data: Path, deadline: float) -> ModelEntry:
        """Upload AIAA's config and a TorchScript file, streamed from disk; answers when the model is loaded.

        Raises:
            OSError: the file cannot be read.
        """
        with data.open("rb") as file:

            def body(limit: Deadline) -> tuple[Any, str]:
                file.seek(0)
                form = MultipartEncoder(
                    {
                        "config": ("config_aiaa.json", json.dumps(config), "application/json"),
                        "data": (data.name, file, "application/octet-stream"),
                    }
                )
                return MultipartEncoderMonitor(form, lambda _monitor: limit.check()), form.content_type

            return self._load(name, deadline, body)

    def unload(self, name: str, deadline: float) -> None:
        """Remove a model and wait until it is not listed any more; one that is not there is no error.

        Raises:
            NotReady: it was still listed at the deadline.
        """
        limit = Deadline(deadline)
        with Transport(self._url, ca_file=self._ca_file, read_timeout=deadline) as patient:
            patient.call("DELETE", "admin", "model", name, deadline=deadline, expect=(200, 204, 404))
        while any(entry.name == name for entry in self.models()):
            if not limit.left:
                raise NotReady(f"DELETE of model {name} on {self._url}: still listed after {deadline:.0f} s")
            time.sleep(_POLL)

    def wait_until_ready(self, deadline: float, on_wait: Callable[[str], None]) -> None:
        """Wait until `/v1/models` answers a list. `/` and `/logs` prove nothing: they answer while AIAA hangs.

        Args:
            deadline: seconds.
            on_wait: is told now and then what is waited for.

        Raises:
            ClientError: the last reason why it did not.
        """
        wait_for(lambda left: self._models(min(self._timeout, left), repeat=False), deadline, on_wait)

    def infer(
        self,
        model: ModelEntry,
        image: bytes,
        filename: str,
        deadline: float,
        *,
        params: Mapping[str, Any] | None = None,
    ) -> InferenceResult:
        """One inference, on the route for the model's type.

        Args:
            image: a file in a format that AIAA reads, such as NIfTI.
            params: points and result options, as the viewers send them.
            deadline: seconds.

        Raises:
            Broken: an answer that is neither multipart, JSON nor a file.
        """
        form = MultipartEncoder(
            {
                "params": json.dumps(params or {}),
                "image": (filename, image, "application/octet-stream"),
            }
        )
        route = _ROUTES.get(model.type, "inference")
        with Transport(self._url, ca_file=self._ca_file, read_timeout=deadline) as patient:
            answer = patient.call(
                "POST",
                "v1",
                route,
                deadline=deadline,
                query={"model": model.name},
                headers={"Accept": "multipart/form-data"},
                body=lambda _limit: (form.to_string(), form.content_type),
            )
        return _result(answer)

    def logs(self, lines: int) -> str:
        """The last lines of AIAA's own log."""
        return self._transport.call("GET", "logs", "", deadline=self._timeout, query={"lines": lines}).text

    def _models(self, deadline: float, repeat: bool | None = None) -> list[ModelEntry]:
        answer = self._transport.call("GET", "v1", "models", deadline=deadline, repeat=repeat)
        document = answer.json()
        if not isinstance(document, list):
            raise Broken(f"{answer.tried}: expected a list of models, got {str(document)[:80]!r}")
        return [ModelEntry.of(entry, answer.tried) for entry in document]

    def _load(self, name: str, deadline: float, body: Callable[[Deadline], tuple[Any, str]]) -> ModelEntry:
        with Transport(self._url, ca_file=self._ca_file, read_timeout=deadline) as patient:
            patient.call("PUT", "admin", "model", name, deadline=deadline, body=body)
        # The answer's shape is recorded of one version only; what counts is what the server lists.
        entry = self.find(name)
        if entry is None:
            raise Rejected(
                f"PUT of model {name} on {self._url}: answered 200, yet the model is not listed; see {self._url}/logs/"
            )
        return entry


def _result(answer: Answer) -> InferenceResult:
    content_type = answer.headers.get("Content-Type", "")
    if content_type.startswith("multipart/"):
        return _multipart_result(answer, content_type)
    if content_type.startswith("application/json"):
        document = answer.json()
        return InferenceResult(document if isinstance(document, dict) else {"result": document}, None)
    if content_type.startswith("text/html"):
        raise Broken(f"{answer.tried}: expected a result, got an HTML page")
    return InferenceResult({}, answer.body)


def _multipart_result(answer: Answer, content_type: str) -> InferenceResult:
    params: Mapping[str, Any] = {}
    image, filename = None, ""
    try:
        parts = MultipartDecoder(answer.body, content_type).parts
        for part in parts:
            disposition = part.headers.get(b"Content-Disposition", b"").decode()
            if 'filename="' in disposition:
                image, filename = part.content, disposition.split('filename="')[1].split('"')[0]
            elif 'name="params"' in disposition:
                params = json.loads(part.content or b"{}")
    except (ImproperBodyPartContentException, ValueError) as error:
        raise Broken(f"{answer.tried}: the answer cannot be taken apart: {error}") from None
    return InferenceResult(params, image, filename)
