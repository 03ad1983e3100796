"""What XNAT's viewer makes of the lists, and why a browser would fail."""

from __future__ import annotations

import pytest

from operations.browsers import Choice, chosen, server_problem, spelling_problems
from sandbox.xnat.viewer import url_used
from tests.support.free_port import free_port

XNAT = "https://xnat.example.org"
PROJECT = "projects/LIVER"


@pytest.mark.parametrize("project", [None, (), ("http://p:1/", "http://second"), ("HTTP://p:1",)])
@pytest.mark.parametrize("site", [None, (), ("s.example.org",)])
def test_the_choice_is_the_viewers_own(project: tuple[str, ...] | None, site: tuple[str, ...] | None) -> None:
    assert chosen({PROJECT: project, "site": site}, PROJECT).url == (url_used(project, site) or "")


def test_a_projects_list_decides_before_the_sites() -> None:
    assert chosen({PROJECT: ("http://p:1",), "site": ("http://s:1",)}, PROJECT) == Choice("project", "http://p:1")
    assert chosen({PROJECT: (), "site": ("http://s:1",)}, PROJECT) == Choice("site", "http://s:1")
    assert chosen({PROJECT: ("http://p:1",), "site": ("http://s:1",)}, "site") == Choice("site", "http://s:1")
    assert chosen({PROJECT: None, "site": None}, PROJECT) == Choice("", "", known=True)


def test_where_xnat_does_not_tell_the_list_that_decides_no_other_is_taken_for_it() -> None:
    unknown = Choice("", "", known=False)
    assert chosen({"site": ("http://s:1",)}, PROJECT) == unknown
    assert chosen({PROJECT: ()}, PROJECT) == unknown
    assert chosen({PROJECT: ("http://p:1",)}, "site") == unknown
    assert chosen({PROJECT: ("http://p:1",)}, PROJECT) == Choice("project", "http://p:1")


def test_an_https_address_at_the_root_has_nothing_wrong() -> None:
    assert list(spelling_problems("https://aiaa.example.org:5000", XNAT)) == []
    assert list(spelling_problems("http://127.0.0.1:5000", "http://127.0.0.1:8080")) == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://aiaa.example.org", "mixed content"),
        ("https://gate.example.org/aiaa", "drops the path and asks https://gate.example.org/v1/models"),
        ("https://localhost:5000", "browsers cannot reach localhost (every machine takes that for itself)"),
        ("https://0.0.0.0:5000", "browsers cannot reach 0.0.0.0 (every machine takes that for itself)"),
        ("http://0.0.0.0:5000", "mixed content"),
        ("http://host.docker.internal:5000", "mixed content"),
        ("http://HTTP://aiaa:5000", "drops the path"),
        ("http:// h", "is no address"),
        ("http://[::1", "is no address"),
        ("http://", "is no address"),
    ],
)
def test_an_address_that_cannot_work_is_told_with_the_reason(url: str, reason: str) -> None:
    problems = list(spelling_problems(url, XNAT))
    assert any(reason in problem for problem in problems), problems
    assert all("\n" not in problem and ": " in problem for problem in problems)


def test_a_server_that_is_not_there_is_told_as_seen_from_here() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert server_problem(url, XNAT).startswith(f"from this machine, GET {url}/v1/models: connection failed")


@pytest.mark.parametrize("url", ["http://[::1", "http://h:99999", "http://"])
def test_an_odd_address_ends_in_no_traceback(url: str) -> None:
    assert server_problem(url, XNAT) == "" or "from this machine" in server_problem(url, XNAT)
