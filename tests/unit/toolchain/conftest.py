"""A tool cache of the test's own, and a PATH with nothing on it but what the test puts there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import toolchain.__main__  # all of the set-up's modules
from toolchain import layout

Program = Callable[..., Path]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every path below `.toolchain` that a module of the set-up holds is one below this folder."""
    ours = layout.CACHE
    there = tmp_path / "cache"
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] == toolchain.__name__]
    for module in modules:
        for name, value in list(vars(module).items()):
            if isinstance(value, Path) and value.is_relative_to(ours):
                monkeypatch.setattr(module, name, there / value.relative_to(ours))
    return there


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Puts a shell script on a PATH that has nothing else, not even the shell's own tools."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(name: str, script: str = "exit 0", below: str = "") -> Path:
        file = folder / below / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/bash\n{script}\n")
        file.chmod(0o755)
        return file

    return put
