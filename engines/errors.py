"""Why there is no connection: to an engine, or to any server."""

from __future__ import annotations


class NoEngine(Exception):
    """
    Args:
        reason: what happened, in the words of ssh, TLS or the engine.
        advice: what to do.
    """

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.advice = advice


def cause(error: BaseException, handled: BaseException | None = None) -> str:
    """The innermost reason in words, without the wrappings of three libraries.

    Args:
        handled: see `innermost`.
    """
    error = innermost(error, handled)
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(words).split())


def innermost(error: BaseException, handled: BaseException | None = None) -> BaseException:
    """The first of the errors that led to this one.

    Args:
        handled: the error that was being handled already when this one's story began (`sys.exception()`): Python
            takes it for the first, and it has nothing to do with this one.
    """
    seen = {id(handled)}
    while id(error) not in seen:
        seen.add(id(error))
        inner = next(
            (
                found
                for found in (getattr(error, "reason", None), error.__context__, *getattr(error, "args", ()))
                if isinstance(found, BaseException) and found is not handled
            ),
            None,
        )
        if inner is None:
            break
        error = inner
    return error
