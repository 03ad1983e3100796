"""``python3 -m sandbox.aiaa``: the server that ``start_aiaa.sh`` and ``AIAA start`` run in the sandbox image."""

import os
import pwd
import signal
import sys
from contextlib import suppress
from types import FrameType

from sandbox.aiaa.app import create_app
from sandbox.aiaa.options import Options, parse
from sandbox.aiaa.triton_repository import TritonRepository
from sandbox.aiaa.triton_server import TritonServer
from sandbox.aiaa.workspace import Workspace
from sandbox.serve import run

_RUN_AS = "nvidia"


def main() -> None:
    program = os.environ.get("AIAA_LAUNCHER", "start_aiaa.sh")
    options = parse(sys.argv[1:], program)
    signal.signal(signal.SIGTERM, _stop)  # as PID 1 there is no default action: `docker stop` would wait its full time
    user = _drop_privileges()
    try:
        _prepare(options)
        _check_triton(options)
        app = create_app(options, echo_log=True)
    except PermissionError as error:
        sys.exit(
            f"{program}: {error.filename} is not writable for the user {user} that AIAA runs as: "
            f"make {options.workspace}, and triton_models in it, writable (chmod 777) and start again"
        )
    run(app, host="0.0.0.0", port=options.port)  # noqa: S104 - in its container; who may reach it is the port mapping's say


def _stop(_: int, __: FrameType | None) -> None:
    sys.exit(0)


def _drop_privileges() -> str:
    """NVIDIA's server is started by root and runs as ``nvidia``; who is not root stays who he is."""
    if os.getuid() != 0:
        return f"with uid {os.getuid()}"
    account = pwd.getpwnam(_RUN_AS)
    os.initgroups(account.pw_name, account.pw_gid)
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    os.environ["HOME"] = account.pw_dir
    return f"{account.pw_name} (uid {account.pw_uid})"


def _prepare(options: Options) -> None:
    workspace = Workspace(options.workspace)
    workspace.create()
    with suppress(PermissionError):  # Triton's container opens the folder when it starts; create_app asks again
        TritonRepository(workspace.triton_models).sweep()


def _check_triton(options: Options) -> None:
    print(f"Checking Triton at {options.triton_address} ({options.triton_proto})", flush=True)
    if not TritonServer(options).wait_until_live(options.triton_start_timeout):
        sys.exit(
            f"Triton at {options.triton_address} ({options.triton_proto}) did not answer within "
            f"{options.triton_start_timeout:g} s (--triton_start_timeout): AIAA is not started"
        )


if __name__ == "__main__":
    main()
