"""What is told of a failure, and what never is."""

from __future__ import annotations

import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.errors import (
    Broken,
    ClientError,
    GaveUp,
    NotReady,
    Refused,
    Rejected,
    Unreachable,
    joined,
    of_status,
    redacted,
    said,
)

# Recorded: https://github.com/NVIDIA/ai-assisted-annotation-client/issues/99
AIAA_ERROR = b'{"error":{"message":["CLASS_INIT_ERROR","no such class"],"type":"AIAAException"},"success":false}\n'
HTML = b"<!DOCTYPE html>\n<html><head><title>Oops &amp;\n sorry</title></head><body><p>stack trace</p></body></html>"

# No asterisk, as what replaces a secret is made of them.
secrets = st.text(st.characters(exclude_characters="*", exclude_categories=["Cs"]), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b"", Rejected),
        (401, b"", Refused),
        (403, b"", Refused),
        (404, b"", Rejected),
        (409, b"", Rejected),
        (422, b"", Rejected),
        (440, b"", Rejected),
        (500, b"", Broken),
        (500, HTML, Broken),
        (500, b"Traceback ...", Broken),
        (500, AIAA_ERROR, Rejected),
        (501, b"", Broken),
        (502, HTML, NotReady),
        (503, AIAA_ERROR, NotReady),
        (504, b"", GaveUp),
    ],
)
def test_the_class_of_an_error_tells_who_failed(status: int, body: bytes, kind: type[ClientError]) -> None:
    assert type(of_status("GET http://h/", status, "", body, ())) is kind


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (AIAA_ERROR, "AIAAException: CLASS_INIT_ERROR, no such class"),
        (
            b'{"error":{"message":[],"type":"InferenceServerException"},"success":false}',
            "InferenceServerException: no reason; the server's log may tell one",
        ),
        (b'{"error":{"message":"plain","type":"RuntimeError"}}', "RuntimeError: plain"),
        (b'{"error": "plain"}', "plain"),
        (b'{"detail": "Not Found"}', "Not Found"),
        (b'{ "ResponseMessage":"Malformed URL - Cause: no protocol: foo" }', "Malformed URL - Cause: no protocol: foo"),
    ],
)
def test_the_servers_own_words_are_told(body: bytes, words: str) -> None:
    assert said(body) == (words, True)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (HTML, "an HTML page titled 'Oops & sorry'"),
        (b"<head></head>", "an HTML page"),
        (
            b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code><Message>It &amp; all\nexpired</Message></Error>',
            "It & all expired",
        ),
        (b'<?xml version="1.0"?><html></html>', "an HTML page"),
        (b"", ""),
        (b"two\nlines", "two lines"),
        # XNAT does not escape quotes in its own document: it is no JSON then, and told as it is.
        (b'{ "ResponseMessage":"no "x" here" }', '{ "ResponseMessage":"no "x" here" }'),
    ],
)
def test_anything_else_is_no_document_of_the_servers_and_an_html_page_is_its_title(body: bytes, words: str) -> None:
    told, own_document = said(body)
    assert (told, own_document) == (words, False)


@pytest.mark.soak
@given(st.binary(max_size=600))
def test_what_a_server_says_is_one_short_line(body: bytes) -> None:
    told, _ = said(body)
    assert len(told.splitlines()) <= 1
    assert len(told) <= 303


@pytest.mark.soak
@given(st.text(max_size=20), secrets, st.text(max_size=20))
def test_a_secret_is_not_told_in_any_form_that_an_echo_gives_it(before: str, secret: str, after: str) -> None:
    for form in (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], html.escape(secret)):
        assert form not in redacted(before + form + after, [secret])


@pytest.mark.soak
@given(secrets, st.integers(0, 320))
def test_a_secret_is_not_told_by_half_where_the_line_is_cut(secret: str, position: int) -> None:
    told, _ = said(b"." * position + ("SECRET" + secret).encode(), ["SECRET" + secret])
    assert "S" not in told


def test_a_secret_that_begins_with_another_is_hidden_whole() -> None:
    assert redacted("is abcdef", ["abc", "abcdef"]) == "is ***"


def test_an_empty_secret_hides_nothing() -> None:
    assert redacted("text", [""]) == "text"


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ((), ""),
        (("",), ""),
        (("a",), "a"),
        (("a", ""), "a"),
        (("", "a", "", "b"), "a; b"),
        (("a.", "b."), "a; b."),
        (("a:", "b"), "a; b"),
        (("cut...", "b"), "cut...; b"),
    ],
)
def test_parts_of_a_message_are_joined_and_empty_ones_are_left_out(parts: tuple[str, ...], whole: str) -> None:
    assert joined(*parts) == whole


@pytest.mark.parametrize("message", ["it failed", "it failed.", "it failed;", "it failed; ", "it failed:"])
def test_a_line_is_one_sentence_however_the_server_ended_its_own(message: str) -> None:
    assert Rejected(message, advice="fix it").line == "it failed: fix it"


def test_an_error_with_more_words_is_of_the_same_kind_and_knows_the_same() -> None:
    error = Unreachable("no answer", advice="look")
    error.may_have_arrived = False
    more = error.with_more("", "its log is empty", advice="then run it again")
    assert (type(more), more.may_have_arrived) == (Unreachable, False)
    assert more.line == "no answer; its log is empty: look; then run it again"
    assert error.line == "no answer: look"
    plain = Rejected("no").with_more("")
    assert plain.line == f"no: {Rejected.advice}"
