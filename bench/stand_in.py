"""AIAA's stand-in on a Triton double, with nothing loaded: `python -m bench.stand_in`."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.aiaa_stand_in import aiaa_stand_in


def main() -> None:
    with TemporaryDirectory(prefix="bench-workspace-") as workspace, aiaa_stand_in(Path(workspace)) as aiaa:
        print(aiaa.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
