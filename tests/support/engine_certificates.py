"""Certificates of a Docker engine and of its clients, as `DOCKER_CERT_PATH` and `dockerd --tlsverify` take them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = timedelta(days=1)


class Authority:
    """One that signs for engines and clients."""

    def __init__(self, name: str = "engines") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        basic = x509.BasicConstraints(ca=True, path_length=None)
        self._own = self._builder(self._key, self._name).add_extension(basic, critical=True)

    def folder(self, folder: Path, *addresses: str, expired: bool = False) -> Path:
        """`ca.pem`, `cert.pem` and `key.pem`: an engine's with addresses, a client's without.

        Args:
            folder: made.
            addresses: IP addresses of the engine.
            expired: its time is over.
        """
        folder.mkdir(parents=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "engine" if addresses else "client")])
        usage = ExtendedKeyUsageOID.SERVER_AUTH if addresses else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = self._builder(key, name, ended=expired).add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if addresses:
            names = [x509.IPAddress(ip_address(address)) for address in addresses]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        (folder / "ca.pem").write_bytes(self._own.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))
        (folder / "cert.pem").write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "key.pem").write_bytes(pem)
        return folder

    def _builder(
        self, key: ec.EllipticCurvePrivateKey, name: x509.Name, *, ended: bool = False
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 3 * _DAY)
            .not_valid_after(now - _DAY if ended else now + _DAY)
        )
