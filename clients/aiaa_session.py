"""A session: an image that AIAA keeps for a while, so that viewers can run models on it without sending it again.

It sends what XNAT's viewer sends, byte for byte except for the boundary of its forms: oncai/ohif-viewer-xnat
extensions/xnat/src/aiaa-tools, client/ApiWrapper.js (addresses), client/restApi.js (parts and headers),
client/AIAAClient.js (`expiry`, the file's name, `params` that are `null`), utils/prepareRunParameters.js. The viewer
never closes its sessions. We do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from requests_toolbelt.multipart.encoder import MultipartEncoder

from clients.aiaa_answers import InferenceResult, image_of
from clients.aiaa_errors import explained
from clients.errors import ClientError, Rejected
from clients.transport import Answer, Transport

_EXPIRY = 7200  # seconds: what the viewer asks for
_CLOSED_WITHIN = 5.0  # seconds
_GONE = (404, 440)  # answers when a session to be closed does not exist any more
_ALONE = "viewers use sessions only"
_NO_ROUTE = f"if a proxy is in front of the server, let it forward /session/ as well as /v1/: {_ALONE}"
_ADVICE = {
    404: _NO_ROUTE,
    405: _NO_ROUTE,
    422: "use Clara 4.0: this server expects sessions in another form than XNAT's viewer for AIAA sends, as reported "
    f"for Clara 4.1 (https://github.com/NVIDIA/clara-train-examples/issues/16): {_ALONE}",
    406: f"enable sessions on the server: {_ALONE}",  # as MONAI Label answers, AIAA's successor
    500: "see the server's log; the folder sessions in its workspace must be writable for AIAA, with free space: "
    f"{_ALONE}",
}


class SessionLost(Rejected):
    """The server does not know a session that it opened a moment ago."""

    advice = (
        "if several servers answer at this address, send each client always to the same one (nginx: ip_hash), or let "
        "them share the workspace; otherwise see the server's log"
    )


class Session:
    """
    Attributes:
        left_open: after the session's end, why it could not be closed; "" if it was closed.
    """

    def __init__(self, url: str, ca_file: str | None, session_id: str) -> None:
        self._url, self._ca_file = url, ca_file
        self._id = session_id
        self.left_open = ""

    @classmethod
    def open(cls, url: str, ca_file: str | None, image: bytes, filename: str, deadline: float) -> Self:
        """
        Args:
            url, ca_file: of the server, see `clients.transport`.
            image: a file in a format that AIAA reads. filename: the name in the form.
            deadline: seconds.

        Raises:
            Rejected: the server opened no session.
            ClientError: see `clients.errors`.
        """
        form = MultipartEncoder({"image": (filename, image, "application/octet-stream"), "params": "null"})
        try:
            with Transport(url, ca_file=ca_file, read_timeout=deadline) as transport:
                answer = transport.call(
                    "PUT",
                    "session",
                    "",
                    deadline=deadline,
                    expect=(200, *_ADVICE),
                    repeat=False,  # a second PUT would open a second session
                    query={"expiry": _EXPIRY},
                    headers={"Accept": "application/json"},
                    body=lambda _limit: (form.to_string(), form.content_type),
                )
            return cls(url, ca_file, _id_of(answer))
        except ClientError as error:
            raise explained(error, "a session") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.left_open = self._close()

    def infer(self, route: str, model: str, params: Mapping[str, Any], deadline: float) -> InferenceResult:
        """Run a model on the session's image.

        Args:
            route: the last part of the path.
            params: points and result options.
            deadline: seconds.

        Raises:
            SessionLost: the server does not know the session.
            Broken: the answer is not the bare file that viewers read.
            ClientError: see `clients.errors`.
        """
        form = MultipartEncoder({"params": json.dumps(params, separators=(",", ":"))})
        try:
            with Transport(self._url, ca_file=self._ca_file, read_timeout=deadline) as transport:
                answer = transport.call(
                    "POST",
                    "v1",
                    route,
                    deadline=deadline,
                    expect=(200, 440),
                    query={"model": model, "session_id": self._id, "output": "image"},
                    headers={"Accept": "multipart/form-data"},
                    body=lambda _limit: (form.to_string(), form.content_type),
                )
            if answer.status == 440:
                raise SessionLost(f"{answer.answered}: the server does not know the session that it has just opened")
            return image_of(answer)
        except ClientError as error:
            raise explained(error, "the inference") from None

    def _close(self) -> str:
        try:
            with Transport(self._url, ca_file=self._ca_file, read_timeout=_CLOSED_WITHIN) as transport:
                transport.call("DELETE", "session", self._id, deadline=_CLOSED_WITHIN, expect=(200, 204, *_GONE))
        except ClientError as error:
            return f"the session was not closed and ends by itself within {_EXPIRY // 3600} hours: {error}"
        return ""


def _id_of(answer: Answer) -> str:
    """
    Raises:
        ClientError: the server opened no session.
    """
    if answer.status != 200:
        raise Rejected(answer.answered, advice=_ADVICE[answer.status])
    document = answer.json()
    session_id = document.get("session_id") if isinstance(document, dict) else None
    if not isinstance(session_id, str) or not session_id:
        raise answer.instead_of("JSON with a session_id")
    return session_id
