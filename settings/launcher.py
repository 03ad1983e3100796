"""A user's start command for AIAA: it must pass on the options that this project adds, and must not set them itself."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence

# The options that components/clara_v4.py adds, and their keys in the stack file. AIAA uses the last of several.
_OURS = {
    "--workspace": "which this project sets: remove it, and set the key workspace",
    "--engine": "which this project sets: remove it, and set the key engine",
    "--triton_ip": "which this project sets, because Triton's name is fixed: remove it",
    "--triton_proto": "which this project sets: remove it, and set the key triton.proto",
    "--triton_start_timeout": "which this project sets: remove it, and set the key triton.start_timeout",
    "--triton_model_timeout": "which this project sets: remove it, and set the key triton.model_timeout",
    "--triton_verbose": "which this project sets: remove it, and set the key triton.verbose",
    "--admin_hosts": "which this project sets: remove it, and set the key admin_hosts",
}
_SHORT = {
    "w": _OURS["--workspace"],
    "b": "which puts AIAA into the background, so its container ends: remove it",
}
_AIAA = ("AIAA", "start_aiaa.sh", "start_aas.sh")
_SHELLS = ("sh", "bash", "dash", "ash", "ksh", "zsh", "busybox")
_LET_THROUGH = """sh -c 'exec AIAA start "$@"' aiaa"""


def wrong(command: str) -> str:
    """What is wrong with it, and what to do; "" if nothing.

    Args:
        command: as a shell takes it, with its quotes closed.
    """
    words = shlex.split(command)
    if any(re.fullmatch(r"[;&|<>]+|[0-9]?>.*|.*;", word) for word in words):
        return f"must be one command, without the shell characters ; & | < >: write a script as {_LET_THROUGH}"
    found = dict(_options(words))
    script, after = _script(words)
    if script is not None:
        found |= dict(_options(re.split(r"""[\s;&|(){}'"]+""", script)))
        if not found and (not re.search(r"\$[@*]|\$\{[@*]\}", script) or not after):
            return f"must pass on the options that this project adds: write it as {_LET_THROUGH}"
    return "; ".join(f"must not give {option}, {what}" for option, what in found.items())


def _options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Options that are ours, in any form that AIAA takes: argparse also knows a long one by its first letters
    (https://docs.python.org/3/library/argparse.html#argument-abbreviations-prefix-matching)."""
    of_aiaa = False
    for word in words:
        of_aiaa |= posixpath.basename(word) in _AIAA
        name = word.partition("=")[0]
        if name.startswith("--") and len(name) > 3:
            yield from ((name, what) for option, what in _OURS.items() if option.startswith(name))
        elif of_aiaa and (letters := re.fullmatch(r"-([a-z]+)(?:=.*)?|-(w).*", word)):
            given = letters[1] or letters[2]
            yield from ((f"-{letter}", what) for letter, what in _SHORT.items() if letter in given)


def _script(words: Sequence[str]) -> tuple[str | None, bool]:
    """The script of a shell's `-c`, and whether a word follows, which the shell takes for the script's name."""
    shell = False
    for place, word in enumerate(words):
        if shell and re.fullmatch(r"-[a-z]*c[a-z]*", word) and place + 1 < len(words):
            return words[place + 1], place + 2 < len(words)
        shell = shell or posixpath.basename(word) in _SHELLS
    return None, False
