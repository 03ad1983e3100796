"""An `ssh` for PATH that does what a test says, in place of a log-in."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from pytest_httpserver import HTTPServer


class ScriptedSsh:
    """
    Attributes:
        path: a PATH on which it comes first.
    """

    def __init__(self, folder: Path, does: str) -> None:
        """
        Args:
            folder: for its files.
            does: Python text, with json, os, socket, sys, threading and time imported.
        """
        self._noted = folder / "arguments"
        script = folder / "bin" / "ssh"
        script.parent.mkdir()
        script.write_text(
            f"#!{sys.executable} -I\nimport json, os, socket, sys, threading, time\n"
            f"open({str(self._noted)!r}, 'a').write(json.dumps([os.getpid(), *sys.argv[1:]]) + '\\n')\n{does}\n"
        )
        script.chmod(0o755)
        self.path = f"{script.parent}:{os.environ['PATH']}"

    def arguments(self) -> list[list[str]]:
        """Of each call."""
        return [line[1:] for line in self._calls()]

    def none_is_left(self) -> bool:
        """Whether there were some, and all have ended."""
        pids = [line[0] for line in self._calls()]
        return bool(pids) and not any(Path(f"/proc/{pid}").exists() for pid in pids)

    def _calls(self) -> list[list[str]]:
        return [json.loads(line) for line in self._noted.read_text().splitlines()] if self._noted.exists() else []


def to(engine: HTTPServer) -> str:
    """What ssh and `docker system dial-stdio` do together."""
    return f"""
engine = socket.create_connection(({engine.host!r}, {engine.port}))
def copy(source, target, end):
    while chunk := os.read(source, 65536):
        os.write(target, chunk)
    end()
threading.Thread(target=copy, args=(engine.fileno(), 1, lambda: os._exit(0))).start()
copy(0, engine.fileno(), lambda: engine.shutdown(socket.SHUT_WR))
"""
