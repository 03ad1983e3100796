"""The command line of `bin/aiaa viewer-metadata`: of a stack's XNAT, or of one that the command line names."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from contextlib import ExitStack
from pathlib import Path

from clients.errors import ClientError
from clients.xnat_viewer import ViewerClient
from operations import stack_file
from operations.audit import in_options
from operations.errors import CommandFailed, UsageError
from operations.metadata import hosts_log
from operations.metadata.console import ProgressDisplay
from operations.metadata.following import Pace
from operations.metadata.log_source import LogCommand, LogFile, LogSource
from operations.metadata.notes import held
from operations.metadata.wanted import Asked
from operations.viewer_metadata import ViewerMetadata, forget, interrupted
from settings import Settings, SettingsError, ViewerPlugin, Xnat

_QUICKEST = 0.05  # seconds between two looks: none at all would be an attack


def add_options(command: argparse.ArgumentParser) -> None:
    what = command.add_argument_group("what is to be built")
    what.add_argument("--project", metavar="ID", default="", help="all imaging sessions of a project; or one of")
    one = what.add_mutually_exclusive_group()
    one.add_argument("--subject", metavar="ID", default="", help="of a subject in it, by accession ID or label")
    one.add_argument("--session", metavar="ID", default="", help="a session in it, by accession ID or label")
    what.add_argument("--site", action="store_true", help="all that XNAT has; with --yes-all-data")
    what.add_argument("--yes-all-data", action="store_true", help="the word for --site: it may take days")
    what.add_argument(
        "--missing-only",
        action=argparse.BooleanOptionalAction,
        help="only sessions that have none, one after the other; the default for a project, else all by one request",
    )
    what.add_argument("--order", choices=("newest", "oldest", "listed"), default="newest", help="newest by default")
    what.add_argument("--pause", type=_seconds, default=0.0, metavar="SECONDS", help="between two sessions")
    xnat = command.add_argument_group("another XNAT than the stack's")
    xnat.add_argument("--xnat", metavar="URL", help="with its context path, if it has one")
    xnat.add_argument("--username", metavar="NAME")
    xnat.add_argument("--password-env", metavar="VARIABLE", help="environment variable that has the password")
    xnat.add_argument("--password-file", type=Path, metavar="FILE", help="file that has the password")
    xnat.add_argument("--ca-file", type=Path, metavar="FILE", help="certificate authority for https")
    watch = command.add_argument_group("how it is followed")
    log = watch.add_mutually_exclusive_group()
    log.add_argument("--log-file", type=Path, metavar="FILE", help="XNAT's ohifviewer.log, as this machine sees it")
    log.add_argument("--log-command", metavar="COMMAND", help="prints it: 'ssh xnat tail -n +1 -F .../ohifviewer.log'")
    pace = Pace()
    for name, default, told in (
        ("--interval", pace.interval, "between two looks"),
        ("--patience", pace.patience, "without anything new, after which a request is left to itself"),
        ("--lock-timeout", pace.lock, "to wait for what somebody else has built"),
        ("--timeout", pace.timeout, "for all; XNAT goes on after it"),
    ):
        watch.add_argument(
            name, type=_seconds, default=default, metavar="SECONDS", help=f"{told}; {default:.0f} by default"
        )
    command.add_argument(
        "--forget-request", action="store_true", help="what was asked for is lost, as XNAT's log tells: do not wait"
    )


def run(options: argparse.Namespace) -> bool:
    """Returns whether all is built.

    Raises:
        UsageError, CommandFailed: see `operations.errors`.
    """
    asked = _asked(options)
    xnat, url, again, plugin = _xnat(options)
    if options.forget_request:
        with held(url) as notes:
            print(f"Forgotten: {forget(notes, asked)}")
        return True
    pace = Pace(
        max(options.interval, _QUICKEST), options.patience, options.timeout, options.lock_timeout, options.pause
    )
    try:
        password = xnat.read_password()
    except SettingsError as error:
        kind = UsageError if options.xnat else CommandFailed  # whichever named where the password is
        raise kind(_as_options(str(error), options)) from None
    with ExitStack() as open_:
        notes = open_.enter_context(held(url))
        log = _log(options, plugin, open_)
        try:
            ca_file = str(xnat.ca_file) if xnat.ca_file else None
            client = open_.enter_context(
                ViewerClient(url, xnat.username, password, ca_file=ca_file, timeout=xnat.timeout)
            )
            with ProgressDisplay("viewer metadata") as display:
                see_log = hosts_log.how_to_see(plugin)
                report = ViewerMetadata(client, notes, asked, log, see_log, pace, display, again).run()
        except ClientError as error:
            raise CommandFailed(f"XNAT {url}: {_as_options(error.line, options)}") from None
        except KeyboardInterrupt:
            for line in interrupted(notes):
                _tell(line)
            raise
    print(report.as_json() if options.json else "\n".join(report.lines()))
    return report.well


def _asked(options: argparse.Namespace) -> Asked:
    if options.site == bool(options.project):
        raise UsageError("name one: --project ID, or --site")
    if options.site and (options.subject or options.session):
        raise UsageError("--subject and --session are of a --project")
    if options.site and not options.yes_all_data:
        raise UsageError(
            "--site is all that XNAT has, which may take days: projects one by one are kinder (--project ID); if it is "
            "meant, add --yes-all-data"
        )
    is_project = options.project and not (options.subject or options.session)
    missing_only = bool(is_project) if options.missing_only is None else options.missing_only
    return Asked(options.project, options.subject, options.session, missing_only, options.order)


def _xnat(options: argparse.Namespace) -> tuple[Xnat, str, str, ViewerPlugin | None]:
    """The account, XNAT's URL, the options that name them, and what the stack knows of XNAT's host."""
    ways = ("username", "password_env", "password_file", "ca_file")
    given = {name: str(_where(value)) for name in ways if (value := getattr(options, name))}
    if not options.xnat:
        if given:
            raise UsageError(f"--{min(given).replace('_', '-')} belongs to --xnat URL")
        stack = stack_file.load(options.stack)
        if stack.settings.xnat is None or stack.settings.xnat_url is None:
            raise CommandFailed(f"Pulumi.{stack.name}.yaml names no XNAT: set xnat.url there, or give --xnat URL")
        again = f"--stack {shlex.quote(options.stack or stack.name)}"
        return stack.settings.xnat, stack.settings.xnat_url, again, stack.settings.viewer_plugin
    if not options.username or bool(options.password_env) == bool(options.password_file):
        raise UsageError("--xnat URL needs --username NAME, and --password-env VARIABLE or --password-file FILE")
    try:
        xnat = Settings.parse({"xnat": {"url": options.xnat, **given}}).xnat
    except SettingsError as error:
        raise UsageError(_as_options(str(error), options)) from None
    assert xnat is not None  # noqa: S101 - it was given
    ways_in = [f"--{name.replace('_', '-')} {shlex.quote(value)}" for name, value in given.items()]
    return xnat, str(xnat.url), " ".join([f"--xnat {shlex.quote(str(xnat.url))}", *ways_in]), None


def _where(value: str | Path) -> str | Path:
    """A file that the user named, from the folder where the user is."""
    return Path(os.environ.get("AIAA_CALLED_FROM", "")) / value if isinstance(value, Path) else value


def _as_options(line: str, options: argparse.Namespace) -> str:
    """What is told in the words of the stack file, in those of the command line if that named the XNAT."""
    return in_options(line, url="--xnat") if options.xnat else line


def _log(options: argparse.Namespace, plugin: ViewerPlugin | None, open_: ExitStack) -> LogSource | None:
    if options.log_file:
        file = LogFile(Path(_where(options.log_file)))
        open_.callback(file.close)
        return file
    if options.log_command:
        command = LogCommand(options.log_command)
        open_.callback(command.close)
        return command
    return hosts_log.opened(plugin, _tell, open_) if plugin else None


def _tell(line: str) -> None:
    print(f"bin/aiaa viewer-metadata: {line}", file=sys.stderr)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e7:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds")
    return seconds
