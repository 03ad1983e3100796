"""A TCP port for something that cannot choose one itself."""

import socket


def free_port() -> int:
    """Free on loopback a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
