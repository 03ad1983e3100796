"""One XNAT: everything that it knows, and how far its start has got."""

import re
import time
from dataclasses import dataclass, field
from enum import Enum

from sandbox.xnat.accounts import Accounts, Clock, User
from sandbox.xnat.archive import Archive
from sandbox.xnat.config_store import ConfigStore
from sandbox.xnat.metadata import ViewerMetadata
from sandbox.xnat.options import Options
from sandbox.xnat.plugin_folder import PluginFolder, StartFailed
from sandbox.xnat.sessions import Sessions

VIEWER = "ohifViewerPlugin"


class Phase(Enum):
    """Tomcat answers before the web application does, and that before its plugins' routes."""

    TOMCAT = "tomcat"
    CORE = "core"
    READY = "ready"


@dataclass
class Site:
    """``clock`` gives seconds; a test's may be moved.

    ``plugins`` are the loaded ones' versions by id; ``restarts`` counts.
    """

    options: Options
    clock: Clock = time.monotonic
    initialized: bool = field(init=False)
    site_url: str = field(init=False)
    secure_cookie: bool = field(init=False)
    plugins: dict[str, str] = field(init=False)
    restarts: int = 0

    def __post_init__(self) -> None:
        self.accounts = Accounts(self.options, self.clock)
        self.sessions = Sessions(self.options, self.clock)
        self.archive = Archive(self.options.projects)
        self.config = ConfigStore(self.options.data / "config.json" if self.options.data else None)
        self.metadata = ViewerMetadata(self.options)
        self.initialized = self.options.initialized
        self.site_url = self.options.site_url
        self._start()

    @property
    def phase(self) -> Phase:
        if self._failed:
            return Phase.TOMCAT
        up = self.clock() - self._started
        if up < self.options.core_after:
            return Phase.TOMCAT
        return Phase.CORE if up < self.options.core_after + self.options.plugins_after else Phase.READY

    @property
    def has_lists(self) -> bool:
        """Whether the viewer plugin's routes for lists of servers are there: since 3.0, after the start's last part. A
        version without a number, as of a build of one's own, is a new one."""
        major = re.match(r"v?(\d+)", self.plugins.get(VIEWER, "0"))
        return self.phase is Phase.READY and (major is None or int(major[1]) >= 3)

    def may_read(self, user: User, project: str) -> bool:
        """Its data; false for a project that does not exist."""
        known = self.archive.projects.get(project)
        return known is not None and (user.may_read(project) or known.accessibility == "public")

    def may_see(self, user: User, project: str) -> bool:
        """Whether the user sees that the project exists."""
        known = self.archive.projects.get(project)
        return known is not None and (user.may_read(project) or known.accessibility != "private")

    def restart(self) -> None:
        """What a restart of Tomcat does: sessions end, what is stored stays."""
        self.sessions.close_all()
        self.restarts += 1
        self._start()

    def _start(self) -> None:
        self.metadata.start()
        self._started = self.clock()
        self.secure_cookie = self.site_url.startswith("https")  # XNAT looks at this preference at its start only
        self.plugins, self._failed = {}, False
        try:
            self.plugins = self._load()
            self._say(f"XNAT started with {', '.join(sorted(self.plugins)) or 'no plugin'}")
        except StartFailed as error:
            self._failed = True
            self._say(f"SEVERE: Context [] startup failed due to previous errors: {error}")

    def _say(self, line: str) -> None:
        if self.options.start_log:
            with self.options.start_log.open("a") as log:
                log.write(f"{line}\n")

    def _load(self) -> dict[str, str]:
        options = self.options
        if options.plugins:
            return PluginFolder(options.plugins, options.java).load()
        viewer = {VIEWER: options.viewer_plugin} if options.viewer_plugin else {}
        return {**dict.fromkeys(options.other_plugins, "1.0.0"), **viewer}
