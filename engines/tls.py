"""TLS with a client's certificate, in a folder as `DOCKER_CERT_PATH` names it: `ca.pem`, `cert.pem`, `key.pem`.

(https://docs.docker.com/engine/security/protect-access/.) Whoever may talk to an engine is root on its host, so an
engine on a network has to know its clients: all three files are needed.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from requests.adapters import HTTPAdapter

from engines.errors import NoEngine

_FILES = ("ca.pem", "cert.pem", "key.pem")


def problem(folder: str) -> str | None:
    """What is wrong with the files, as far as this can be seen without the engine; None if nothing is wrong.

    Args:
        folder: relative to the project's folder, or absolute.
    """
    path = Path(folder)
    for name in _FILES:
        try:
            (path / name).read_bytes()
        except OSError as error:
            return f"{path / name}: {error.strerror}"
    ca, cert, key = (path / name for name in _FILES)
    try:
        ssl.create_default_context(cafile=str(ca))
    except (ssl.SSLError, OSError):
        return f"{ca} is not a certificate in PEM format"
    try:
        _context().load_cert_chain(cert, key, password=_ask_nobody)
    except _Locked:
        return f"{key} has a pass phrase, and nobody can be asked for it: store it without one"
    except ssl.SSLError as error:
        mismatch = error.reason == "KEY_VALUES_MISMATCH"
        return f"{key} does not belong to {cert}" if mismatch else f"{cert} or {key} is not in PEM format"
    for file in (ca, cert):
        end = x509.load_pem_x509_certificates(file.read_bytes())[0].not_valid_after_utc
        if end < datetime.now(UTC):
            return f"{file} expired on {end:%Y-%m-%d}"
    return None


def adapter(folder: str) -> HTTPAdapter:
    """For `requests`.

    Raises:
        NoEngine: the files are wrong.
    """
    if wrong := problem(folder):
        raise NoEngine(wrong, "put the CA certificate of the engine and this client's certificate and key there")
    return _TlsAdapter(Path(folder))


class _TlsAdapter(HTTPAdapter):
    """Sets the certificates for each request: REQUESTS_CA_BUNDLE would override those of a session."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        ca, cert, key = (str(folder / name) for name in _FILES)
        self._files = {"verify": ca, "cert": (cert, key)}

    def send(self, request: Any, **options: Any) -> Any:  # type: ignore[override]
        return super().send(request, **{**options, **self._files})


class _Locked(Exception):
    pass


def _ask_nobody() -> str:
    raise _Locked


def _context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
