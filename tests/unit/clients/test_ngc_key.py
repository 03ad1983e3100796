"""Where the key for NGC is taken from."""

from __future__ import annotations

from pathlib import Path

import pytest

from clients.errors import ClientError
from clients.ngc_key import Key, find_key

STORED = """;WARNING - This is a machine generated file.  Do not edit manually.

[CURRENT]
apikey = of-the-file%1
format_type = ascii
org = hospital
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("NGC_CLI_API_KEY", "NGC_API_KEY", "NGC_CLI_HOME", "NGC_CLI_ORG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def store(home: Path, text: str = STORED) -> Path:
    (home / ".ngc").mkdir()
    path = home / ".ngc/config"
    path.write_text(text)
    return path


def test_without_any_there_is_none() -> None:
    assert find_key() is None


def test_the_stored_one_is_found_with_its_organization(home: Path) -> None:
    store(home)
    assert find_key() == Key("of-the-file%1", "hospital")


def test_the_home_folder_of_nvidias_tools_is_where_their_variable_says(
    home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(home)
    other = tmp_path_factory.mktemp("other")
    monkeypatch.setenv("NGC_CLI_HOME", str(other))
    assert find_key() is None
    store(other)
    assert find_key() == Key("of-the-file%1", "hospital")


def test_what_is_nearer_goes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(home)
    monkeypatch.setenv("NGC_API_KEY", "of-the-second")
    assert find_key() == Key("of-the-second", "hospital")
    monkeypatch.setenv("NGC_CLI_API_KEY", "of-the-first")
    assert find_key() == Key("of-the-first", "hospital")
    monkeypatch.setenv("MINE", "of-mine")
    assert find_key(None, "MINE") == Key("of-mine", "hospital")
    assert find_key("secret\n", "MINE") == Key("secret", "hospital")
    monkeypatch.setenv("NGC_CLI_ORG", "other")
    assert find_key("secret") == Key("secret", "other")


def test_a_variable_that_is_named_and_not_set_is_told(home: Path) -> None:
    store(home)
    with pytest.raises(ClientError, match="MINE is not set"):
        find_key(None, "MINE")


@pytest.mark.parametrize("text", ["apikey = nobody-sees-this", "[CURRENT]\nnobody-sees-this", "[CURRENT]\n[CURRENT]\n"])
def test_a_broken_file_is_told_without_what_is_in_it(home: Path, text: str) -> None:
    path = store(home, text)
    with pytest.raises(ClientError) as caught:
        find_key()
    assert f"{path} cannot be read" in caught.value.line
    assert "nobody-sees-this" not in caught.value.line


def test_a_file_without_a_key_has_none(home: Path) -> None:
    store(home, "[CURRENT]\nformat_type = json\n")
    assert find_key() is None


def test_a_key_is_not_shown_where_it_is_printed() -> None:
    assert "secret" not in repr(Key("secret", "hospital"))
