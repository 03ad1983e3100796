"""As much of a Docker engine as trials of containers ask for (clients/engine_probe.py): the SDK's objects, no HTTP."""

from __future__ import annotations

import io
import json
import tarfile
from types import SimpleNamespace
from typing import Any

from docker.errors import APIError, ImageNotFound


class ProbedEngine:
    """
    Args:
        says: against each container that is to start; empty if it would start.
        publishes: the running containers' ports, by name.
        info: what `docker info` answers.
    """

    def __init__(
        self,
        says: str = "",
        publishes: dict[str, int] | None = None,
        info: object = None,
    ) -> None:
        self.says = says
        self.asked: dict[str, Any] = {}
        self.left: list[str] = []
        found = [
            {"Names": [f"/{name}"], "Ports": [{"IP": "127.0.0.1", "PublicPort": port}]}
            for name, port in (publishes or {}).items()
        ]
        self.api = SimpleNamespace(containers=lambda: found, import_image_from_data=self._import)
        self.images = SimpleNamespace(remove=lambda name, **_: self.left.remove(name), get=self._get)
        self.containers = SimpleNamespace(create=self._create)
        self.info = lambda: {} if info is None else info

    def _import(self, archive: bytes, changes: list[str]) -> str:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            assert files.getnames() == []
        assert changes
        self.left.append("sha256:1")
        return json.dumps({"status": "sha256:1"}) + "\r\n"

    def _get(self, name: str) -> None:
        raise ImageNotFound(name)

    def _create(self, image: str, command: list[str], **options: Any) -> Any:
        self.asked = options
        self.left.append("container")

        def start() -> None:
            raise APIError("x", explanation=self.says or f'exec: "{command[0]}": no such file or directory')

        assert image
        return SimpleNamespace(start=start, remove=lambda **_: self.left.remove("container"))
