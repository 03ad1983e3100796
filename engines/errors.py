"""Why there is no connection to an engine."""

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
