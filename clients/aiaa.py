"""NVIDIA's AIAA server (Clara Train 4.0), as far as models and inference go.

Protocol: NVIDIA's server API and model loading pages (https://docs.nvidia.com/clara/clara-train-archive/4.0/aiaa/),
and the published Python and C++ clients (https://github.com/NVIDIA/ai-assisted-annotation-client). AIAA has no log-in.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from requests_toolbelt.multipart.encoder import MultipartEncoder, MultipartEncoderMonitor
from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_before_delay, wait_random_exponential

from clients.aiaa_answers import InferenceResult as InferenceResult  # for who uses the client
from clients.aiaa_answers import ModelEntry as ModelEntry
from clients.aiaa_answers import models_of, result_of
from clients.aiaa_errors import DiskFull as DiskFull
from clients.aiaa_errors import explained
from clients.aiaa_session import Session
from clients.connection import ConnectionLost, Deadline
from clients.errors import ClientError, GaveUp, NotReady, Rejected, Unreachable
from clients.progress import Progress
from clients.transport import Answer, Transport, wait_for

_POLL = 0.5  # seconds between two looks at a model that is to come or to go
_LISTED_WITHIN = 10.0  # seconds: AIAA's processes each keep a copy of the list, and read it anew now and then
_LOST_WITHIN = 5.0  # seconds, in which a load whose connection was lost may still show in the list
_ATTEMPTS = 4
_CONFIG_WITHIN = 10.0  # seconds: it can be done without


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

    def load_from_ngc(
        self, name: str, path: str, version: str, deadline: float, *, as_form: bool = False
    ) -> ModelEntry:
        """Let the server fetch a model from NGC; answers when it is loaded.

        Args:
            path: as `nvidia/med/clara_pt_spleen_ct_segmentation`. version: NGC's.
            deadline: seconds, the server's download included.
            as_form: as Clara 4.1 wants it, in the part `ngc` of a form; 3.x and 4.0 take the same JSON as the body
                (https://docs.nvidia.com/clara/clara-train-sdk/aiaa/loading_models.html).
        """
        document = json.dumps({"path": path, "version": version})

        def body(_limit: Deadline) -> tuple[Any, str]:
            if not as_form:
                return document, "application/json"
            form = MultipartEncoder({"ngc": document})
            return form.to_string(), form.content_type

        return self._load(name, deadline, body)

    def load_from_files(
        self,
        name: str,
        config: Mapping[str, Any],
        data: Path | None,
        deadline: float,
        *,
        filename: str = "model.ts",
        is_it: Callable[[ModelEntry], bool] | None = None,
        tell: Callable[[str], None] = lambda _line: None,
    ) -> ModelEntry:
        """Upload AIAA's config and the model's file, streamed from disk; answers when the model is loaded.

        Args:
            data: TorchScript for 4.x, a TensorFlow graph for 3.x; None for a config that needs no weights.
            filename: by which the server is told of it: `model.ts`, `model.trt.pb`.
            is_it: tells the entry of this upload from that of a model that it replaces, which may be listed a moment
                longer. By it an upload whose answer was lost is found in the list, and not sent again.
            tell: is told now and then how far the upload is.

        Raises:
            OSError: the file cannot be read.
            DiskFull: the server has no room for it.
        """
        parts: dict[str, Any] = {"config": ("config_aiaa.json", json.dumps(config), "application/json")}
        if data is None:
            form = MultipartEncoder(parts)
            return self._load(name, deadline, lambda _limit: (form.to_string(), form.content_type), is_it=is_it)
        with data.open("rb") as file:

            def body(limit: Deadline) -> tuple[Any, str]:
                file.seek(0)
                form = MultipartEncoder({**parts, "data": (filename, file, "application/octet-stream")})
                progress = Progress(f"uploading {filename}", form.len, tell)

                def step(monitor: MultipartEncoderMonitor) -> None:
                    limit.check()
                    progress.at(monitor.bytes_read)

                return MultipartEncoderMonitor(form, step), form.content_type

            size = f"{data.stat().st_size / 1e6:.3f} MB"
            return self._load(name, deadline, body, size, is_it)

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
        if self._look_until(name, lambda found: found is None, limit.left):
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

    def session(self, image: bytes, filename: str, deadline: float) -> Session:
        """Keep an image on the server, as viewers do. A context manager, which removes it.

        Raises:
            Rejected: the server opened no session.
        """
        return Session.open(self.url, self._ca_file, image, filename, deadline)

    def infer(
        self,
        model: ModelEntry,
        image: bytes,
        filename: str,
        deadline: float,
        *,
        params: Mapping[str, Any] | None = None,
    ) -> InferenceResult:
        """One inference that sends its image, on the route for the model's type. Viewers use `session`.

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
        try:
            with Transport(self.url, ca_file=self._ca_file, read_timeout=deadline) as patient:
                answer = patient.call(
                    "POST",
                    "v1",
                    model.route,
                    deadline=deadline,
                    query={"model": model.name},
                    headers={"Accept": "multipart/form-data"},
                    body=lambda _limit: (form.to_string(), form.content_type),
                )
            return result_of(answer)
        except ClientError as error:
            raise explained(error, "the image") from None

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

    def logs(self, lines: int) -> str:
        """The last lines of AIAA's own log.

        Raises:
            Broken: a page answered, as of a proxy.
        """
        answer = self._transport.call("GET", "logs", "", deadline=self._timeout, query={"lines": lines})
        _require_no_page(answer)
        return answer.text

    def _models(self, deadline: float, repeat: bool | None = None) -> list[ModelEntry]:
        return models_of(self._transport.call("GET", "v1", "models", deadline=deadline, repeat=repeat))

    def _load(
        self,
        name: str,
        deadline: float,
        body: Callable[[Deadline], tuple[Any, str]],
        size: str = "",
        is_it: Callable[[ModelEntry], bool] | None = None,
    ) -> ModelEntry:
        """
        Args:
            size: of an upload, in words.
            is_it: see `load_from_files`; None of what is not to be told from what it replaces.
        """
        limit = Deadline(deadline)
        with Transport(self.url, ca_file=self._ca_file, read_timeout=deadline) as patient:

            def attempt() -> ModelEntry | None:
                """The entry, if its end was seen in the list rather than in an answer."""
                try:
                    _require_no_page(
                        patient.call(
                            "PUT", "admin", "model", name, deadline=limit.left, body=body, repeat=is_it is None
                        )
                    )
                except (NotReady, Unreachable) as error:
                    if is_it and (entry := self._arrived(name, is_it, error, limit)):
                        return entry
                    raise
                return None

            try:
                entry = Retrying(
                    retry=retry_if_exception(lambda error: is_it is not None and _may_be_repeated(error)),
                    stop=stop_after_attempt(_ATTEMPTS) | stop_before_delay(deadline),
                    wait=wait_random_exponential(multiplier=0.2, max=3),
                    reraise=True,
                )(attempt)
            except ClientError as error:
                cause = explained(error, f"the model{f' of {size}' if size else ''}")
                if cause is error and size:
                    cause = type(error)(f"{error} (an upload of {size})", advice=error.advice)
                raise cause from None
        # The answer's shape is recorded of one version only; what counts is what the server lists.
        soon = min(limit.left, _LISTED_WITHIN)
        entry = entry or self._look_until(name, lambda found: found is not None and (not is_it or is_it(found)), soon)
        if entry is None:
            raise Rejected(
                f"PUT of model {name} on {self.url}: answered 200, yet the model is not listed; see {self.url}/logs/"
            )
        return entry

    def _arrived(
        self, name: str, is_it: Callable[[ModelEntry], bool], error: ClientError, limit: Deadline
    ) -> ModelEntry | None:
        """The entry of a load whose answer was lost, if it came about all the same: gigabytes are not sent twice. After
        a proxy gave up, the server goes on, and may take all the time that it was given."""
        patience = limit.left if isinstance(error, GaveUp) else min(limit.left, _LOST_WITHIN)
        with contextlib.suppress(ClientError):
            entry = self._look_until(name, lambda found: found is not None and is_it(found), patience)
            return entry if entry and is_it(entry) else None
        return None

    def _look_until(self, name: str, enough: Callable[[ModelEntry | None], bool], deadline: float) -> ModelEntry | None:
        """The model's entry, or None, once that is what is waited for; at the deadline, what there is."""
        limit = Deadline(deadline)
        while True:
            entry = self.find(name)
            if enough(entry) or not limit.left:
                return entry
            time.sleep(min(_POLL, limit.left))


def _may_be_repeated(error: BaseException) -> bool:
    """A server to which a proxy lost the way while it works must not be given the same work again."""
    return isinstance(error, (ConnectionLost, NotReady)) and not isinstance(error, GaveUp)


def _require_no_page(answer: Answer) -> None:
    """A log-in page of a proxy, or the wrong server: then nothing was done, and there is nothing to wait for."""
    if answer.body.lstrip().startswith(b"<"):
        raise answer.instead_of("AIAA's answer")
