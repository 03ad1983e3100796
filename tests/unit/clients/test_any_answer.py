"""No answer of a server, however odd, ends in anything but a value of the promised type or an error of one line."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.aiaa import AiaaClient, InferenceResult, ModelEntry
from clients.errors import ClientError
from clients.xnat import XnatClient
from tests.support.odd_answers import LIST, PROJECT, Odd, OddServer, json_answer, odd, odd_server, sound_xnat

PASSWORD = "tangerine-4711"
MODEL = {
    "name": "liver",
    "type": "segmentation",
    "labels": ["liver"],
    "description": "d",
    "version": "1",
    "digest": "x",
}
SECONDS = 0.4  # for a call: an odd server may well make it wait to the end
ENTRY = ModelEntry("liver", "segmentation", (), "", "1", {})

logs: list[logging.LogRecord] = []


class _Kept(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        logs.append(record)


@pytest.fixture(scope="module", autouse=True)
def _libraries_are_heard() -> Iterator[None]:
    """A library that logs or warns of an odd answer would show it, with a traceback, to the person who waits."""
    handler = _Kept(logging.WARNING)
    logging.getLogger().addHandler(handler)
    yield
    logging.getLogger().removeHandler(handler)


@pytest.fixture(scope="module")
def _no_pauses() -> Iterator[None]:
    """Once for all cases; the directory's own fixture would be one for each test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clients.aiaa._LISTED_WITHIN", 0.05)
        yield


@pytest.fixture(scope="module")
def aiaa() -> Iterator[OddServer]:
    with odd_server(sound_aiaa) as server:
        yield server


@pytest.fixture(scope="module")
def xnat() -> Iterator[OddServer]:
    with odd_server(sound_xnat) as server:
        yield server


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("weights") / "model.ts"
    file.write_bytes(b"weights")
    return file


def sound_aiaa(head: str) -> bytes:
    if head.startswith("GET /v1/models"):
        return json_answer([MODEL])
    return json_answer({"success": True})


def is_list_of(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, (list, tuple)) and all(isinstance(item, kind) for item in value)


def is_one(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kinds)


Call = tuple[Callable[[Any, Path], Any], Callable[[Any], bool]]

AIAA_CALLS: dict[str, Call] = {
    "models": (lambda client, _: client.models(), is_list_of(ModelEntry)),
    "find": (lambda client, _: client.find("liver"), is_one(ModelEntry, type(None))),
    "load_from_ngc": (lambda client, _: client.load_from_ngc("liver", "a/b", "1", SECONDS), is_one(ModelEntry)),
    "load_from_files": (lambda client, file: client.load_from_files("liver", {}, file, SECONDS), is_one(ModelEntry)),
    "unload": (lambda client, _: client.unload("other", SECONDS), is_one(type(None))),
    "wait": (lambda client, _: client.wait_until_ready(0.05, lambda _: None), is_one(type(None))),
    "infer": (lambda client, _: client.infer(ENTRY, b"image", "image.nii", SECONDS), is_one(InferenceResult)),
    "config": (lambda client, _: client.config("liver"), is_one(dict, type(None))),
    "logs": (lambda client, _: client.logs(5), is_one(str)),
}

XNAT_CALLS: dict[str, Call] = {
    "wait": (lambda client, _: client.wait_until_up(0.05, lambda _: None), is_one(type(None))),
    "site list": (lambda client, _: client.server_list("site"), lambda v: v is None or is_list_of(str)(v)),
    "list": (lambda client, _: client.server_list("projects/LIVER"), lambda v: v is None or is_list_of(str)(v)),
    "put": (lambda client, _: client.put_server_list("projects/LIVER", LIST), is_one(type(None))),
    "roles": (lambda client, _: client.roles("svc-aiaa"), is_list_of(str)),
    "groups": (lambda client, _: client.groups("svc-aiaa"), is_list_of(str)),
    "project": (lambda client, _: client.find_project("LIVER"), is_one(str, type(None))),
    "build": (lambda client, _: client.build_info(), is_one(dict)),
}


def answered(call: Call, client: Any, file: Path) -> None:
    """Makes the call, and checks what comes of it."""
    logs.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            value = call[0](client, file)
        except ClientError as error:
            assert_one_line(error.line)
        else:
            assert call[1](value), value
            repr(value).encode()
    assert [record.getMessage() for record in logs] == []


def assert_one_line(line: str) -> None:
    assert line.isprintable(), line
    assert line.encode()  # it can be shown
    assert len(line) < 2000
    assert PASSWORD not in line


@pytest.mark.soak
@pytest.mark.usefixtures("_no_pauses")
@given(call=st.sampled_from(sorted(AIAA_CALLS)), case=odd([MODEL], MODEL, {"success": True}))
def test_any_answer_of_aiaa(aiaa: OddServer, weights: Path, call: str, case: Odd) -> None:
    aiaa.begin(case)
    with AiaaClient(aiaa.url, timeout=SECONDS) as client:
        answered(AIAA_CALLS[call], client, weights)


@pytest.mark.soak
@given(call=st.sampled_from(sorted(XNAT_CALLS)), case=odd(PROJECT, LIST, {"version": "1.9.3"}, [LIST], "session"))
def test_any_answer_of_xnat(xnat: OddServer, weights: Path, call: str, case: Odd) -> None:
    xnat.begin(case)
    client = XnatClient(xnat.url, "svc-aiaa", PASSWORD, timeout=SECONDS)
    try:
        with client:
            answered(XNAT_CALLS[call], client, weights)
    except ClientError as error:  # of the log-in
        assert_one_line(error.line)
