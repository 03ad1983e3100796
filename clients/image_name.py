"""What an image's name says: `registry/repository:tag` or `registry/repository@sha256:...`.

Source: https://pkg.go.dev/github.com/distribution/reference, whose rules Docker follows.
"""

from __future__ import annotations

from dataclasses import dataclass

DOCKER_HUB = "docker.io"


@dataclass(frozen=True)
class ImageName:
    """
    Attributes:
        registry: the host in small letters, with its port if it has one; `docker.io` where the name has none.
        repository: without the registry, as it is written.
        reference: a tag, or a digest (`sha256:...`); `latest` where the name has neither.
        unqualified: the repository with the registry as it was written, as the engine takes it.
    """

    registry: str
    repository: str
    reference: str
    unqualified: str

    @property
    def by_digest(self) -> bool:
        return ":" in self.reference

    @classmethod
    def of(cls, image: str) -> ImageName:
        """
        Args:
            image: any text; the engine reports what is wrong with it.
        """
        name, _, digest = image.partition("@")
        # A colon before the last slash belongs to the registry's port.
        folder, slash, last = name.rpartition("/")
        last, _, tag = last.partition(":")
        name = f"{folder}{slash}{last}"
        registry, slash, rest = name.partition("/")
        has_registry = slash and ("." in registry or ":" in registry or registry == "localhost")
        if not has_registry:
            return cls(DOCKER_HUB, name, digest or tag or "latest", name)
        registry = DOCKER_HUB if registry.lower() == f"index.{DOCKER_HUB}" else registry.lower()
        return cls(registry, rest, digest or tag or "latest", name)
