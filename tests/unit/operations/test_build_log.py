"""What ohifviewer.log tells of one request, in the lines that the plugin writes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from clients.build_target import Target
from operations.errors import CommandFailed, UsageError
from operations.metadata.build_log import BuildLog, LogCommand, LogFile, LogSource
from tests.support.until import until

PROJECT = Target("project", "LIVER")
PREFIX = "2024-01-31 14:05:09,123 [http-nio-8080-exec-3] INFO  org.nrg.xnatx.ohifviewer.xapi.OhifViewerApi - "


def lines(*messages: str) -> list[str]:
    return [f"{number}{PREFIX}{message}" for number, message in enumerate(messages)]


BUILD = (
    "Project LIVER metadata creation requested",
    "Thread count for parallel JSON creation: 4",
    "ImageSession ID: XNAT_E1",
    "ImageSession ID: XNAT_E2",
    "Creating session metadata for XNAT_E1",
    "Migrating session metadata for XNAT_E2",
    "Session XNAT_E1 metadata created and stored",
    "Project LIVER metadata creation complete",
)


def test_a_build_is_followed_to_its_end() -> None:
    log = BuildLog(PROJECT, "")
    log.feed(lines(*BUILD[:7]))
    assert (log.requested, log.complete) == (True, False)
    assert (log.listed, log.stored) == ({"XNAT_E1", "XNAT_E2"}, {"XNAT_E1"})
    log.feed(lines(*BUILD[7:]))
    assert log.complete
    assert log.failed == {"XNAT_E2"}


def test_what_was_there_before_the_request_does_not_count() -> None:
    before = [f"yesterday {line}" for line in lines(*BUILD)]
    log = BuildLog(PROJECT, before[-1])
    log.feed(before)
    assert not log.requested
    assert not log.complete
    log.feed(lines(*BUILD))
    assert log.complete


def test_an_end_without_its_beginning_is_somebody_elses() -> None:
    log = BuildLog(PROJECT, "the line before")
    log.feed(["the line before", *lines("Project LIVER metadata creation complete")])
    assert not log.complete


def test_of_a_log_that_was_begun_anew_everything_counts() -> None:
    log = BuildLog(PROJECT, "a line of yesterday")
    log.feed(lines(*BUILD))
    assert log.complete


def test_where_it_is_not_known_what_was_before_only_an_end_that_is_seen_to_come_counts() -> None:
    log = BuildLog(PROJECT)
    log.feed(lines(*BUILD))
    assert not log.complete
    log = BuildLog(PROJECT)
    log.feed(lines(*BUILD, *BUILD[:5]))
    log.feed(lines(*BUILD[5:]))
    assert log.complete


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (Target("site"), "All projects"),
        (Target("subject", "LIVER", "XNAT_S1"), "Subject XNAT_S1"),
        (Target("session", "LIVER", "XNAT_E1"), "Session XNAT_E1"),
    ],
)
def test_each_level_has_its_own_lines(target: Target, name: str) -> None:
    log = BuildLog(target, "")
    log.feed(lines(*BUILD))
    assert not log.requested
    log.feed(lines(f"{name} metadata creation requested", f"{name} metadata creation complete"))
    assert log.complete


def test_other_sessions_that_are_archived_meanwhile_do_not_count() -> None:
    log = BuildLog(PROJECT, "")
    log.feed(lines(*BUILD[:7], "Creating session metadata for XNAT_E9", *BUILD[7:]))
    assert log.failed == {"XNAT_E2"}


def test_a_file_is_read_on_and_from_its_beginning_when_it_was_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "ohifviewer.log"
    path.write_text("one\ntwo\nhal")
    log = LogFile(path)
    assert log.read() == ["one", "two"]
    assert log.read() == []
    with path.open("a") as file:
        file.write("f\n")
    assert log.read() == ["half"]
    path.write_text("new\n")
    assert log.read() == ["new"]
    path.rename(tmp_path / "ohifviewer.log.2024-01-31")
    path.write_text("newer and longer than what was there before\n")
    assert log.read() == ["newer and longer than what was there before"]


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"--log-file .*none: cannot be read: No such file"):
        LogFile(tmp_path / "none").read()


def read_to(log: LogSource, last: str) -> list[str]:
    found: list[str] = []

    def is_there() -> bool:
        found.extend(log.read())
        return found[-1:] == [last]

    until(is_there)
    return found


def test_a_command_that_ends_is_run_again_and_tells_each_line_once(tmp_path: Path) -> None:
    path = tmp_path / "it's here.log"
    path.write_text("one\ntwo\n")
    log = LogCommand(f'cat "{path}"')
    assert read_to(log, "two") == ["one", "two"]
    path.write_text("one\ntwo\nthree\n")
    assert read_to(log, "three") == ["three"]
    path.write_text("begun anew\n")
    assert read_to(log, "begun anew") == ["begun anew"]


def test_a_command_that_goes_on_is_read_on(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("one\n")
    log = LogCommand(f"tail -n +1 -F {path}")
    try:
        assert read_to(log, "one") == ["one"]
        with path.open("a") as file:
            file.write("two\n")
        assert read_to(log, "two") == ["two"]
    finally:
        log.close()


def test_a_command_is_run_without_a_shell(tmp_path: Path) -> None:
    log = LogCommand(f"echo 'a b' ';' touch {tmp_path}/made")
    assert read_to(log, f"a b ; touch {tmp_path}/made")
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_fails_is_told_with_what_it_said() -> None:
    script = "import sys; sys.exit('Permission denied')"
    with pytest.raises(CommandFailed, match="ended with 1"):
        LogCommand(f'{sys.executable} -c "{script}"').read()
    with pytest.raises(CommandFailed, match="cannot be run"):
        LogCommand("no-such-program-here").read()
    for line in ("'", ""):
        with pytest.raises(UsageError):
            LogCommand(line)
