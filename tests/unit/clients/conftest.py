"""The clients without their pauses: between repetitions, and between two looks at a server."""

from __future__ import annotations

import pytest
from tenacity import wait_none


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clients.transport.wait_random_exponential", lambda **_: wait_none())
    monkeypatch.setattr("clients.transport._POLL", 0.02)
    monkeypatch.setattr("clients.aiaa._POLL", 0.02)
