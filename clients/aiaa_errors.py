"""Errors that AIAA passes on from what it depends on: its disk, and Triton."""

from __future__ import annotations

import errno
import os

from clients.errors import ClientError, Rejected

# AIAA is written in Python, whose errors its answers name.
_NO_SPACE = os.strerror(errno.ENOSPC)
# Recorded in https://github.com/NVIDIA/ai-assisted-annotation-client/issues/62: AIAA waited for
# Triton to serve a model, and Triton did not serve it.
_NOT_SERVED = "Unable to get status for"


class DiskFull(Rejected):
    """The server's workspace, or the place where it keeps an upload for a while, is full."""

    advice = "free some space there, then run the command again; `bin/aiaa doctor` shows how much is free"


class NotServed(Rejected):
    """Triton does not serve the model. In poll mode it may load slowly, refuse the model, or hang after a model
    that it could not load (https://github.com/triton-inference-server/server/issues/6534)."""

    advice = (
        "read Triton's log (`bin/aiaa logs`; for an external server, on its own host): if Triton refuses the model, "
        "fix what the log names; if it loads the model slowly, raise triton.model_timeout; if the log does not mention "
        "the model, Triton hangs: restart its container (`docker restart`), then run the command again"
    )


def explained(error: ClientError, what: str) -> ClientError:
    """The error as one that says what to do, where AIAA's answer names one of these causes; else the error itself.

    Args:
        what: the thing that the server has no room for, such as `the model`.
    """
    if _NO_SPACE in str(error):
        return DiskFull(f"no room for {what}: {error}")
    return NotServed(str(error)) if _NOT_SERVED in str(error) else error
