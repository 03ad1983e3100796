"""How a program of ours ends: with an exit code, and with one line for what went wrong. Never with a traceback.

`bin/aiaa` and `bin/pulumi` both run within `ended`. Expected errors have messages of their own
where they happen. This module handles all other errors, and says how to see more.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from clients.errors import ClientError, one_line, shortened

DEBUG = "AIAA_DEBUG"
"""Environment variable: 1 shows where an error came from."""

INTERRUPTED = 130
_FAILED = 1


def interruptible_while_loading() -> None:
    """Until `ended`, an interruption ends the process at once: Python's default is a traceback, and to load our
    libraries takes a second. A process that ignores interruptions (nohup) continues to ignore them."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def ended(name: str, program: Callable[[], int]) -> int:
    """The exit code of a program, whatever it does.

    Args:
        name: of the program, as the user called it.

    Raises:
        SystemExit: if the program raises it; all output is written before.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _open_streams()
    try:
        with _elsewhere(name) as defects:
            code = program()
        sys.stdout.flush()
        return code or (_FAILED if defects else 0)
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)  # at once: threads may be waiting for servers, and hold nothing that has to be saved
    except SystemExit:
        _flushed(0)
        raise
    except BaseException as error:  # noqa: BLE001 - the last resort
        if not (isinstance(error, BrokenPipeError) and _nobody_reads()):
            if _debug():
                traceback.print_exc()
            _say(f"{name}: {_message(error)}")
        return _flushed(_FAILED)


@contextlib.contextmanager
def _quiet_elsewhere(name: str) -> Iterator[None]:
    """An error that nobody can catch, in a thread or at the end of an object, is one line, too."""
    before = threading.excepthook, sys.unraisablehook
    if not _debug():
        threading.excepthook = lambda failed: _say(f"{name}: {_internal(failed.exc_value)}")
        sys.unraisablehook = lambda failed: _say(f"{name}: {_internal(failed.exc_value)}")
    try:
        yield defects
    finally:
        threading.excepthook, sys.unraisablehook = before


def _open_streams() -> None:
    """Make sure that all three streams exist and take any text. A stream that the caller closed is replaced by the null
    device. A character that the encoding does not have is written as its number."""
    for number, stream in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, stream) is None:  # in this order: the lowest free number is the one that is closed
            setattr(sys, stream, open(os.devnull, "w" if number else "r"))  # noqa: SIM115
    for out in (sys.stdout, sys.stderr):
        if isinstance(out, io.TextIOWrapper):
            # In a pipe, too, results are written before errors.
            out.reconfigure(errors="backslashreplace", line_buffering=True)


def _nobody_reads() -> bool:
    """Whether it is standard output that is closed at its other end (`| head`), and not the connection to a server."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return True
    return False


def _flushed(code: int) -> int:
    """The exit code. Output that cannot be written is dropped: Python would report it as an error at its end."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return code or _FAILED
    return code


def _message(error: BaseException) -> str:
    if isinstance(error, ClientError):
        return error.line
    if isinstance(error, OSError) and error.strerror:
        files = " and ".join(_name(file) for file in (error.filename, error.filename2) if file is not None)
        where = f"{files}: " if files else ""
        return one_line(f"{where}{error.strerror}")
    if isinstance(error, MemoryError):
        return "this machine has not enough free memory for it: end other programs, then run the command again"
    return _internal(error)


def _name(file: object) -> str:
    return os.fsdecode(file) if isinstance(file, bytes) else str(file)


def _internal(error: Any) -> str:
    words = shortened(one_line(f"{type(error).__name__}: {error}"))
    return f"internal error, which is a defect of this program: {words} ({DEBUG}=1 shows where, for a report)"


def _say(line: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # nobody may read it
        print(line, file=sys.stderr, flush=True)


def _debug() -> bool:
    return os.environ.get(DEBUG, "") not in ("", "0")
