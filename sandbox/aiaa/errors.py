"""AIAA's errors as it puts them on the wire.

The envelope and its spelling (compact JSON, sorted keys, a newline at the end, status 500) are recorded in
NVIDIA/ai-assisted-annotation-client issues 92 and 99; ``CLASS_INIT_ERROR`` in the executed notebook of
visiont3lab/clara-train-examples. The other codes are those of MONAI Label's monailabel/interfaces/exception.py,
the successor by the same author: no source shows AIAA's.
"""

import json
from typing import Literal

from starlette.responses import Response

Code = Literal[
    "CLASS_INIT_ERROR", "INFERENCE_ERROR", "INVALID_INPUT", "MODEL_IMPORT_ERROR", "MODEL_NOT_FOUND", "SESSION_EXPIRED"
]


class AIAAException(Exception):
    """AIAA understood and says no; ``status`` is the HTTP status, 500 unless the protocol has another."""

    def __init__(self, code: Code, text: str, status: int = 500) -> None:
        super().__init__(code, text)
        self.status = status


def envelope(error: Exception) -> Response:
    """The answer for an exception: its class's name and its arguments, which may be none."""
    body = {
        "error": {
            "message": [part if isinstance(part, (str, int)) else str(part) for part in error.args],
            "type": type(error).__name__,
        },
        "success": False,
    }
    text = json.dumps(body, separators=(",", ":"), sort_keys=True) + "\n"
    status = error.status if isinstance(error, AIAAException) else 500
    return Response(text, status_code=status, media_type="application/json")
