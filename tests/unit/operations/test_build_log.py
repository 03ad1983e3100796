"""What ohifviewer.log tells of one request, in the lines that the plugin writes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from clients.build_target import Target
from operations.errors import CommandFailed, UsageError
from operations.metadata.build_log import BuildLog
from operations.metadata.log_source import LogCommand, LogFile, LogSource
from tests.support.until import until

PROJECT = Target("project", "LIVER")
BEFORE = "2024-01-31 14:05:08,999 [main] INFO  l - OHIF Viewer XAPI initialised"
TRACE = [
    "java.io.IOException: no such file",
    "\tat org.nrg.Some.method(Some.java:1)",
    "\tat java.lang.Thread.run()",
    "",
]


def lines(*messages: str, day: int = 31, first: int = 0) -> list[str]:
    return [
        f"2024-01-{day} 14:05:09,{first + number:03d} [http-nio-8080-exec-3] INFO  OhifViewerApi - {message}"
        for number, message in enumerate(messages)
    ]


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
    before = lines(*BUILD, day=30)
    log = BuildLog(PROJECT, before[-1])
    log.feed(before)
    assert not log.requested
    assert not log.complete
    log.feed(lines(*BUILD))
    assert log.complete


def test_stack_traces_and_empty_lines_are_no_marks() -> None:
    log = BuildLog(PROJECT)
    log.feed([BEFORE, *TRACE])
    assert log.last == BEFORE
    log = BuildLog(PROJECT, log.last)
    log.feed([BEFORE, *TRACE, *lines(*BUILD[:7]), *TRACE, *lines(*BUILD[7:], first=7)])
    assert log.complete
    assert log.is_whole


def test_an_end_without_its_beginning_is_somebody_elses() -> None:
    log = BuildLog(PROJECT, BEFORE)
    log.feed([BEFORE, *lines("Project LIVER metadata creation complete")])
    assert not log.complete


@pytest.mark.parametrize("midnight", range(1, len(BUILD)))
def test_but_it_counts_where_the_file_was_begun_anew_since_the_request(midnight: int) -> None:
    log = BuildLog(PROJECT, BEFORE)
    log.feed(lines(*BUILD[midnight:]))
    assert log.complete
    assert not log.is_whole
    assert log.failed == set()


def test_and_not_that_of_another_target_nor_where_what_is_read_begins_with_the_request() -> None:
    log = BuildLog(PROJECT, BEFORE)
    log.feed(lines("Project SPLEEN metadata creation complete"))
    assert not log.complete
    log = BuildLog(PROJECT, BEFORE, from_start=False)
    log.feed(lines("Project LIVER metadata creation complete"))
    assert not log.complete


def test_of_a_log_that_was_begun_anew_everything_counts() -> None:
    log = BuildLog(PROJECT, BEFORE)
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
    with path.open("a") as file:
        file.write("the last of its day\n")
    path.rename(tmp_path / "ohifviewer.log.2024-01-31")
    path.write_text("newer and longer than what was there before\n")
    assert log.read() == ["the last of its day", "newer and longer than what was there before"]
    assert log.read() == []


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


def test_it_is_known_where_it_was_left_although_some_of_its_lines_are_all_alike(tmp_path: Path) -> None:
    path = tmp_path / "log"
    parts = [
        TRACE,
        lines(*BUILD[:3]),
        [*TRACE, *TRACE],
        ["", ""],
        [*lines(*BUILD[3:], first=3), *TRACE[1:] * 20],
        TRACE,
    ]
    log = LogCommand(f"cat {path}")
    written: list[str] = []
    told: list[str] = []

    def has_told_all() -> bool:
        told.extend(log.read())
        return len(told) >= len(written)

    for part in parts:
        written += part
        path.write_text("".join(f"{line}\n" for line in written))
        until(has_told_all)
        assert told == written


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
