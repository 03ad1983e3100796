"""A try of a model: one inference of a synthetic image that fits what the model declares, and what was answered.

A model may load and yet fail at every inference (a TorchScript file of a newer PyTorch, for one:
https://github.com/NVIDIA/ai-assisted-annotation-client/issues/99; or an image with too few channels: issue 92 there).
A server may infer and still be useless for a clinician: viewers send the image once, open a session with it, and run
models in this session. So a model that a viewer offers is tested as the viewer runs it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from clients.aiaa import AiaaClient, InferenceResult, ModelEntry
from clients.connection import Deadline
from clients.errors import ClientError, Rejected, joined
from clients.smoke_answer import NoAnswer, mask_in_words, results_in_words
from clients.smoke_image import filename, points, volume
from clients.viewers import Viewer, viewer_of
from model_files.config import Declared
from model_files.config import declared as declared_by

__all__ = ["NoAnswer", "Trial", "judge", "run"]


@dataclass(frozen=True)
class Trial:
    """
    Attributes:
        seconds: the time for the inference, and in a session for the upload before it.
        found: what the model answered, in words.
        left: what was not cleaned up; "" if everything was.
    """

    seconds: float
    found: str
    left: str = ""

    def __str__(self) -> str:
        return joined(f"{self.found}, in {self.seconds:.1f} s", self.left)


def run(client: AiaaClient, model: str, deadline: float, *, declared: Declared | None = None) -> Trial:
    """One inference of a model that the server has loaded: in a session, if that is how viewers run it.

    Args:
        model: its name.
        deadline: seconds for the inference, and the session's upload.
        declared: the image that the model takes; None: as the server says of its configuration, if it does.

    Raises:
        Rejected: the server does not list the model, or refused.
        NoAnswer: its answer is not a result for the image.
        ClientError: the server did not answer, or not as documented.
    """
    entry = client.find(model)
    if entry is None:
        raise Rejected("the server does not list the model", advice="run `bin/pulumi refresh`, then `bin/pulumi up`")
    image = declared or declared_by(client.config(model))
    # Viewers do not send PNG images: a model for those is for other clients.
    viewer = viewer_of(entry) if image.format == "nifti" else None
    if viewer:
        return _as_viewer(client, entry, image, viewer, deadline)
    began = time.monotonic()
    result = client.infer(entry, volume(image), filename(image), deadline, params=params(entry, image))
    return Trial(time.monotonic() - began, _judged(client, result, image))


def _as_viewer(client: AiaaClient, entry: ModelEntry, image: Declared, viewer: Viewer, deadline: float) -> Trial:
    limit = Deadline(deadline)
    began = time.monotonic()
    session = None
    try:
        with client.session(volume(image), filename(image), deadline) as session:
            result = session.infer(viewer.route, entry.name, viewer.params(points(entry, image)), max(limit.left, 1.0))
            seconds = time.monotonic() - began
        return Trial(seconds, _judged(client, result, image, for_viewer=True), session.left_open)
    except ClientError as error:
        if session is None:
            raise error.with_more(viewer.sees_no_session) from None
        raise error.with_more(viewer.sees_no_result(entry.name, error), session.left_open) from None


def params(model: ModelEntry, image: Declared) -> dict[str, Any]:
    """The other parameters of an inference that sends its image: points, and the form of the result."""
    extension = ".png" if image.format == "png" else ".nii.gz"
    return {**points(model, image), "result_extension": extension, "result_dtype": "uint16", "result_compress": True}


def judge(result: InferenceResult, image: Declared, *, for_viewer: bool = False) -> str:
    """What the model answered, in words.

    An empty mask is an answer: a model trained on patients need not see an organ in a ball.

    Args:
        for_viewer: see `clients.smoke_answer.mask_in_words`.

    Raises:
        NoAnswer: no image where one belongs, one that cannot be read, or one of another shape.
    """
    if result.image is not None:
        return mask_in_words(result.image, image.shape, for_viewer=for_viewer)
    if not result.params:
        raise NoAnswer("the answer holds neither an image nor results")
    return results_in_words(result.params)


def _judged(client: AiaaClient, result: InferenceResult, image: Declared, *, for_viewer: bool = False) -> str:
    try:
        return judge(result, image, for_viewer=for_viewer)
    except NoAnswer as error:
        advice = f"the server's own reason is at {client.url}/logs/?lines=50"
        raise type(error)(str(error), advice=advice) from None
