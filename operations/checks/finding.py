"""One line of `bin/aiaa doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """
    Attributes:
        level: `wrong`: the stack could not come up. `warning`: it may not, or it cannot be told from here.
        what: was looked at.
        told: what is so; for a warning or what is wrong, also what to do.
    """

    level: Literal["ok", "warning", "wrong"]
    what: str
    told: str
