"""Who listens on a port, by what /proc says: whatever that is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clients import listener

LINE = (
    "   0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0"
)
OTHER = LINE.replace("1388", "1389").replace("4711", "4712")


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(listener, "_PROC", tmp_path)
    (tmp_path / "7" / "net").mkdir(parents=True)
    (tmp_path / "7" / "fd").mkdir()
    (tmp_path / "7" / "fd" / "3").symlink_to("socket:[4711]")
    (tmp_path / "7" / "comm").write_bytes(b"ngi\xffnx\x1b\n")
    return tmp_path


def test_a_process_is_named_even_if_its_name_is_not_text(proc: Path) -> None:
    (proc / "7" / "net" / "tcp").write_text(f"  sl  local_address\n{OTHER}\n{LINE}\n")
    inodes = list(listener._inodes(7, "127.0.0.1", 5000))
    assert inodes == ["4711"]
    assert listener._owner({"socket:[4711]"}) == "ngi\N{REPLACEMENT CHARACTER}nx? (pid 7)"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(st.text(max_size=20), st.lists(st.sampled_from([*LINE.split(), "", "zz:zz", "0A"])).map(" ".join)),
        max_size=4,
    )
)
def test_lines_of_any_kind_are_ignored(proc: Path, lines: list[str]) -> None:
    text = "\n".join(["head", *lines, LINE])
    (proc / "7" / "net" / "tcp").write_text(text, errors="replace")
    assert "4711" in list(listener._inodes(7, "127.0.0.1", 5000))
