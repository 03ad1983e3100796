"""What the viewer plugin keeps of each imaging session, how it builds that, and what it writes about it into its log.

Sources: the plugin's OhifViewerApi.java, inputcreator/JsonMetadataHandler.java and ohifviewer-logback.xml.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from datetime import datetime

from sandbox.xnat.options import Options

REVISION = 2
"""Of the format (``JsonMetadataHandler.JsonRevision``): what is older counts as missing."""

_API = "org.nrg.xnatx.ohifviewer.xapi.OhifViewerApi"
_HANDLER = "org.nrg.xnatx.ohifviewer.inputcreator.JsonMetadataHandler"
_WEB_THREAD = "http-nio-8080-exec-1"
_LOOK = 0.05  # seconds after which a build sees that Tomcat was restarted


class BuildFailed(Exception):
    """The plugin's exception for one session."""


class Aborted(Exception):
    """Tomcat was restarted amid a build."""


class ViewerMetadata:
    """
    revisions   of what is stored, by session ID
    unbuildable IDs of sessions whose images cannot be read
    locked      a subject, a project or the site is being built; one lock for all of them
    accepted    the builds that began, as ``project LIVER``, ``session XNAT_E00001``: also after the client has gone
    finished    those that came to their end
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._starts = 0
        self.revisions: dict[str, int] = {}
        self.unbuildable: set[str] = set()
        self.accepted: list[str] = []
        self.finished: list[str] = []
        self.locked = False
        self.log: list[str] = []

    def start(self) -> None:
        """What a start of Tomcat does: what was at work is lost, and the log begins anew."""
        self._starts += 1
        self.locked = False
        self.log.clear()
        if self._options.log:
            self._options.log.write_text("")
        self._write("OHIF Viewer XAPI initialised", _API, thread="main")

    def is_valid(self, session: str) -> bool:
        revision = self.revisions.get(session)
        if revision is None:
            self._write("JSON not found", _HANDLER, level="DEBUG")
            return False
        self._write(f"Stored JSON revision: {revision}", _HANDLER, level="DEBUG")
        if revision < REVISION:
            self._write(f"JSON revision outdated: {revision} < {REVISION}", _HANDLER, level="DEBUG")
        return revision >= REVISION

    async def build(self, session: str, thread: str = _WEB_THREAD) -> None:
        """
        Raises BuildFailed, or Aborted.
        """
        started = self._starts
        self._write(f"Creating session metadata for {session}", _HANDLER, thread=thread)
        ready = time.monotonic() + self._options.build_seconds
        while (left := ready - time.monotonic()) > 0 and started == self._starts:
            await asyncio.sleep(min(left, _LOOK))
        if started != self._starts:
            raise Aborted
        if session in self.unbuildable:
            raise BuildFailed(f"DICOM catalog error: {session}")
        self.revisions[session] = REVISION
        self._write(f"Session {session} metadata created and stored", _HANDLER, thread=thread)

    async def build_one(self, session: str) -> None:
        """What is asked for by itself: without the lock.

        Raises BuildFailed, or Aborted.
        """
        self.accepted.append(f"session {session}")
        self._write(f"Session {session} metadata creation requested", _API)
        try:
            await self.build(session)
        except BuildFailed as error:
            advice = "org.nrg.xnatx.ohifviewer.xapi.OhifViewerControllerAdvice"
            self._write(f"Error executing request - {error}", advice, level="ERROR")
            raise
        self._write(f"Session {session} metadata creation complete", _API)
        self.finished.append(f"session {session}")

    async def build_all(self, what: str, sessions: Sequence[str]) -> None:
        """All of a subject, a project or the site. Who calls holds the lock. What fails leaves no trace but the missing
        line in the log: nobody reads the results.

        what    as in the log: ``Project LIVER``, ``Subject XNAT_S00001``, ``All projects``
        Raises Aborted.
        """
        started = self._starts
        self.accepted.append(_as_told(what))
        self._write(f"{what} metadata creation requested", _API)
        self._write(f"Thread count for parallel JSON creation: {self._options.build_threads}", _API)
        for session in sessions:
            self._write(f"ImageSession ID: {session}", _API)
        waiting = iter(sessions)
        workers = (self._work(f"pool-7-thread-{n + 1}", waiting) for n in range(self._options.build_threads))
        await asyncio.gather(*workers)
        if started != self._starts:
            raise Aborted
        self._write(f"{what} metadata creation complete", _API)
        self.finished.append(_as_told(what))

    async def _work(self, thread: str, waiting: Iterable[str]) -> None:
        for session in waiting:
            try:
                await self.build(session, thread)
            except BuildFailed:
                pass
            except Aborted:
                return

    def _write(self, message: str, logger: str, *, level: str = "INFO", thread: str = _WEB_THREAD) -> None:
        """Logback's ``%d [%t] %-5p %c - %m%n``."""
        now = datetime.now().isoformat(" ", "milliseconds").replace(".", ",")
        line = f"{now} [{thread}] {level:<5} {logger} - {message}"
        self.log.append(line)
        if self._options.log:
            with self._options.log.open("a") as file:
                file.write(line + "\n")


def _as_told(what: str) -> str:
    return "site" if what == "All projects" else what[0].lower() + what[1:]
