"""XNAT's stand-in with projects P0, P1, ..., each answer seconds late: `python -m bench.xnat_stand_in NUMBER DELAY`."""

from __future__ import annotations

import sys

from sandbox.faults import Fault
from sandbox.serve import serve
from sandbox.xnat.app import create_app
from sandbox.xnat.options import Options


def main() -> None:
    number, delay = int(sys.argv[1]), float(sys.argv[2])
    app = create_app(Options(projects=tuple(f"P{each}" for each in range(number))))
    app.state.faults.set(Fault("*", "delay", seconds=delay))
    with serve(app) as url:
        print(url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
