"""A server that takes models at a network's speed, and keeps nothing but what it lists: `python -m bench.sink 125`.

The argument is in MB/s (10^6 bytes), of which a link of 1 Gbit/s carries 125; without one, as fast as it can.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_CHUNK = 256 << 10
_HEAD = 64 << 10  # bytes of a form, in which all of the config is: our client and our curl send it first


class _Bucket:
    """A token bucket: `take` waits until so many bytes may have come. What was not used up is kept for a moment only: a
    link does not make up for a sender that paused, but this process is not woken to the microsecond either."""

    _KEPT = 0.02  # seconds

    def __init__(self, rate: float) -> None:
        """`rate`: bytes in a second."""
        self._rate = rate
        self._free_at = 0.0

    def take(self, size: int) -> None:
        now = time.monotonic()
        self._free_at = max(self._free_at, now - self._KEPT) + size / self._rate
        if self._free_at > now:
            time.sleep(self._free_at - now)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # without which curl would wait in vain to be told to go on
    rate = float("inf")
    models: dict[str, dict[str, Any]] = {}  # noqa: RUF012 - those of the server, not of a request

    def do_GET(self) -> None:
        self._answer([*self.models.values()])

    def do_PUT(self) -> None:
        left, head = int(self.headers["Content-Length"]), b""
        bucket, buffer = _Bucket(self.rate), memoryview(bytearray(_CHUNK))
        while left:
            got = self.rfile.readinto1(buffer[: min(left, _CHUNK)])
            if not got:
                return
            if len(head) < _HEAD:
                head += buffer[:got]
            left -= got
            bucket.take(got)
        name, text = self.path.rpartition("/")[2], head.decode(errors="replace")
        config, _ = json.JSONDecoder().raw_decode(text[text.index("{") :])
        self.models[name] = {"name": name, **config, **config.get("inference", {}).get("meta_data", {})}
        self._answer({})

    def do_DELETE(self) -> None:
        self.models.pop(self.path.rpartition("/")[2], None)
        self._answer({})

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    if len(sys.argv) > 1:
        _Handler.rate = float(sys.argv[1]) * 1e6
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
