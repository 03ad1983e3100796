"""A tool cache of the test's own, and a PATH with nothing on it but what the test puts there."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import toolchain.__main__  # all of the set-up's modules
from toolchain import layout

Program = Callable[..., Path]
SetUp = Callable[..., "subprocess.Popen[str]"]

DEADLINE = 30  # seconds, for what takes a moment on a machine with nothing else to do


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


@pytest.fixture
def set_up(tmp_path: Path) -> Iterator[SetUp]:
    """Starts `python -m toolchain STEP ...` in a process of its own, after code that replaces parts of the set-up.

    The lock and the logs are below `tmp_path`; a running command's last line is shown each second.
    """
    prelude = f"""
import sys
from pathlib import Path
from toolchain import __main__ as main, apt, base_image, console, engine, layout, private_engine
layout.CACHE = layout.LOGS = Path({str(tmp_path)!r})
console._SIGN_OF_LIFE = 0
"""
    with contextlib.ExitStack() as undo:

        def start(code: str, *arguments: str) -> subprocess.Popen[str]:
            program = f"{prelude}{code}\nsys.argv[1:] = {list(arguments)}\nsys.exit(main.main())\n"
            process = undo.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                )
            )
            undo.callback(process.kill)
            timer = threading.Timer(DEADLINE, process.kill)
            timer.start()
            undo.callback(timer.cancel)
            return process

        yield start


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    """The first line it says that matches, or nothing if it ends before."""
    assert process.stdout is not None
    for line in process.stdout:
        if re.search(pattern, line):
            return line
    return ""
