"""The viewer plugin's ohifviewer.log: the only place that tells how far a build is, and what of it failed.

Its lines are `2024-01-31 14:05:09,123 [thread] INFO  logger - message` (the plugin's ohifviewer-logback.xml), the
messages those of OhifViewerApi.java and JsonMetadataHandler.java; between them there are empty lines and stack traces.
XNAT begins the file anew at each of its starts, which lose a build, and each day, which do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from clients.build_target import Target


def stamp_of(line: str) -> str:
    """When it was written, as the log has it, which sorts; empty for a line that has none, and may come again."""
    found = re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ", line)
    return found[0] if found else ""


class BuildLog:
    """What the log tells of one request.

    Args:
        after: the last line before the request was sent; None if it is not known. Where it is not found, the file was
            begun anew since then, and all of it counts; an end without its beginning, too, as that is in the file of a
            former day. Where it is not known, a build that had ended before the first look may be an earlier one, and
            does not count.
        from_start: the lines that it will be given begin where the file does, not after `after`.

    Attributes:
        last: the last line of all that has a time.
        requested: XNAT began with it. complete: and ended.
        listed: sessions that belong to it. begun, stored: those of them that it began with, and that it finished.
    """

    def __init__(self, target: Target, after: str | None = None, *, from_start: bool = True) -> None:
        self._target, self.after = target, after
        self.last = ""
        self._looked = False
        self._begun_anew: bool | None = (
            None if from_start and after else False
        )  # since `after`; None: no line was seen yet
        self._forget()

    def feed(self, lines: Iterable[str]) -> None:
        """What was read since the last time."""
        for line in lines:
            self._line(line)
        if not self._looked and self.after is None and self.complete:
            self._forget()
        self._looked = True

    def _forget(self) -> None:
        self.requested = self.complete = False
        self.listed: set[str] = set()
        self.begun: set[str] = set()
        self.stored: set[str] = set()

    def _line(self, line: str) -> None:
        if stamp := stamp_of(line):
            self.last = line
            if self._begun_anew is None:
                self._begun_anew = stamp > stamp_of(self.after or "")
        if self.after and line == self.after:
            self._forget()
            return
        message = line.rpartition(" - ")[2].strip()
        if message == f"{self._target.logged_as} metadata creation requested":
            if not self.complete or not self._looked:
                self._forget()
                self.requested = True
        elif message == f"{self._target.logged_as} metadata creation complete":
            self.complete = self.complete or self.requested or bool(self._begun_anew)
        elif self.requested and not self.complete:
            if found := re.fullmatch(r"ImageSession ID: (\S+)", message):
                self.listed.add(found[1])
            elif found := re.fullmatch(r"(?:Creating|Migrating) session metadata for (\S+)", message):
                self.begun.add(found[1])
            elif found := re.fullmatch(r"Session (\S+) metadata created and stored", message):
                self.stored.add(found[1])

    @property
    def is_whole(self) -> bool:
        """From its beginning to its end: so it tells what became of each session."""
        return self.requested and self.complete

    @property
    def failed(self) -> set[str]:
        """Sessions that it gave up; known when it is complete."""
        return (self.begun & self.listed) - self.stored
