"""What all parts of a stack file have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Keys and values, of which no key is unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
