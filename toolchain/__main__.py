"""The set-up's steps, each of which does what is not done yet: `python -m toolchain STEP`."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence

from docker.errors import DockerException

from toolchain import base_image, development_stack, engine, lock, private_engine, pulumi_tools, ssh_server
from toolchain.errors import SetUpError, reason


def main() -> int:
    arguments = _arguments()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup has it
            signal.signal(number, signal.default_int_handler)
    try:
        if arguments.step == _WITH_IMAGE:
            return _with_image(arguments.command)
        with lock.held():
            _STEPS[arguments.step](arguments)
    except SetUpError as error:
        print(f"\n{arguments.step}: {error}", file=sys.stderr)
        return 1
    except DockerException as error:
        print(f"\n{arguments.step}: the Docker engine failed: {reason(error)}", file=sys.stderr)
        return 1
    except OSError as error:  # a full disk, a folder that is another user's
        print(f"\n{arguments.step}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{arguments.step}: interrupted; run it again to go on", file=sys.stderr)
        return 130
    return 0


def _with_image(command: Sequence[str]) -> int:
    """Run a command that needs the engine and the image, and leave the engine as it was.

    The lock is not held meanwhile: `make` and others may be part of the command.
    """
    start = False
    try:
        with lock.held():
            start = private_engine.pid() is None
            host = engine.ensure()
            base_image.ensure(host)
        return _run(command, host)
    finally:
        if start:
            with lock.held():
                private_engine.stop()


def _run(command: Sequence[str], host: str) -> int:
    """Wait for its end, also when interrupted: it cleans up. Ctrl-C reaches it without us, other signals as Ctrl-C."""
    signal.signal(signal.SIGINT, lambda *_: None)
    with subprocess.Popen(command, env={**os.environ, "DOCKER_HOST": host}) as process:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: process.send_signal(signal.SIGINT))
        return process.wait()


_WITH_IMAGE = "with-image"
_STEPS: dict[str, Callable[[argparse.Namespace], object]] = {
    "tools": lambda arguments: pulumi_tools.ensure(arguments.route),
    "engine": lambda _: engine.ensure(),
    "image": lambda _: base_image.ensure(engine.ensure()),
    "ssh-server": lambda _: ssh_server.ensure(),
    "down": lambda _: development_stack.take_back(),
    "stop-engine": lambda _: private_engine.stop(),
    "remove-images": lambda _: development_stack.remove_images(),
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="toolchain", description=__doc__)
    parser.add_argument(
        "--route",
        choices=["official", "mirror"],
        help="where the Pulumi tools come from; without it, whatever works first",
    )
    parser.add_argument("step", choices=[*_STEPS, _WITH_IMAGE])
    parser.add_argument("command", nargs=argparse.REMAINDER, help=f"for {_WITH_IMAGE}")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
