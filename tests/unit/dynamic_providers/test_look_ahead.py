"""Lists are looked at ahead of their turn, never long before, and each error is told at its own turn."""

from __future__ import annotations

from threading import Event

import pytest

from clients.errors import Unreachable
from dynamic_providers.xnat.look_ahead import LookAhead

SCOPES = [f"projects/P{number}" for number in range(20)]


class Xnat:
    """`seen`: what was looked at, in order."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.broken: set[str] = set()
        self.ahead = Event()

    def look(self, scope: str) -> tuple[str, ...] | None:
        self.seen.append(scope)
        if len(self.seen) == 9:
            self.ahead.set()
        if scope in self.broken:
            raise Unreachable("no answer")
        return (f"https://{scope}",)


def test_each_list_is_looked_at_once_and_some_of_them_ahead() -> None:
    xnat = Xnat()
    ahead = LookAhead(SCOPES, clock=lambda: 0.0)
    assert ahead.see(SCOPES[0], xnat.look) == ("https://projects/P0",)
    assert xnat.ahead.wait(10)
    assert sorted(xnat.seen) == sorted(SCOPES[:9])
    assert [ahead.see(scope, xnat.look) for scope in SCOPES[1:]] == [(f"https://{scope}",) for scope in SCOPES[1:]]
    assert sorted(xnat.seen) == sorted(SCOPES)


def test_a_look_that_is_not_fresh_is_taken_again() -> None:
    xnat, now = Xnat(), [0.0]
    ahead = LookAhead(SCOPES, clock=lambda: now[0])
    ahead.see(SCOPES[0], xnat.look)
    assert xnat.ahead.wait(10)
    now[0] = 3.0
    ahead.see(SCOPES[1], xnat.look)
    assert xnat.seen.count(SCOPES[1]) == 2


def test_an_error_ahead_is_that_lists_own_and_only_if_it_lasts() -> None:
    xnat = Xnat()
    xnat.broken = {SCOPES[1], SCOPES[2]}
    ahead = LookAhead(SCOPES, clock=lambda: 0.0)
    ahead.see(SCOPES[0], xnat.look)
    assert xnat.ahead.wait(10)
    xnat.broken = {SCOPES[2]}
    assert ahead.see(SCOPES[1], xnat.look) == ("https://projects/P1",)
    with pytest.raises(Unreachable):
        ahead.see(SCOPES[2], xnat.look)


def test_without_an_order_each_is_looked_at_in_its_turn() -> None:
    xnat = Xnat()
    ahead = LookAhead()
    assert [ahead.see(scope, xnat.look) for scope in SCOPES[:3]] == [(f"https://{scope}",) for scope in SCOPES[:3]]
    assert xnat.seen == SCOPES[:3]
