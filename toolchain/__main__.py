"""The set-up's steps, each of which does what is not done yet: `python -m toolchain STEP`."""

from __future__ import annotations

import argparse
import os
import sys

from toolchain.errors import SetUpError


def main() -> int:
    arguments = _arguments()
    try:
        _STEPS[arguments.step](arguments)
    except SetUpError as error:
        print(f"\n{arguments.step}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{arguments.step}: interrupted; run it again to go on", file=sys.stderr)
        return 130
    return 0


def _engine(_: argparse.Namespace) -> None:
    from toolchain import engine

    engine.ensure()


def _stop_engine(_: argparse.Namespace) -> None:
    from toolchain import private_engine

    private_engine.stop()


def _image(_: argparse.Namespace) -> None:
    from toolchain import base_image, engine

    base_image.ensure(engine.ensure())


def _tools(arguments: argparse.Namespace) -> None:
    from toolchain import pulumi_tools

    pulumi_tools.ensure(arguments.route)


_STEPS = {"tools": _tools, "engine": _engine, "image": _image, "stop-engine": _stop_engine}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="toolchain", description=__doc__)
    parser.add_argument("step", choices=_STEPS)
    parser.add_argument(
        "--route",
        choices=["official", "mirror"],
        default=os.environ.get("ROUTE") or None,
        help="where the Pulumi tools come from; without it, whatever works first",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
