"""What AIAA answers, taken apart: entries of its list of models, results of an inference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any

from requests_toolbelt.multipart.decoder import ImproperBodyPartContentException, MultipartDecoder

from clients.errors import Broken, ClientError, Rejected, json_of, said
from clients.transport import Answer

_ROUTES = {"segmentation": "segmentation", "annotation": "dextr3d", "deepgrow": "deepgrow"}
_ENTRY_KEYS = {"name", "type", "labels", "description", "version"}


@dataclass(frozen=True)
class ModelEntry:
    """What `/v1/models` lists of a model. `meta`: all other keys, among them those of the config's `meta_data`."""

    name: str
    type: str
    labels: tuple[str, ...]
    description: str
    version: str
    meta: Mapping[str, Any]

    @property
    def route(self) -> str:
        """The last part of the path for inferences of this model type."""
        return _ROUTES.get(self.type, "inference")

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


def models_of(answer: Answer) -> list[ModelEntry]:
    """What `/v1/models` lists.

    Raises:
        Broken: something else than a JSON list of models.
    """
    document = answer.json()
    if not isinstance(document, list):
        raise answer.instead_of("a list of models")
    return [ModelEntry.of(entry, answer.tried) for entry in document]


def result_of(answer: Answer) -> InferenceResult:
    """
    Raises:
        Broken: neither multipart, JSON nor a file. Rejected: the server's own error document.
    """
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


class NotAnImage(Broken):
    """The server answered an inference with something other than the image alone."""


def image_of(answer: Answer) -> InferenceResult:
    """The file alone. Viewers ask for it with `output=image`, and treat any answer as the file.

    Raises:
        NotAnImage: something else.
    """
    if answer.headers.get("Content-Type", "").lower().startswith("multipart/"):
        raise NotAnImage(f"{answer.tried}: expected the image alone, as output=image asks for, got a form with parts")
    try:
        result = result_of(answer)
    except ClientError as error:
        raise NotAnImage(str(error), advice=error.advice) from None
    if result.image is None:
        raise NotAnImage(f"{answer.tried}: expected an image, got: {said(answer.body)[0] or 'nothing'}")
    return result


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


def _text(value: object) -> str:
    return "" if value is None else str(value)
