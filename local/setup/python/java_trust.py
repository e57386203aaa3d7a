"""Writes a Java trust store with the certificates of a PEM file: for networks whose authority Java does not know.

Usage: java_trust.py PEM OUT. The store is PKCS 12 with the password ``changeit``, Java's own for what is not secret.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12


def main(pem: Path, out: Path) -> None:
    """Copy every certificate of `pem` into the store."""
    certificates = x509.load_pem_x509_certificates(pem.read_bytes())
    entries = [pkcs12.PKCS12Certificate(each, f"authority-{index}".encode()) for index, each in enumerate(certificates)]
    out.write_bytes(pkcs12.serialize_java_truststore(entries, BestAvailableEncryption(b"changeit")))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
