"""How a program of ours ends: with an exit code, and with one line for what went wrong. Never with a traceback.

`bin/aiaa` and `bin/pulumi` both run within `ended`. What can be foreseen has a message of its own where it happens;
here is the last resort for what nobody foresaw, which says how to see more.
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
    """Until `ended`, an interruption ends the process at once: Python's own way to end is a traceback, and to load our
    libraries takes a second. One that ignores interruptions (nohup) goes on doing so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def ended(name: str, program: Callable[[], int]) -> int:
    """The exit code of a program, whatever it does.

    Args:
        name: of the program, as the user called it.

    Raises:
        SystemExit: as the program does, of which nothing is left to write.
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
            _say(f"{name}: {_told(error)}")
        return _flushed(_FAILED)


@contextlib.contextmanager
def _elsewhere(name: str) -> Iterator[list[BaseException]]:
    """What nobody can catch, as it happens in a thread or at the end of an object, is one line, too. Gives the errors
    that ended threads: what those should have done is not done."""
    defects: list[BaseException] = []

    def of_thread(failed: threading.ExceptHookArgs) -> None:
        if failed.exc_value is None or isinstance(failed.exc_value, SystemExit):
            return  # a thread's own way to end
        defects.append(failed.exc_value)
        if _debug():
            threading.__excepthook__(failed)
        _say(f"{name}: {_internal(failed.exc_value)}")

    def of_object(failed: sys.UnraisableHookArgs) -> None:
        if _debug():
            sys.__unraisablehook__(failed)
        _say(f"{name}: {_internal(failed.exc_value)}")

    before = threading.excepthook, sys.unraisablehook
    threading.excepthook, sys.unraisablehook = of_thread, of_object
    try:
        yield defects
    finally:
        threading.excepthook, sys.unraisablehook = before


def _open_streams() -> None:
    """Have all three streams, which take any text: whoever closed one wants to hear nothing, and what an encoding does
    not have is shown as its number."""
    for number, stream in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, stream) is None:  # in this order: the lowest free number is the one that is closed
            setattr(sys, stream, open(os.devnull, "w" if number else "r"))  # noqa: SIM115
    for out in (sys.stdout, sys.stderr):
        if isinstance(out, io.TextIOWrapper):
            # In a pipe, too, results appear before the errors that follow them.
            out.reconfigure(errors="backslashreplace", line_buffering=True)


def _nobody_reads() -> bool:
    """Whether it is standard output that is closed at its other end (`| head`), and not the connection to a server."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return True
    return False


def _flushed(code: int) -> int:
    """The exit code. Output that nobody reads is dropped: Python would report it when it ends."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return code or _FAILED
    return code


def _told(error: BaseException) -> str:
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
