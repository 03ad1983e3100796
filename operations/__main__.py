"""`bin/aiaa`: the command line. docs/operations.md explains the commands.

Exit codes: 0 all is well; 1 something is wrong, and was told; 2 the command line is wrong; 130 interrupted.
"""

from __future__ import annotations

from clients import ending

if __name__ == "__main__":
    ending.interruptible_while_loading()

import argparse
import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path

from clients.errors import ClientError
from clients.ngc_process import URL as NGC
from operations import audit, doctor, forget, logs, ngc, stack_file, status, verify
from operations.errors import CommandFailed, UsageError
from operations.metadata import command as viewer_metadata
from operations.pulumi_cli import PulumiCli
from settings import SettingsError, Xnat
from settings.errors import validated

Command = Callable[[argparse.Namespace], bool]


def main() -> int:
    return ending.ended("bin/aiaa", _main)


def _main() -> int:
    options = _parser().parse_args()
    command: Command = options.run
    try:
        return 0 if command(options) else 1
    except UsageError as error:
        print(f"bin/aiaa {options.command}: {error}", file=sys.stderr)
        return 2
    except CommandFailed as error:
        print(f"bin/aiaa {options.command}: {error}", file=sys.stderr)
        return 1


def _doctor(options: argparse.Namespace) -> bool:
    findings = list(doctor.examine(options.stack))
    if options.json:
        print(doctor.as_json(findings))
    else:
        doctor.show(findings)
    return doctor.well(findings)


def _status(options: argparse.Namespace) -> bool:
    stack = stack_file.load(options.stack)
    seen = status.look(stack, infer=not options.no_inference)
    if options.json:
        print(status.as_json(stack, seen))
    else:
        status.show(seen, stack.settings.xnat_url)
    return seen.well


def _verify(options: argparse.Namespace) -> bool:
    stack = stack_file.load(options.stack)
    results = verify.run(stack)
    if options.json:
        print(verify.as_json(stack, results))
    else:
        verify.show(results)
    if options.junit:
        verify.write_junit(_as_called(options.junit), stack, results)
    return verify.well(results)


def _logs(options: argparse.Namespace) -> bool:
    stack = stack_file.load(options.stack)
    names = [options.server] if options.server else list(stack.settings.servers)
    for name in names:
        stack.server(name)  # a name that is not there is told before anything is shown
    return logs.show(stack, names, options.lines)


def _forget(options: argparse.Namespace) -> bool:
    cli = PulumiCli(options.stack)
    name = stack_file.name_of(options.stack)
    found = forget.find(forget.read_state(cli), options.what)
    print(f"The state of stack {name} forgets, without asking any server:")
    print("".join(f"  {each}\n" for each in found.names), end="")
    print("What stays behind, if it is there still:" if found.stays else "Nothing stays behind.")
    print("".join(f"  {each}\n" for each in found.stays), end="", flush=True)
    if not options.yes and not _agreed():
        print("Nothing was forgotten")
        return False
    # Read anew: it may have changed while somebody was asked.
    state = forget.read_state(cli)
    forget.write_state(cli, forget.without(state, forget.find(state, options.what).urns))
    print(f"Forgotten. As long as Pulumi.{name}.yaml names it, the next `bin/pulumi up` makes it anew.")
    return True


def _ngc_list(options: argparse.Namespace) -> bool:
    found = ngc.models(options.url)
    if options.json:
        print(ngc.as_json(options.url, found))
    else:
        ngc.show(found)
    return True


def _audit(options: argparse.Namespace) -> bool:
    told = {key: getattr(options, key) for key in ("url", "browser_url", "username", "password_env")}
    files = {key: getattr(options, key) for key in ("password_file", "ca_file")}
    told |= {key: str(_as_called(path)) for key, path in files.items() if path}
    if not (options.password_env or options.password_file):
        told["password"] = _asked_for_password(options.username)
    try:
        login = validated(Xnat, {key: value for key, value in told.items() if value is not None}, "audit")
        with audit.log_in(login) as client:
            findings = audit.run(client, login.browser_url or str(login.url), login.ca_file)
            sees_all = audit.sees_all(client)
    except SettingsError as error:
        raise UsageError(audit.in_options("; ".join(str(error).splitlines()))) from None
    except ClientError as error:
        raise CommandFailed(audit.in_options(error.line)) from None
    if options.json:
        print(audit.as_json(str(login.url), findings, sees_all=sees_all))
    else:
        audit.show(findings, "" if sees_all else login.username)
    return audit.well(findings)


def _asked_for_password(username: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked for the password here: give --password-env or --password-file")
    try:
        return getpass.getpass(f"XNAT password of {username}: ")
    except (EOFError, UnicodeDecodeError):
        raise UsageError("no password was given: give one, or --password-env or --password-file") from None


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked here: give --yes to go on")
    try:
        return input("Forget it? [y/N] ").strip().lower() in ("y", "yes")
    except (EOFError, UnicodeDecodeError):  # the input's end, or no text
        return False


def _as_called(path: Path) -> Path:
    """A file that the user named, from the folder where the user is (bin/aiaa goes to the project's)."""
    return Path(os.environ.get("AIAA_CALLED_FROM", "")) / path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bin/aiaa",
        description="AIAA servers, their models, and XNAT: what a person looks at or does by hand.",
        epilog="Exit codes: 0 all is well, 1 something is wrong, 2 the command line is wrong. See docs/operations.md",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run: Command, what: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=what, description=what)
        command.set_defaults(run=run)
        command.add_argument(
            "-s", "--stack", default=os.environ.get("PULUMI_STACK"), help="the stack; the selected one by default"
        )
        return command

    def add_json(command: argparse.ArgumentParser) -> None:
        command.add_argument("--json", action="store_true", help="for programs, in place of tables")

    add_json(add("doctor", _doctor, "could this stack come up here? A line for each thing that it needs"))
    command = add("status", _status, "servers, models, and which server a clinician's browser will use")
    add_json(command)
    command.add_argument("--no-inference", action="store_true", help="do not try the models: quicker")
    command = add("verify", _verify, "all smoke tests, now")
    add_json(command)
    command.add_argument("--junit", type=Path, metavar="FILE", help="write the results for continuous integration, too")
    command = add("logs", _logs, "what AIAA and Triton wrote last")
    command.add_argument("server", nargs="?", metavar="SERVER", help="all servers by default")
    command.add_argument("--lines", type=_count, default=50, metavar="N", help="of each log; 50 by default")
    command = add("viewer-metadata", viewer_metadata.run, "have XNAT build what its viewer needs to know of sessions")
    viewer_metadata.add_options(command)
    add_json(command)
    command = add("forget", _forget, "take what is gone for good out of the stack's state")
    command.add_argument("what", metavar="SERVER|xnat", help="a server's name, or xnat")
    command.add_argument("-y", "--yes", action="store_true", help="do not ask")
    what = (
        "all lists of AIAA servers of any XNAT, by whom, and whether browsers can use them; reads only, needs no stack"
    )
    command = commands.add_parser("audit", help=what, description=what)
    command.set_defaults(run=_audit)
    command.add_argument("url", metavar="URL", help="of XNAT, with its context path if it has one")
    command.add_argument("-u", "--username", required=True, metavar="NAME", help="a site administrator sees all")
    password = command.add_mutually_exclusive_group()
    password.add_argument("--password-env", metavar="VARIABLE", help="that holds the password; asked for by default")
    password.add_argument("--password-file", type=Path, metavar="FILE", help="that holds the password")
    command.add_argument("--browser-url", metavar="URL", help="of XNAT for browsers, if that is another")
    command.add_argument(
        "--ca-file", type=Path, metavar="FILE", help="certificate authority for https, XNAT's and its servers'"
    )
    add_json(command)
    what = "what NVIDIA's catalogue has for medical imaging; needs no stack"
    of_ngc = commands.add_parser("ngc", help=what, description=what).add_subparsers(required=True, metavar="list")
    command = of_ngc.add_parser("list", help="its models, with their latest versions")
    command.set_defaults(run=_ngc_list)
    url = os.environ.get("NGC_CLI_API_URL") or NGC
    command.add_argument("--url", default=url, help="of NGC; NGC_CLI_API_URL by default, or NVIDIA's own")
    add_json(command)
    return parser


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of lines")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
