"""A server on a bare socket, for answers that no HTTP library would send."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]"


@dataclass(frozen=True)
class Request:
    """`length`: bytes of the body, which is read but not kept."""

    head: str
    length: int


class Connection:
    """The server's end of one connection, which is to serve one request."""

    def __init__(self, peer: socket.socket, stopped: threading.Event) -> None:
        self._peer = peer
        self._stopped = stopped

    def read(self) -> Request:
        data = b""
        while b"\r\n\r\n" not in data and (chunk := self._peer.recv(65536)):
            data += chunk
        head, _, rest = data.partition(b"\r\n\r\n")
        text = head.decode()
        lengths = [line.split(":")[1] for line in text.splitlines() if line.lower().startswith("content-length:")]
        length = int(lengths[0]) if lengths else 0
        received = len(rest)
        while received < length and (chunk := self._peer.recv(1 << 20)):
            received += len(chunk)
        return Request(text, received)

    def send(self, data: bytes) -> None:
        self._peer.sendall(data)

    def pause(self, seconds: float) -> None:
        """Send nothing for so long, or until the server is stopped."""
        self._stopped.wait(seconds)

    def reset(self) -> None:
        self._peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


Script = Callable[[Connection], None]


class RawServer:
    """Each connection is served by the next script, all later ones by the last."""

    def __init__(self, *scripts: Script, port: int = 0) -> None:
        self._scripts = scripts
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.connections = 0
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._threads[0].start()

    def stop(self) -> None:
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=5)

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(peer, script), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, peer: socket.socket, script: Script) -> None:
        peer.settimeout(5)
        with peer, contextlib.suppress(OSError):  # the client hung up, as it should
            script(Connection(peer, self._stopped))


@contextlib.contextmanager
def raw_server(*scripts: Script, port: int = 0) -> Iterator[RawServer]:
    server = RawServer(*scripts, port=port)
    try:
        yield server
    finally:
        server.stop()


def answer(data: bytes) -> Script:
    """Reads the request, sends the bytes, hangs up."""

    def script(connection: Connection) -> None:
        connection.read()
        connection.send(data)

    return script


def reset(connection: Connection) -> None:
    """Reads the request and resets the connection."""
    connection.read()
    connection.reset()


def drip(connection: Connection) -> None:
    """An answer that never ends, a byte at a time."""
    connection.read()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(200):
        connection.send(b" ")
        connection.pause(0.02)


def stall(connection: Connection) -> None:
    """Half an answer, and then nothing."""
    connection.read()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[")
    connection.pause(5)


def hang(connection: Connection) -> None:
    """No answer."""
    connection.read()
    connection.pause(5)
