"""Whose a list of AIAA servers is, and what is written, against an XNAT in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest
import yaml

from clients.errors import Unreachable
from clients.xnat import XnatClient
from clients.xnat_answers import NoProject, UnreadableList
from dynamic_providers.xnat.server_list import ForeignList, Known, Look, Urls, as_text, look, register, unregister
from settings.xnat import Registration

OURS, WANTED, THEIRS = ("http://ours:5000",), ("http://a:5000", "http://b:5000"), ("http://theirs:5000",)
SCOPE = "projects/LIVER"


NO_LIST = "what owner has written there is no list of servers: nonsense"
OURS_KNOWN = Known(OURS, OURS)


class Xnat:
    """XNAT as `server_list` knows it. `puts` holds what was written; an exception stands for what it answers."""

    url = "http://xnat.example.org"

    def __init__(self, live: Urls | Exception | None) -> None:
        self.live = live
        self.puts: list[tuple[str, Urls]] = []

    @property
    def client(self) -> XnatClient:
        return cast(XnatClient, self)

    def server_list(self, scope: str) -> Urls | None:
        assert scope == SCOPE
        if isinstance(self.live, Exception):
            raise self.live
        return self.live

    def authorship(self, scope: str) -> str:
        assert scope == SCOPE
        return "written by owner, first on 2026-01-01 10:00:00"

    def put_server_list(self, scope: str, urls: Sequence[str]) -> None:
        self.puts.append((scope, tuple(urls)))
        self.live = tuple(urls) or None


class TestLook:
    @pytest.mark.parametrize(
        ("live", "found"),
        [
            (OURS, Look(OURS, "")),
            (
                THEIRS,
                Look(
                    THEIRS, f"the list is now {as_text(THEIRS)}, this stack's last finished run wrote {as_text(OURS)}"
                ),
            ),
            (None, Look(None, "there is no list any more")),
            (NoProject("there is no project LIVER"), Look(None, "there is no project LIVER any more, and so no list")),
            (UnreadableList(NO_LIST), Look(WANTED, NO_LIST, unreadable=True)),
        ],
    )
    def test_what_became_of_our_list_is_told_in_words(self, live: Urls | Exception | None, found: Look) -> None:
        assert look(Xnat(live).client, SCOPE, Known(seen=WANTED, written=OURS)) == found


class TestRegister:
    @pytest.mark.parametrize("known", [None, OURS_KNOWN])
    def test_a_list_is_written_where_none_is(self, known: Known | None) -> None:
        xnat = Xnat(None)
        register(xnat.client, SCOPE, WANTED, known=known, adopt=None)
        assert xnat.puts == [(SCOPE, WANTED)]

    @pytest.mark.parametrize("known", [None, OURS_KNOWN])
    def test_a_list_that_stands_there_already_is_not_written_again(self, known: Known | None) -> None:
        xnat = Xnat(WANTED)
        register(xnat.client, SCOPE, WANTED, known=known, adopt=None)
        assert xnat.puts == []

    @pytest.mark.parametrize(
        ("known", "adopt"),
        [
            (OURS_KNOWN, None),
            (Known(seen=THEIRS, written=OURS), None),
            (Known(seen=OURS, written=THEIRS), None),
            (None, OURS),
            (Known(THEIRS, THEIRS), OURS),
        ],
    )
    def test_a_list_of_ours_and_one_that_was_shown_or_stated_is_replaced(
        self, known: Known | None, adopt: Urls | None
    ) -> None:
        xnat = Xnat(OURS)
        register(xnat.client, SCOPE, WANTED, known=known, adopt=adopt)
        assert xnat.puts == [(SCOPE, WANTED)]

    @pytest.mark.parametrize("known", [None, OURS_KNOWN, Known(WANTED, WANTED), Known(OURS, OURS, unreadable=True)])
    @pytest.mark.parametrize("adopt", [None, (), OURS])
    @pytest.mark.parametrize("live", [THEIRS, WANTED[::-1], WANTED[:1], (*WANTED, *THEIRS)])
    def test_somebody_elses_list_is_not_touched_and_told_as_a_stack_file_writes_it(
        self, live: Urls, adopt: Urls | None, known: Known | None
    ) -> None:
        xnat = Xnat(live)
        with pytest.raises(ForeignList) as caught:
            register(xnat.client, SCOPE, WANTED, known=known, adopt=adopt)
        assert xnat.puts == []
        who = " (written by owner, first on 2026-01-01 10:00:00), which this stack did not write"
        assert f"the list is {as_text(live)}{who}" in str(caught.value)
        replaced = f"{{servers: [NAME], adopt: {as_text(live)}}}"
        assert f"to replace it, write registrations.projects.LIVER: {replaced} with your" in str(caught.value)
        assert ("bin/pulumi refresh" in str(caught.value)) is bool(known)  # a refresh shows only what state has

    def test_a_very_long_list_is_cut_and_the_message_has_the_command_that_empties_it(self) -> None:
        huge = tuple(f"https://h{number}.example.org" for number in range(10_000))
        xnat = Xnat(huge)
        with pytest.raises(ForeignList) as caught:
            register(xnat.client, SCOPE, WANTED, known=None, adopt=None)
        assert len(str(caught.value)) < 3000
        assert "... (10000 entries) (written by owner" in str(caught.value)
        assert str(caught.value).endswith(
            "to replace it, ask an XNAT administrator to empty it: `curl -u ADMIN -X PUT -H 'Content-Type: "
            "application/json' -d '[]' http://xnat.example.org/xapi/ohifaiaa/projects/LIVER/servers`"
        )
        assert len(look(xnat.client, SCOPE, OURS_KNOWN).drift) < 3000
        register(xnat.client, SCOPE, WANTED, known=None, adopt=huge)
        assert xnat.puts == [(SCOPE, WANTED)]

    @pytest.mark.parametrize(("known", "adopt"), [(None, None), (OURS_KNOWN, None), (OURS_KNOWN, OURS), (None, THEIRS)])
    def test_what_is_no_list_is_not_touched_either_before_it_was_shown(
        self, known: Known | None, adopt: Urls | None
    ) -> None:
        xnat = Xnat(UnreadableList(NO_LIST))
        with pytest.raises(ForeignList) as caught:
            register(xnat.client, SCOPE, WANTED, known=known, adopt=adopt)
        assert xnat.puts == []
        assert str(caught.value).startswith(NO_LIST)
        assert "write registrations.projects.LIVER: {servers: [NAME], adopt: []} with" in str(caught.value)

    @pytest.mark.parametrize(("known", "adopt"), [(Known(OURS, OURS, unreadable=True), None), (None, ())])
    def test_what_is_no_list_is_replaced_once_it_was_shown_or_if_that_is_stated(
        self, known: Known | None, adopt: Urls | None
    ) -> None:
        xnat = Xnat(UnreadableList(NO_LIST))
        register(xnat.client, SCOPE, WANTED, known=known, adopt=adopt)
        assert xnat.puts == [(SCOPE, WANTED)]

    def test_a_run_that_was_killed_after_the_write_leaves_nothing_to_do(self) -> None:
        xnat = Xnat(None)
        assert register(xnat.client, SCOPE, WANTED, known=None, adopt=None) == ""
        register(xnat.client, SCOPE, WANTED, known=None, adopt=None)
        assert len(xnat.puts) == 1

    def test_a_list_that_another_stack_may_have_written_is_told_once(self) -> None:
        xnat = Xnat(WANTED)
        told = register(xnat.client, SCOPE, WANTED, known=None, adopt=None)
        assert told.startswith("the list stands there already (written by owner, first on 2026-01-01 10:00:00): ")
        assert "if another stack registers it too, take it out of one of them" in told
        assert register(xnat.client, SCOPE, WANTED, known=Known(WANTED, WANTED), adopt=None) == ""


class TestUnregister:
    def test_our_list_is_emptied(self) -> None:
        xnat = Xnat(OURS)
        assert unregister(xnat.client, SCOPE, OURS) is None
        assert xnat.puts == [(SCOPE, ())]

    def test_where_no_list_is_nothing_is_written(self) -> None:
        xnat = Xnat(None)
        assert unregister(xnat.client, SCOPE, OURS) is None
        assert xnat.puts == []

    @pytest.mark.parametrize(
        ("live", "told"),
        [
            (
                THEIRS,
                f"left as it is: the list is now {as_text(THEIRS)}, "
                f"this stack's last finished run wrote {as_text(OURS)}",
            ),
            (
                (*OURS, *THEIRS),
                f"left as it is: the list is now {as_text((*OURS, *THEIRS))}, this stack's last finished run wrote ",
            ),
            (UnreadableList(NO_LIST), f"left as it is: {NO_LIST}"),
            (NoProject("there is no project LIVER"), "nothing to take back: there is no project LIVER any more"),
        ],
    )
    def test_what_is_not_our_list_stays_and_why_is_told(self, live: Urls | Exception, told: str) -> None:
        xnat = Xnat(live)
        assert (unregister(xnat.client, SCOPE, OURS) or "").startswith(told)
        assert xnat.puts == []

    def test_an_xnat_that_does_not_answer_is_not_taken_for_an_empty_one(self) -> None:
        with pytest.raises(Unreachable):
            unregister(Xnat(Unreachable("no answer")).client, SCOPE, OURS)


def test_a_list_is_told_as_a_stack_file_writes_it() -> None:
    assert as_text(WANTED) == '["http://a:5000", "http://b:5000"]'
    assert as_text(()) == "[]"


@pytest.mark.parametrize(
    "entry", ['a "quoted" one', "back\\slash", "\x1b]0;owned\x07\x1b[2J\nhttp://x", "\x9b2J", "\U000e0001", ""]
)
def test_what_anybody_wrote_is_told_on_one_line_that_can_be_pasted_into_a_stack_file(entry: str) -> None:
    with pytest.raises(ForeignList) as caught:
        register(Xnat((entry, "http://b:5000")).client, SCOPE, WANTED, known=None, adopt=None)
    assert str(caught.value).isprintable()
    told = (
        str(caught.value).partition("write registrations.projects.LIVER: ")[2].removesuffix(" with your server's NAME")
    )
    registration = Registration.model_validate(yaml.safe_load(told))
    assert registration.adopt == (entry, "http://b:5000")
