"""No stack file, however odd, ends in anything but settings or lines that a person can act on."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings import Settings, SettingsError

ROOT = Path(__file__).parents[3]
SECRET = "hunter2-is-secret"
FILES = {
    "config": str(ROOT / "models/liver_demo/config_aiaa.json"),
    "data": str(ROOT / "models/liver_demo/model.ts"),
}
VALID: dict[str, Any] = {
    "servers": {
        "main": {
            "port": 5000,
            "bind": "0.0.0.0",
            "gpus": ["0"],
            "browser_url": "https://aiaa.example.org",
            "triton": {"proto": "http", "verbose": 1},
            "ulimits": {"memlock": None},
            "log": {"max_size": "10m"},
        },
        "far": {
            "docker": "ssh://root@gpu1.example.org",
            "bind": "10.0.0.1",
            "url": "http://10.0.0.1:5000",
            "browser_url": "https://far.example.org",
            "workspace": "/srv/aiaa",
            "launcher": "AIAA start",
        },
    },
    "models": {
        "spleen": {"ngc": {"path": "nvidia/med/spleen", "version": "1"}, "servers": ["far"]},
        "liver": {"local": FILES, "adopt": True},
    },
    "xnat": {"url": "https://xnat.example.org/xnat", "username": "svc", "password": SECRET, "timeout": 60},
    "registrations": {"site": "main", "projects": {"LIVER": {"servers": ["far"], "adopt": ["http://old:5000"]}}},
    "sandbox": {"xnat": {"port": 8080, "projects": ["SPLEEN"]}},
}

known_keys = st.sampled_from(
    ["servers", "main", "port", "ngc", "xnat", "password", "site", "projects", "[key]", "", "\0"]
)
texts = st.one_of(
    st.text(st.characters(exclude_categories=[]), max_size=20),  # lone surrogates and control characters too
    st.sampled_from(
        ["http://[", "http://a:b", "ssh://[x", "http://\u2100", "/..", "a\nb", "'", "127.0.0.1", "all", "0x7f.1"]
    ),
)
odd_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(min_value=10**30, max_value=10**40),
        st.floats(),
        texts,
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(known_keys, texts), inner, max_size=3)
    ),
    max_leaves=8,
)
anything = st.dictionaries(st.one_of(st.sampled_from(sorted(VALID)), known_keys, texts), odd_values, max_size=4)


def places(value: object, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to all that stands in a value."""
    if not isinstance(value, (dict, list)):
        return []
    items = list(value.items() if isinstance(value, dict) else enumerate(value))
    return [place for key, inner in items for place in [(*here, key), *places(inner, (*here, key))]]


@st.composite
def mutations(draw: st.DrawFn) -> dict[str, Any]:
    """A valid stack file of which one to four things are replaced, removed or renamed."""
    raw = copy.deepcopy(VALID)
    for _ in range(draw(st.integers(1, 4))):
        there = places(raw)
        if not there:
            break
        *path, last = draw(st.sampled_from(there))
        parent: Any = raw
        for part in path:
            parent = parent[part]
        what = draw(st.sampled_from(["replace", "remove", "rename"]))
        if what == "replace":
            parent[last] = draw(odd_values)
        else:
            value = parent.pop(last)
            if what == "rename" and isinstance(parent, dict):
                parent[draw(st.one_of(known_keys, texts))] = value
    return raw


def lines_of(raw: Mapping[str, Any]) -> list[str]:
    """What is told of a stack file; nothing if it is right, and then its addresses can be made."""
    try:
        settings = Settings.parse(raw)
    except SettingsError as error:
        return str(error).split("\n")
    assert all(server.deployer_url and server.viewer_url for server in settings.servers.values())
    return []


def assert_a_person_can_act_on(lines: list[str], raw: Mapping[str, Any]) -> None:
    for line in lines:
        assert line.isprintable(), line
        assert ": " in line
        assert not re.search(r": (Input|String|Value|Keys|Dictionary|Tuple) ", line), line
        # Its key is one of the file's, or one that the file lacks.
        top = re.split(r"[.:\[]", line, maxsplit=1)[0]
        assert top in VALID or top.startswith(("'", '"')) or any(str(key).startswith(top) for key in raw), line


@pytest.mark.soak
@given(anything)
def test_any_structure_is_settings_or_lines_with_keys(raw: dict[str, Any]) -> None:
    assert_a_person_can_act_on(lines_of(raw), raw)


@pytest.mark.soak
@given(mutations())
def test_any_change_of_a_right_stack_file_is_settings_or_lines_with_keys_and_without_the_secret(
    raw: dict[str, Any],
) -> None:
    lines = lines_of(raw)
    assert_a_person_can_act_on(lines, raw)
    assert SECRET not in "\n".join(lines)


@pytest.mark.soak
@given(st.dictionaries(st.one_of(st.sampled_from(sorted(VALID)), texts), texts, max_size=3))
def test_any_texts_of_a_configuration_are_settings_or_lines(given_texts: dict[str, str]) -> None:
    class Config:
        def get(self, key: str) -> str | None:
            return given_texts.get(key)

    lines = []
    try:
        Settings.load(Config(), {f"xnat-aiaa:{key}": "" for key in given_texts})
    except SettingsError as error:
        lines = str(error).split("\n")
    assert [line for line in lines if not line.isprintable() or ": " not in line] == []


def test_the_stack_file_that_is_changed_here_is_right() -> None:
    assert lines_of(json.loads(json.dumps(VALID))) == []
