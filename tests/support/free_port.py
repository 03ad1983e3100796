"""A TCP port for something that cannot choose one itself."""

import random
import socket

# Below those that the kernel hands out by itself (32768 and up): nobody gets one of these by chance before it is used.
_RANGE = range(15_000, 32_000)


def free_port() -> int:
    """Free on loopback a moment ago."""
    while True:
        port = random.choice(_RANGE)  # noqa: S311 - no secret
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
