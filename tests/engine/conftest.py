"""What tests on the real engines share."""

import os

import docker
import pytest
from docker.errors import DockerException

BASE_IMAGE = "xnat-aiaa-sandbox-base:current"


@pytest.fixture(scope="session")
def engine_with_image() -> docker.DockerClient:
    """The Docker engine that stacks use unless told otherwise, with the sandbox's base image in it."""
    try:
        client = docker.from_env(timeout=30)
        client.images.get(BASE_IMAGE)
    except DockerException as error:
        pytest.skip(f"needs a Docker engine with the image {BASE_IMAGE}: run `make test` ({error})")
    assert os.environ.get("DOCKER_HOST"), "bin/pulumi and this test must mean the same engine: run `make test`"
    return client
