"""What was measured, for people and for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parent / "out" / "results.json"


@dataclass(frozen=True)
class Figure:
    """
    Attributes:
        name: as in the file of results; its last part is the unit, unless it is a ratio.
        promised: in words; "" for a figure that is there to understand the others.
        how: of what it is, in words.
    """

    name: str
    value: float
    promised: str
    how: str


def conditions() -> dict[str, str | int | float]:
    """Of the machine and the versions; `load` is the one-minute load average, what others did meanwhile included."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count() or 0,
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "kernel": platform.release(),
        **{package: version(package) for package in ("pulumi", "requests", "urllib3", "grpcio")},
    }


def write(figures: Iterable[Figure], remarks: Iterable[str]) -> None:
    """One flat object. `remarks` are why figures are missing."""
    found: dict[str, object] = {figure.name: round(figure.value, 3) for figure in figures}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found | conditions() | {"remarks": "; ".join(remarks)}, indent=2) + "\n")
