"""`sandbox`: the stand-ins of a development stack."""

from __future__ import annotations

from typing import ClassVar

from settings.strict import Strict
from settings.values import Port, ProjectId


class SandboxXnat(Strict):
    """The stand-in for a hospital's XNAT, with demonstration projects."""

    demo_login: ClassVar[str] = "admin / admin"  # the published account of a freshly installed XNAT

    port: Port = 8080
    projects: tuple[ProjectId, ...] = ("SPLEEN", "LIVER")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Sandbox(Strict):
    """Development stacks only: stand-ins for NVIDIA's images, and for XNAT if it is named."""

    xnat: SandboxXnat | None = None
