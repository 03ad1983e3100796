"""The set-up's steps, each of which does what is not done yet: `python -m toolchain STEP`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from typing import NoReturn

from toolchain import base_image, development_stack, engine, private_engine, pulumi_tools
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


def _with_image(arguments: argparse.Namespace) -> NoReturn:
    """Run a command that needs the engine and the image, and leave the engine as it was."""
    ran = private_engine.pid() is not None
    try:
        host = engine.ensure()
        base_image.ensure(host)
        sys.exit(subprocess.run(arguments.command, env={**os.environ, "DOCKER_HOST": host}, check=False).returncode)
    finally:
        if not ran:
            private_engine.stop()


_STEPS: dict[str, Callable[[argparse.Namespace], object]] = {
    "tools": lambda arguments: pulumi_tools.ensure(arguments.route),
    "engine": lambda _: engine.ensure(),
    "image": lambda _: base_image.ensure(engine.ensure()),
    "with-image": _with_image,
    "down": lambda _: development_stack.take_back(),
    "stop-engine": lambda _: private_engine.stop(),
    "remove-images": lambda _: development_stack.remove_images(),
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="toolchain", description=__doc__)
    parser.add_argument(
        "--route",
        choices=["official", "mirror"],
        default=os.environ.get("ROUTE") or None,
        help="where the Pulumi tools come from; without it, whatever works first",
    )
    parser.add_argument("step", choices=_STEPS)
    parser.add_argument("command", nargs=argparse.REMAINDER, help="for with-image")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
