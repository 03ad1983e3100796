"""NVIDIA's AIAA server (Clara Train 4.0), as far as models and inference go.

Protocol: NVIDIA's server API and model loading pages (https://docs.nvidia.com/clara/clara-train-archive/4.0/aiaa/),
and the published Python and C++ clients (https://github.com/NVIDIA/ai-assisted-annotation-client). AIAA has no log-in.
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from requests_toolbelt.multipart.decoder import ImproperBodyPartContentException, MultipartDecoder
from requests_toolbelt.multipart.encoder import MultipartEncoder, MultipartEncoderMonitor

from clients.connection import Deadline
from clients.errors import Broken, ClientError, NotReady, Rejected, Unreachable, json_of, said
from clients.transport import Answer, Transport, wait_for

_ROUTES = {"segmentation": "segmentation", "annotation": "dextr3d", "deepgrow": "deepgrow"}
_POLL = 0.5  # seconds between two looks at a model that is to come or to go
_LISTED_WITHIN = 10.0  # seconds: AIAA's processes each keep a copy of the list, and read it anew now and then
_CONFIG_WITHIN = 10.0  # seconds: it can be done without
_NO_SPACE = os.strerror(errno.ENOSPC)  # AIAA is written in Python, whose errors its answers name
_ENTRY_KEYS = {"name", "type", "labels", "description", "version"}


class DiskFull(Rejected):
    """The server's workspace, or where it keeps an upload meanwhile, has no room for a model."""

    advice = "free some space there, then run the command again; `bin/aiaa doctor` tells how much there is"


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
        labels = document.get("labels") or []
        if not isinstance(labels, list):
            raise Broken(f"{tried}: expected a list of labels of model {document['name']}, got {str(labels)[:80]!r}")
        return cls(
            name=document["name"],
            type=_text(document.get("type")),
            labels=tuple(str(label) for label in labels),
            description=_text(document.get("description")),
            version=_text(document.get("version")),
            meta={key: value for key, value in document.items() if key not in _ENTRY_KEYS},
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

    Attributes:
        url: the server's.
    """

    def __init__(self, url: str, *, ca_file: str | None = None, timeout: float = 30.0) -> None:
        self._timeout = timeout
        self._ca_file = ca_file
        self._transport = Transport(url, ca_file=ca_file, read_timeout=timeout)
        self.url = self._transport.base_url

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

    def config(self, name: str) -> Mapping[str, Any] | None:
        """What the server says of a model's configuration; None for whatever reason it does not, as `--admin_hosts` may
        keep this machine from it. In what form it comes is documented nowhere.
        """
        try:
            deadline = min(self._timeout, _CONFIG_WITHIN)
            document = self._transport.call("GET", "admin", "model", name, deadline=deadline, repeat=False).json()
        except ClientError:
            return None
        return document if isinstance(document, dict) else None

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
            DiskFull: the server has no room for it.
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

            return self._load(name, deadline, body, f" of {data.stat().st_size / 1e6:.3f} MB")

    def unload(self, name: str, deadline: float) -> None:
        """Remove a model and wait until it is not listed any more; one that is not there is no error.

        Raises:
            NotReady: it was still listed at the deadline.
        """
        limit = Deadline(deadline)
        with Transport(self.url, ca_file=self._ca_file, read_timeout=deadline) as patient:
            answer = patient.call("DELETE", "admin", "model", name, deadline=deadline, expect=(200, 204, 404))
        if answer.status != 404:
            _require_no_page(answer)
        if self._look_until(name, listed=False, deadline=limit.left):
            raise NotReady(f"DELETE of model {name} on {self.url}: still listed after {deadline:.0f} s")

    def wait_until_ready(
        self, deadline: float, on_wait: Callable[[str], None], watch: Callable[[], None] | None = None
    ) -> None:
        """Wait until `/v1/models` answers a list. `/` and `/logs` prove nothing: they answer while AIAA hangs.

        Args:
            deadline: seconds.
            on_wait: is told now and then what is waited for.
            watch: is called after each look in vain; what it raises ends the wait.

        Raises:
            ClientError: the last reason why it did not.
        """
        wait_for(lambda left: self._models(min(self._timeout, left), repeat=False), deadline, on_wait, watch)

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
        with Transport(self.url, ca_file=self._ca_file, read_timeout=deadline) as patient:
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

    def page_answers(self, timeout: float = 5.0) -> bool:
        """Whether anything at all answers at `/`. It does while AIAA hangs: only `/v1/models` tells a server that works
        (https://github.com/NVIDIA/ai-assisted-annotation-client/issues/90).

        Args:
            timeout: seconds.
        """
        try:
            self._transport.call("GET", "", deadline=timeout, expect=range(200, 600), repeat=False)
        except Unreachable:
            return False
        return True

    def answer_to(self, origin: str) -> str | None:
        """Which pages may read this server's answers, as it tells a browser's page from `origin`: `*`, an origin, or
        None. (The viewer's calls are simple requests in CORS's words, so the answer's own header decides.)

        Raises:
            Unreachable: no answer.
        """
        answer = self._transport.call(
            "GET", "v1", "models", deadline=self._timeout, expect=range(200, 600), headers={"Origin": origin}
        )
        return answer.headers.get("Access-Control-Allow-Origin")

    def logs(self, lines: int) -> str:
        """The last lines of AIAA's own log."""
        return self._transport.call("GET", "logs", "", deadline=self._timeout, query={"lines": lines}).text

    def _models(self, deadline: float, repeat: bool | None = None) -> list[ModelEntry]:
        answer = self._transport.call("GET", "v1", "models", deadline=deadline, repeat=repeat)
        document = answer.json()
        if not isinstance(document, list):
            raise answer.instead_of("a list of models")
        return [ModelEntry.of(entry, answer.tried) for entry in document]

    def _load(
        self, name: str, deadline: float, body: Callable[[Deadline], tuple[Any, str]], size: str = ""
    ) -> ModelEntry:
        """`size`: in words, where it is known here."""
        limit = Deadline(deadline)
        with Transport(self.url, ca_file=self._ca_file, read_timeout=deadline) as patient:
            try:
                answer = patient.call("PUT", "admin", "model", name, deadline=deadline, body=body)
            except ClientError as error:
                if _NO_SPACE not in str(error):
                    raise
                raise DiskFull(f"no room for the model{size}: {error}") from None
        _require_no_page(answer)
        # The answer's shape is recorded of one version only; what counts is what the server lists.
        entry = self._look_until(name, listed=True, deadline=min(limit.left, _LISTED_WITHIN))
        if entry is None:
            raise Rejected(
                f"PUT of model {name} on {self.url}: answered 200, yet the model is not listed; see {self.url}/logs/"
            )
        return entry

    def _look_until(self, name: str, *, listed: bool, deadline: float) -> ModelEntry | None:
        """The model's entry once it is listed, or not any more; at the deadline, what there is."""
        limit = Deadline(deadline)
        while True:
            entry = self.find(name)
            if (entry is not None) == listed or not limit.left:
                return entry
            time.sleep(min(_POLL, limit.left))


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _require_no_page(answer: Answer) -> None:
    """A log-in page of a proxy, or the wrong server: then nothing was done, and there is nothing to wait for."""
    if answer.body.lstrip().startswith(b"<"):
        raise answer.instead_of("AIAA's answer")


def _result(answer: Answer) -> InferenceResult:
    content_type = answer.headers.get("Content-Type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith("multipart/"):
        return _multipart_result(answer, content_type)
    if kind == "application/json":
        document = answer.json()
        if isinstance(document, dict) and document.get("success") is False:
            raise Rejected(f"{answer.tried}: {said(answer.body)[0]}")
        return InferenceResult(_params(document), None)
    if kind == "text/html":
        raise answer.instead_of("a result")
    return InferenceResult({}, answer.body)


def _multipart_result(answer: Answer, content_type: str) -> InferenceResult:
    params: Mapping[str, Any] = {}
    image, filename = None, ""
    try:
        for part in MultipartDecoder(answer.body, content_type).parts:
            header = Message()
            header["Content-Disposition"] = part.headers.get(b"Content-Disposition", b"").decode()
            if name := header.get_filename():
                image, filename = part.content, name
            elif header.get_param("name", header="Content-Disposition") == "params":
                params = _params(json_of(part.content or b"{}"))
    # AttributeError: the decoder's, if the content type names no boundary.
    except (ImproperBodyPartContentException, ValueError, AttributeError) as error:
        raise Broken(f"{answer.tried}: the answer cannot be taken apart: {error}") from None
    return InferenceResult(params, image, filename)


def _params(document: Any) -> Mapping[str, Any]:
    return document if isinstance(document, dict) else {"result": document}
