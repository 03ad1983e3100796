"""What to do where a request's end is not known, as commands that can be run."""

from __future__ import annotations

from dataclasses import replace

from clients.build_target import Target
from operations.metadata.notes import Noted, Notes
from operations.metadata.wanted import Asked, named

ANYWAY = "A session without metadata is built when somebody opens it, too, with a short delay."


class Advice:
    """
    Args:
        asked: what the command line asked for. again: its options that named XNAT.
    """

    def __init__(self, notes: Notes, asked: Asked, again: str) -> None:
        self._notes, self._asked = notes, asked
        self._command = " ".join(["bin/aiaa viewer-metadata", *filter(None, [again])])

    @property
    def run_again(self) -> str:
        return f"run `{self._command} {self._asked}` again"

    @property
    def missing_only(self) -> str:
        return f"`{self._command} {replace(self._asked, missing_only=True)}` builds those"

    def first(self, noted: Noted) -> str:
        return (
            f"{noted}: no end was seen yet, and XNAT is to build one thing at a time: run the command for that to its "
            f"end first, `{self._command} {named(noted.target)}`, or, if XNAT is not at work on it, add "
            "--forget-request to it"
        )

    def no_end(self, target: Target, why: str) -> str:
        noted = self._notes.find(target)  # perhaps by another project, which shares the session
        known, since = (noted.target, noted.when) if noted else (target, "it was asked for")
        return (
            f"{target}: no end was seen: {why}. XNAT may be at work on it, and it is never sent again; "
            f"{self.run_again} to watch on. It is over once XNAT's ohifviewer.log, or that of a day since then beside "
            f"it (ohifviewer.log.2024-01-31), has `{target.logged_as} metadata creation complete` since {since}; "
            f"it was lost if XNAT was started anew since then, or if none of these files has `{target.logged_as} "
            "metadata creation requested` since then. Then, and not before: "
            f"`{self._command} {named(known)} --forget-request`"
        )
