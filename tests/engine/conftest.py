"""What tests on the real engines share."""

import os

import docker
import pytest

pytest.register_assert_rewrite("tests.support.deployment")  # so that its assertions tell the values

BASE_IMAGE = "xnat-aiaa-sandbox-base:current"


@pytest.fixture(scope="session")
def engine_with_image() -> docker.DockerClient:
    """The Docker engine that stacks use unless told otherwise, with the sandbox's base image in it."""
    if not os.environ.get("DOCKER_HOST"):
        pytest.skip(f"needs DOCKER_HOST to name an engine with the image {BASE_IMAGE}: run `make test`")
    client = docker.from_env(timeout=30)
    client.images.get(BASE_IMAGE)  # missing, it is an error: `make test` has made it
    return client
