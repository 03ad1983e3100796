"""What a step raises when it cannot go on."""

import socket


class SetUpError(Exception):
    """One line for the person who ran `make`: what was tried, what came of it, what to do."""


class Unreachable(SetUpError):
    """A place to get something from does not answer: there may be another."""


def reason(error: BaseException) -> str:
    """What lies at the bottom of an error of requests or docker, which wrap it three times: a few words of one line."""
    while error.__context__ is not None:
        error = error.__context__
    if isinstance(error, socket.gaierror):
        return "name not known here"
    if isinstance(error, TimeoutError):
        return "no answer"
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return words.strip().partition("\n")[0] or type(error).__name__
