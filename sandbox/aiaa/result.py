"""What an inference yields, whichever kind of model it was."""

from dataclasses import dataclass
from typing import Any

from sandbox.aiaa.images import Image


@dataclass(frozen=True)
class Result:
    """What a writer gets: a mask in the input's grid, if the model makes one, and the JSON result."""

    image: Image | None
    params: dict[str, Any]
