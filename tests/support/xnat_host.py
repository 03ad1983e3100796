"""XNAT's host, for whoever installs a plugin there: a real `sshd`, a folder of plugins, XNAT's stand-in that loads them
when a command restarts it, and its log."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from sandbox.serve import serve
from sandbox.xnat.app import create_app
from sandbox.xnat.options import Options
from sandbox.xnat.site import Site
from tests.support.ssh_server import ssh_server

PASSWORD = "quince-2207"
OWN_URL = "http://localhost:8080"  # of each node, to itself


@dataclass
class XnatHost:
    """
    Attributes:
        folder: its files. The names in it are such that a shell takes them apart unless they are quoted.
        ssh_config: for `ssh -F`.
        url, site: of each node's XNAT; all load plugins from the one folder.
    """

    folder: Path
    ssh_config: Path
    url: list[str]
    site: list[Site]

    @property
    def plugins(self) -> Path:
        return self.folder / "plugins"

    @property
    def restarts(self) -> list[int]:
        return [site.restarts for site in self.site]

    def put(self, name: str, content: bytes) -> None:
        (self.plugins / name).write_bytes(content)

    def jars(self) -> dict[str, bytes]:
        """What Tomcat would see."""
        return {path.name: path.read_bytes() for path in self.plugins.glob("*.jar")}

    def loaded(self, node: int = 0) -> str | None:
        """The viewer plugin's version, as XNAT tells it."""
        url = f"{self.url[node]}/xapi/plugins/ohifViewerPlugin"
        answer = requests.get(url, auth=("svc-aiaa", PASSWORD), timeout=10)
        return str(answer.json()["version"]) if answer.status_code == 200 else None

    def restart_all(self) -> None:
        """As whoever set the host up did, before anybody counted."""
        for site in self.site:
            site.restart()
            site.restarts = 0

    @property
    def restart_command(self) -> str:
        return f"sh {shlex.quote(str(self.folder / 'restart.sh'))}"

    def settings(self, **changes: Any) -> dict[str, Any]:
        """A stack file's `viewer_plugin` for it, which wants a jar yet."""
        return {
            "host": [f"ssh://node{number}" for number in range(len(self.url))],
            "ssh_config": str(self.ssh_config),
            "plugins_dir": str(self.plugins),
            "restart": self.restart_command,
            "probe_url": OWN_URL,
            "start_timeout": 3,
            **changes,
        }


@contextmanager
def xnat_host(
    folder: Path, *, nodes: int = 1, options: Mapping[str, Any] | None = None, env: Mapping[str, str] | None = None
) -> Iterator[XnatHost]:
    """
    Args:
        folder: an empty one.
        nodes: several have a host each by their names (`node0`, `node1`), and are one machine.
        options: more of the stand-in's.
        env: of the commands that run there.
    """
    home = folder / "it's XNAT $HOME; here"
    for part in ("plugins", "logs"):
        (home / part).mkdir(parents=True)
    (home / "restart.sh").write_text(f"exec curl -fsS -X POST {OWN_URL}/sandbox/restart\n")
    more: dict[str, Any] = {"plugins": home / "plugins", "start_log": home / "logs" / "catalina.log", **(options or {})}
    with ExitStack() as undo:
        sites, urls, configs = [], [], []
        for number in range(nodes):
            site = Site(Options(projects=("LIVER",), **more))
            site.accounts.add("svc-aiaa", PASSWORD, roles={"Administrator"}, groups={"ALL_DATA_ADMIN"})
            url = undo.enter_context(serve(create_app(site.options, site)))
            own = {"PATH": f"{_bin(folder / f'bin{number}', number, url)}:{os.environ['PATH']}", **(env or {})}
            configs.append(undo.enter_context(ssh_server(folder / f"ssh{number}", f"node{number}", env=own)))
            sites.append(site)
            urls.append(url)
        together = folder / "ssh_config"
        together.write_text("".join(path.read_text() for path in configs))
        yield XnatHost(home, together, urls, sites)


def _bin(folder: Path, node: int, url: str) -> Path:
    """A `curl` that finds the node's own XNAT at the address that is the same on every node, as it would be on hosts
    of their own; and the node's own name."""
    folder.mkdir()
    uname = folder / "uname"
    uname.write_text(f"#!/bin/sh\necho host-of-node{node}\n")
    uname.chmod(0o755)
    curl = folder / "curl"
    curl.write_text(f'#!/bin/bash\nexec {shutil.which("curl")} "${{@/#{OWN_URL.replace("/", chr(92) + "/")}/{url}}}"\n')
    curl.chmod(0o755)
    return folder
