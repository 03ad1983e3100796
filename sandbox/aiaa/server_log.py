"""The server's log: the file that ``/logs`` shows, in the line format of a recorded 4.0 server."""

import threading
from collections import deque
from datetime import datetime
from pathlib import Path


class ServerLog:
    """Appends ``[2021-08-04 15:15:09] [INFO] (module) - message`` lines to a file, and to stdout if told."""

    def __init__(self, path: Path, *, echo: bool) -> None:
        self._path = path
        self._echo = echo
        self._lock = threading.Lock()

    def info(self, module: str, message: str) -> None:
        self._write("INFO", module, message)

    def error(self, module: str, message: str) -> None:
        self._write("ERROR", module, message)

    def tail(self, lines: int) -> str:
        """The last ``lines`` lines."""
        if not self._path.exists():
            return ""
        with self._path.open(encoding="utf-8") as file:
            return "".join(deque(file, maxlen=lines))

    def _write(self, level: str, module: str, message: str) -> None:
        line = f"[{datetime.now():%Y-%m-%d %H:%M:%S}] [{level}] ({module}) - {message}"
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        if self._echo:
            print(line, flush=True)
