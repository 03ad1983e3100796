"""`plugins_dir: auto`: the folder of XNAT's host is found by its container's mounts, wherever a release of
xnat-docker-compose has put it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.engine.conftest import BASE_IMAGE
from tests.support.deploy_script import Failed, deploy
from tests.support.jars import viewer_jar
from tests.support.xnat_host import XnatHost, xnat_host

NEW = viewer_jar("3.7.2")
Contain = Callable[..., str]


@pytest.fixture
def host(tmp_path: Path, engine_with_image: docker.DockerClient) -> Iterator[XnatHost]:
    del engine_with_image
    with xnat_host(tmp_path, env={"DOCKER_HOST": os.environ["DOCKER_HOST"]}) as made:
        yield made


@pytest.fixture
def contain(engine_with_image: docker.DockerClient) -> Iterator[Contain]:
    """Makes a container, which need not run, with these mounts (place in it by folder); gives its name."""
    made = []

    def make(mounts: dict[Path, str], command: str = "true", **more: Any) -> str:
        name = f"plugins-dir-{secrets.token_hex(4)}"
        volumes = {str(folder): {"bind": place, "mode": "rw"} for folder, place in mounts.items()}
        made.append(engine_with_image.containers.create(BASE_IMAGE, command, name=name, volumes=volumes, **more))
        return name

    yield make
    for container in made:
        container.remove(force=True)


def wanted(host: XnatHost, **changes: object) -> dict[str, object]:
    jar = host.folder.parent / "new.jar"
    jar.write_bytes(NEW)
    return host.settings(version="3.7.2", jar=str(jar), plugins_dir="auto", **changes)


def test_a_mounted_plugins_folder_is_found(host: XnatHost, contain: Contain) -> None:
    other = host.folder / "logs"
    name = contain({other: "/data/xnat/home/logs", host.plugins: "/data/xnat/home/plugins"})
    deploy("install", wanted(host, container=name))
    assert host.jars() == {"ohif-viewer-3.7.2.jar": NEW}


def test_one_within_a_mounted_home_is_found_too_wherever_xnats_home_is(host: XnatHost, contain: Contain) -> None:
    name = contain({host.folder: "/srv/home"}, environment={"XNAT_HOME": "/srv/home"})
    deploy("install", wanted(host, container=name))
    assert host.jars() == {"ohif-viewer-3.7.2.jar": NEW}


def test_a_service_of_docker_compose_is_found_by_its_name(host: XnatHost, contain: Contain) -> None:
    service = f"xnat-web-{secrets.token_hex(4)}"
    label = {"com.docker.compose.service": service}
    contain({host.plugins: "/data/xnat/home/plugins"}, labels=label, command="sleep 60")
    with pytest.raises(Failed, match=f"there is no container {service}: name XNAT's in viewer_plugin.container"):
        deploy("install", wanted(host, container=service))  # it does not run
    docker.from_env().containers.list(all=True, filters={"label": f"com.docker.compose.service={service}"})[0].start()
    deploy("install", wanted(host, container=service))
    assert host.jars() == {"ohif-viewer-3.7.2.jar": NEW}


def test_a_container_that_has_no_such_mount_is_told(host: XnatHost, contain: Contain) -> None:
    name = contain({host.plugins: "/data/xnat/home/plugins-of-another"})
    told = rf"container {name} has no mount at /data/xnat/home/plugins: give the folder in viewer_plugin\.plugins_dir"
    with pytest.raises(Failed, match=told):
        deploy("install", wanted(host, container=name))
    assert host.jars() == {}
