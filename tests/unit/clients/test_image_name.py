"""What an image's name says, as Docker reads it."""

from __future__ import annotations

import pytest

from clients.image_name import ImageName

DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("image", "registry", "repository", "reference"),
    [
        ("nvcr.io/nvidia/clara-train-sdk:v4.0", "nvcr.io", "nvidia/clara-train-sdk", "v4.0"),
        ("NVCR.io/nvidia/x:1", "nvcr.io", "nvidia/x", "1"),
        ("registry.example.org:5000/aiaa", "registry.example.org:5000", "aiaa", "latest"),
        ("localhost/aiaa:1", "localhost", "aiaa", "1"),
        ("localhost:5000/team/aiaa:1", "localhost:5000", "team/aiaa", "1"),
        ("debian", "docker.io", "debian", "latest"),
        ("debian:bookworm-slim", "docker.io", "debian", "bookworm-slim"),
        ("nvidia/cuda:11", "docker.io", "nvidia/cuda", "11"),
        ("docker.io/nvidia/cuda:11", "docker.io", "nvidia/cuda", "11"),
        ("index.docker.io/nvidia/cuda:11", "docker.io", "nvidia/cuda", "11"),
        (f"nvcr.io/nvidia/x@{DIGEST}", "nvcr.io", "nvidia/x", DIGEST),
        (f"nvcr.io:443/nvidia/x:1@{DIGEST}", "nvcr.io:443", "nvidia/x", DIGEST),
    ],
)
def test_a_name_says_registry_repository_and_tag_or_digest(
    image: str, registry: str, repository: str, reference: str
) -> None:
    name = ImageName.of(image)
    assert (name.registry, name.repository, name.reference) == (registry, repository, reference)
    assert name.by_digest == image.endswith(DIGEST)
    # What the engine is given holds the registry as it was written, and neither tag nor digest.
    assert image.startswith(name.unqualified)
    assert "@" not in name.unqualified
