"""How one stand-in is started. Defaults are those of a freshly installed XNAT."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """Times are seconds.

    projects                   IDs of projects that have subjects and CT sessions from the start
    data                       folder that keeps the server lists over a restart; None: nothing is kept
    context_path               of the web application: ``/xnat`` for a ``webapps/xnat``; empty for a ``ROOT``
    site_url                   XNAT's preference; with https its session cookie is marked Secure
    max_sessions               ``concurrentMaxSessions``, for each user
    session_timeout            of idle sessions
    max_failed_logins, lockout the account is locked for this long after so many
    token_timeout              ``aliasTokenTimeout``
    require_login              False: an open site, where everybody without a login is the user ``guest``
    initialized                False: an administrator has yet to finish the set-up page
    core_after, plugins_after  after a start: nothing of the web application is there, then only its core
    plugins                    folder of plugins, read at each start in place of the next two
    java                       the class file version that XNAT's Java takes at most: 52 is Java 8's, 65 is Java 21's,
                               which refuses some addresses of servers, too
    start_log                  file that each start adds a line to
    viewer_plugin              the OHIF plugin's version; None: it is not installed. Its lists of servers came with 3.0
    other_plugins              ids of plugins that are installed besides
    build_seconds              for the viewer's metadata of one session
    build_threads              sessions of a project, subject or site that are built at the same time
    log                        the viewer plugin's ohifviewer.log; None: only in memory
    proxy_timeout              a proxy in front answers 504 after so long, and XNAT goes on; None: there is none
    """

    projects: tuple[str, ...] = ()
    data: Path | None = None
    context_path: str = ""
    site_url: str = "http://localhost"
    max_sessions: int = 1000
    session_timeout: float = 15 * 60
    max_failed_logins: int = 20
    lockout: float = 60 * 60
    token_timeout: float = 2 * 24 * 60 * 60
    require_login: bool = True
    initialized: bool = True
    core_after: float = 0
    plugins_after: float = 0
    plugins: Path | None = None
    java: int = 52
    start_log: Path | None = None
    viewer_plugin: str | None = "3.7.2"
    other_plugins: tuple[str, ...] = ()
    build_seconds: float = 0
    build_threads: int = 4
    log: Path | None = None
    proxy_timeout: float | None = None


def parse(arguments: Sequence[str]) -> tuple[str, int, Options]:
    """Host, port and options from a command line; argparse's message and exit status 2 for what it does not know."""
    parser = argparse.ArgumentParser(prog="start_xnat.sh", allow_abbrev=False)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--project", action="append", default=[], dest="projects")
    parser.add_argument("--data", type=Path)
    given = parser.parse_args(arguments)
    return given.host, given.port, Options(projects=tuple(given.projects), data=given.data)
