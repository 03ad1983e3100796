"""A server on an engine that is reached by TCP with TLS, and knows its clients by their certificates."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from clients.docker_engine import docker_engine
from clients.errors import Unreachable
from tests.support.docker_engine import DockerEngine, private_docker_engine
from tests.support.engine_certificates import Authority
from tests.support.idle_server import IMAGES, SCRIPTS
from tests.support.pulumi_stack import pulumi_stack


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    with private_docker_engine(nvidia_hook=False, tls=True) as engine:
        engine.add_image(*IMAGES, scripts=SCRIPTS)
        yield engine


def server(engine: DockerEngine, aiaa: HTTPServer, **keys: Any) -> dict[str, Any]:
    return {
        "docker": engine.tls_host,
        "gpus": [],
        "ulimits": {"memlock": None},
        "url": aiaa.url_for(""),
        **keys,
    }


def test_a_server_comes_stays_and_goes_by_the_certificates_of_the_stack_file_and_of_the_environment(
    engine: DockerEngine, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/v1/models").respond_with_json([])
    with pulumi_stack({"servers": {}}, name="tls", env={"REQUESTS_CA_BUNDLE": "/etc/hostname"}) as stack:
        # Relative to the project, so that state does not depend on the machine.
        shutil.copytree(engine.client_certificates, stack.folder / "certificates")
        stack.configure({"servers": {"main": server(engine, httpserver, docker_cert_path="certificates")}})
        stack.up()
        stack.require_no_changes()
        state = stack.resources()
        assert (
            state["Provider main-engine" if "Provider main-engine" in state else "docker main-engine"]["inputs"][
                "certPath"
            ]
            == "certificates"
        )
        before = {found.id for found in engine.client.containers.list(all=True)}
        shutil.rmtree(stack.folder / "certificates")
        stack.configure({"servers": {"main": server(engine, httpserver)}})
        stack.env.update(DOCKER_TLS_VERIFY="1", DOCKER_CERT_PATH=str(engine.client_certificates))
        stack.up()
        stack.require_no_changes()
        assert {found.id for found in engine.client.containers.list(all=True)} == before
        stack.destroy()
        assert engine.client.containers.list(all=True) == []


def test_plain_tcp_to_its_port_is_answered_with_what_is_missing(engine: DockerEngine) -> None:
    with pytest.raises(Unreachable) as caught, docker_engine(engine.tls_host):
        pass
    assert caught.value.line == (
        f"Docker engine {engine.tls_host} did not answer: Client sent an HTTP request to an HTTPS server: the engine "
        "requires TLS: set servers.X.docker_cert_path, or set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH"
    )


def test_an_engine_that_does_not_know_the_client_is_named_with_the_certificate(engine: DockerEngine) -> None:
    folder = engine.folder / "stranger"
    Authority("another").folder(folder)
    shutil.copy(engine.client_certificates / "ca.pem", folder)
    with pytest.raises(Unreachable) as caught, docker_engine(f"{engine.tls_host}?cert_path={folder}"):
        pass
    assert f"the engine does not accept {folder}/cert.pem" in caught.value.line
