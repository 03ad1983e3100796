"""``python3 -m sandbox.xnat``: the server that ``start_xnat.sh`` runs in the sandbox image."""

import signal
import sys
from types import FrameType

from sandbox.serve import run
from sandbox.xnat.app import create_app
from sandbox.xnat.options import parse


def main() -> None:
    signal.signal(signal.SIGTERM, _stop)  # as PID 1 there is no default action: `docker stop` would wait its full time
    host, port, options = parse(sys.argv[1:])
    run(create_app(options), host=host, port=port)


def _stop(_: int, __: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main()
