"""Which process of a local engine's host listens on a port, as far as this user may see it. Linux only: proc(5)."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

from clients.errors import one_line
from engines.address import EngineAddress

_PROC = Path("/proc")
_LISTEN = "0A"  # the state in /proc/net/tcp
_PEER = struct.Struct("3i")  # pid, uid, gid


def listener(docker_host: str | None, bind: str, port: int) -> str | None:
    """The process, as `nginx (pid 4711)`; None if the engine is remote or the process is not to be seen.

    Args:
        docker_host: the engine's address; None is the default one.
        bind, port: what is to be listened on: a process that has the port on all addresses is in the way too.
    """
    pid = _engine_pid(docker_host)
    inodes = set(_inodes(pid, bind, port)) if pid else set()
    return _owner({f"socket:[{inode}]" for inode in inodes}) if inodes else None


def _engine_pid(docker_host: str | None) -> int | None:
    """The engine's process: its view of the network may be another one than ours."""
    address = EngineAddress.of(docker_host)
    if address.scheme != "unix":
        return None
    with socket.socket(socket.AF_UNIX) as engine:
        try:
            engine.connect(address.url.removeprefix("unix://"))
            peer = engine.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
        except OSError:
            return None
    return int(_PEER.unpack(peer)[0])


def _inodes(pid: int, bind: str, port: int) -> Iterator[str]:
    """Of the listening sockets that have the port. Columns: slot, local address, remote address, state, ..., inode."""
    wanted = ip_address(bind)
    for table in ("tcp", "tcp6"):
        try:
            lines = (_PROC / str(pid) / "net" / table).read_text(errors="replace").splitlines()[1:]
        except OSError:
            continue  # no such table, or not for us to see
        for columns in map(str.split, lines):
            try:
                address, _, hex_port = columns[1].partition(":")
                if columns[3] != _LISTEN or int(hex_port, 16) != port:
                    continue
                has, inode = ip_address(_bytes(address)), columns[9]
            except (IndexError, ValueError, struct.error):
                continue  # no line that proc(5) knows
            if has == wanted or has.is_unspecified or wanted.is_unspecified:
                yield inode


def _bytes(words: str) -> bytes:
    """The kernel writes an address as 32-bit words in the machine's own byte order."""
    return b"".join(struct.pack("=I", int(words[at : at + 8], 16)) for at in range(0, len(words), 8))


def _owner(sockets: set[str]) -> str | None:
    for process in _PROC.glob("[0-9]*"):
        try:
            if any(os.readlink(file) in sockets for file in (process / "fd").iterdir()):
                return f"{one_line((process / 'comm').read_text(errors='replace'))} (pid {process.name})"
        except OSError:
            continue  # it ended meanwhile, or is not for us to see
    return None
