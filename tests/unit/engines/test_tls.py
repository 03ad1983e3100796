"""Engines with TLS: what the files must be, and what each failure is called. The engine is a plain TLS server."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from pytest_httpserver import HTTPServer

from clients.docker_engine import docker_engine
from clients.errors import Unreachable
from engines import tls
from tests.support.engine_certificates import Authority

LOCALHOST = "127.0.0.1"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def client(authority: Authority, tmp_path: Path) -> Path:
    return authority.folder(tmp_path / "client")


@pytest.fixture
def engine() -> Iterator[Callable[[Path], str]]:
    """Starts one with the certificate of a folder, which wants clients of the same authority; gives its address."""
    running: list[HTTPServer] = []

    def start(folder: Path) -> str:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca.pem"))
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        server = HTTPServer(host=LOCALHOST, ssl_context=context)
        server.expect_request("/version").respond_with_json({"ApiVersion": "1.44"})
        server.start()
        running.append(server)
        return f"tcp://{LOCALHOST}:{server.port}"

    yield start
    for server in running:
        server.stop()


def line(address: str) -> str:
    """The error."""
    with pytest.raises(Unreachable) as caught, docker_engine(address):
        pass
    assert len(caught.value.line.splitlines()) == 1
    return caught.value.line


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_authority_is_the_engines_own_whatever_other_clients_trust(
    engine: Callable[[Path], str],
    client: Path,
    authority: Authority,
    tmp_path: Path,
    variable: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = engine(authority.folder(tmp_path / "server", LOCALHOST))
    monkeypatch.setenv(variable, str(Authority("another").folder(tmp_path / "another") / "ca.pem"))
    with docker_engine(f"{address}?cert_path={client}") as found:
        assert found.api.api_version == "1.44"


def test_the_variables_of_the_docker_cli_are_enough(
    engine: Callable[[Path], str],
    client: Path,
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine(authority.folder(tmp_path / "server", LOCALHOST)))
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(client))
    with docker_engine(None) as found:
        assert found.api.api_version == "1.44"


def test_an_engine_of_another_authority_is_not_trusted(
    engine: Callable[[Path], str], client: Path, tmp_path: Path
) -> None:
    address = engine(Authority("another").folder(tmp_path / "server", LOCALHOST))
    assert f"not signed by the authority in {client}/ca.pem" in line(f"{address}?cert_path={client}")


def test_an_engine_whose_certificate_has_expired_is_reported(
    engine: Callable[[Path], str], client: Path, authority: Authority, tmp_path: Path
) -> None:
    address = engine(authority.folder(tmp_path / "server", LOCALHOST, expired=True))
    assert "certificate has expired" in (message := line(f"{address}?cert_path={client}"))
    assert message.endswith("renew it on its host")


def test_an_engine_with_a_certificate_for_another_address_is_named(
    engine: Callable[[Path], str], client: Path, authority: Authority, tmp_path: Path
) -> None:
    address = engine(authority.folder(tmp_path / "server", "127.0.0.2"))
    assert "the engine's certificate is for other names" in line(f"{address}?cert_path={client}")


def test_a_client_that_the_engine_does_not_know_is_named(
    engine: Callable[[Path], str], authority: Authority, tmp_path: Path
) -> None:
    address = engine(authority.folder(tmp_path / "server", LOCALHOST))
    stranger = Authority("another").folder(tmp_path / "stranger")
    (stranger / "ca.pem").write_bytes((tmp_path / "server" / "ca.pem").read_bytes())
    assert f"accept {stranger}/cert.pem" in line(f"{address}?cert_path={stranger}")


def test_certificates_for_an_engine_without_tls_are_named(httpserver: HTTPServer, client: Path) -> None:
    address = f"tcp://{httpserver.host}:{httpserver.port}"
    assert "that port does not speak TLS" in line(f"{address}?cert_path={client}")


def test_plain_tcp_to_an_engine_with_tls_is_named(
    engine: Callable[[Path], str], authority: Authority, tmp_path: Path
) -> None:
    assert "if it requires TLS, set servers.X.docker_cert_path" in line(
        engine(authority.folder(tmp_path / "server", LOCALHOST))
    )


def lock(key: Path) -> None:
    pem = load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(pem.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "ca.pem").unlink(), "{folder}/ca.pem: No such file or directory"),
        (lambda folder: (folder / "key.pem").unlink(), "{folder}/key.pem: No such file or directory"),
        (lambda folder: (folder / "ca.pem").write_text("text"), "{folder}/ca.pem is not a certificate in PEM format"),
        (
            lambda folder: (folder / "cert.pem").write_text("text"),
            "{folder}/cert.pem or {folder}/key.pem is not in PEM format",
        ),
        (
            lambda folder: (folder / "key.pem").write_text(""),
            "{folder}/cert.pem or {folder}/key.pem is not in PEM format",
        ),
        (lambda folder: lock(folder / "key.pem"), "{folder}/key.pem has a pass phrase, and nobody can be asked for it"),
        (
            lambda folder: (folder / "key.pem").write_bytes(
                (Authority().folder(folder / "other") / "key.pem").read_bytes()
            ),
            "{folder}/key.pem does not belong to {folder}/cert.pem",
        ),
    ],
)
def test_what_is_wrong_with_the_files_is_reported_before_any_connection(
    client: Path, spoil: Callable[[Path], object], says: str
) -> None:
    assert tls.problem(str(client)) is None
    spoil(client)
    message = tls.problem(str(client))
    assert message is not None
    assert message.startswith(says.format(folder=client))
    assert message in line(f"tcp://{LOCALHOST}:1?cert_path={client}")


def test_a_clients_certificate_that_has_expired_is_reported_before_any_connection(
    authority: Authority, tmp_path: Path
) -> None:
    folder = authority.folder(tmp_path / "old", expired=True)
    message = tls.problem(str(folder))
    assert message is not None
    assert message.startswith(f"{folder}/cert.pem expired on 20")
