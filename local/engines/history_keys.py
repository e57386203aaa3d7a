"""Makes the keys of one history server: only who has the client's key can talk to it, and only to this server.

Usage: python -I history_keys.py FOLDER < PASSWORD

Writes server.p12 and clients.p12 for Java, client.pem (key and certificate) and server.pem for the one client. All stay
in FOLDER, which nobody else can read, and last for this instance.
"""

from __future__ import annotations

import datetime
import os
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import (
    PKCS12Certificate,
    serialize_java_truststore,
    serialize_key_and_certificates,
)
from cryptography.x509.oid import NameOID

_DAYS = 3650


def main(folder: Path, password: bytes) -> None:
    server_key, server = _pair("sparklab history server")
    client_key, client = _pair("sparklab cloud")
    secret = BestAvailableEncryption(password)
    _write(
        folder / "server.p12",
        serialize_key_and_certificates(b"server", server_key, server, None, secret),
    )
    _write(
        folder / "clients.p12",
        serialize_java_truststore([PKCS12Certificate(client, b"client")], secret),
    )
    key = client_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(folder / "client.pem", key + client.public_bytes(Encoding.PEM))
    _write(folder / "server.pem", server.public_bytes(Encoding.PEM))


def _pair(name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(
        subject, subject, key.public_key(), x509.random_serial_number()
    )
    builder = builder.not_valid_before(now - datetime.timedelta(hours=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=_DAYS))
    builder = builder.add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    builder = builder.add_extension(
        x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False
    )
    return key, builder.sign(key, SHA256())


def _write(file: Path, content: bytes) -> None:
    with os.fdopen(
        os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"
    ) as stream:
        stream.write(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.stdin.buffer.read())
