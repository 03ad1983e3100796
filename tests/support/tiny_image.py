"""A container image of a few megabytes out of the machine's own programs: no registry, no download."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile

_PROGRAMS = ("sh", "cat", "chmod", "mkdir", "mv", "sleep")


def tiny_image(scripts: dict[str, str]) -> bytes:
    """A tar of a root file system with a shell, a few programs, what they load, and scripts.

    Args:
        scripts: contents by absolute path; all executable.
    """
    files = {}
    for program in _PROGRAMS:
        found = shutil.which(program)
        assert found, f"this machine has no {program}"
        files[f"/bin/{program}"] = found
        # Lines of ldd: "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x...)", "/lib64/ld-linux-x86-64.so.2 (0x...)".
        loaded = subprocess.run(["ldd", found], capture_output=True, text=True, check=True).stdout
        files |= {library: library for library in re.findall(r"(/\S+) \(0x", loaded)}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as tar:
        for inside, outside in files.items():
            tar.add(outside, inside, recursive=False)
        for path, text in scripts.items():
            entry = tarfile.TarInfo(path)
            entry.mode, entry.size = 0o755, len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()
