"""Whose a list of AIAA servers is, and what is written, against an XNAT in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from clients.errors import Unreachable
from clients.xnat import XnatClient
from dynamic_providers.xnat.server_list import ForeignList, Urls, as_text, register, unregister

OURS, WANTED, THEIRS = ("http://ours:5000",), ("http://a:5000", "http://b:5000"), ("http://theirs:5000",)
SCOPE = "projects/LIVER"


class Xnat:
    """XNAT as `server_list` knows it. `puts` holds what was written."""

    def __init__(self, live: Urls | None) -> None:
        self.live = live
        self.puts: list[tuple[str, Urls]] = []

    @property
    def client(self) -> XnatClient:
        return cast(XnatClient, self)

    def server_list(self, scope: str) -> Urls | None:
        assert scope == SCOPE
        return self.live

    def put_server_list(self, scope: str, urls: Sequence[str]) -> None:
        self.puts.append((scope, tuple(urls)))
        self.live = tuple(urls) or None


class TestRegister:
    @pytest.mark.parametrize("ours", [[], [OURS]])
    def test_a_list_is_written_where_none_is(self, ours: list[Urls]) -> None:
        xnat = Xnat(None)
        register(xnat.client, SCOPE, WANTED, ours=ours)
        assert xnat.puts == [(SCOPE, WANTED)]

    @pytest.mark.parametrize("ours", [[], [OURS]])
    def test_a_list_that_stands_there_already_is_not_written_again(self, ours: list[Urls]) -> None:
        xnat = Xnat(WANTED)
        register(xnat.client, SCOPE, WANTED, ours=ours)
        assert xnat.puts == []

    @pytest.mark.parametrize("ours", [[OURS], [THEIRS, OURS]])
    def test_a_list_of_ours_is_replaced(self, ours: list[Urls]) -> None:
        xnat = Xnat(OURS)
        register(xnat.client, SCOPE, WANTED, ours=ours)
        assert xnat.puts == [(SCOPE, WANTED)]

    @pytest.mark.parametrize("ours", [[], [OURS], [WANTED]])
    @pytest.mark.parametrize("live", [THEIRS, WANTED[::-1], WANTED[:1], (*WANTED, *THEIRS)])
    def test_somebody_elses_list_is_not_touched_and_told_as_a_stack_file_writes_it(
        self, live: Urls, ours: list[Urls]
    ) -> None:
        xnat = Xnat(live)
        with pytest.raises(ForeignList) as caught:
            register(xnat.client, SCOPE, WANTED, ours=ours)
        assert xnat.puts == []
        assert f"set adopt: {as_text(live)}" in str(caught.value)

    def test_a_run_that_was_killed_after_the_write_leaves_nothing_to_do(self) -> None:
        xnat = Xnat(None)
        register(xnat.client, SCOPE, WANTED, ours=[])
        register(xnat.client, SCOPE, WANTED, ours=[])
        assert len(xnat.puts) == 1


class TestUnregister:
    def test_our_list_is_emptied(self) -> None:
        xnat = Xnat(OURS)
        assert unregister(xnat.client, SCOPE, OURS) is None
        assert xnat.puts == [(SCOPE, ())]

    def test_where_no_list_is_nothing_is_written(self) -> None:
        xnat = Xnat(None)
        assert unregister(xnat.client, SCOPE, OURS) is None
        assert xnat.puts == []

    @pytest.mark.parametrize("live", [THEIRS, (*OURS, *THEIRS)])
    def test_somebody_elses_list_stays_and_why_is_told(self, live: Urls) -> None:
        xnat = Xnat(live)
        told = unregister(xnat.client, SCOPE, OURS)
        assert told == f"left as it is: the list is now {as_text(live)}, this stack wrote {as_text(OURS)}"
        assert xnat.puts == []

    def test_an_xnat_that_does_not_answer_is_not_taken_for_an_empty_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def silent(_scope: str) -> None:
            raise Unreachable("no answer")

        xnat = Xnat(OURS)
        monkeypatch.setattr(xnat, "server_list", silent)
        with pytest.raises(Unreachable):
            unregister(xnat.client, SCOPE, OURS)


def test_a_list_is_told_as_a_stack_file_writes_it() -> None:
    assert as_text(WANTED) == '["http://a:5000", "http://b:5000"]'
    assert as_text(()) == "[]"
