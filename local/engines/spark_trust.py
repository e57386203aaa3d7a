"""Makes a Java trust store (PKCS12) from the certificates of a PEM file.

Usage: python -I spark_trust.py CERTIFICATES.pem STORE.p12 PASSWORD

The password protects nothing: a trust store holds public certificates, but Java asks for one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import (
    PKCS12Certificate,
    serialize_java_truststore,
)


def main(certificates: Path, store: Path, password: str) -> None:
    loaded = x509.load_pem_x509_certificates(certificates.read_bytes())
    named = [
        PKCS12Certificate(certificate, f"lab-{i}".encode())
        for i, certificate in enumerate(loaded)
    ]
    store.write_bytes(
        serialize_java_truststore(named, BestAvailableEncryption(password.encode()))
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
