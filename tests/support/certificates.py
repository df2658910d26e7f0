"""Certificates for tests: of authorities, and of those whom they vouch for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trustme
from cryptography.hazmat.primitives import serialization

if TYPE_CHECKING:
    from pathlib import Path


def authority(folder: Path, name: str) -> None:
    """One that signs: `name.pem` and `name.key`."""
    made = trustme.CA()
    made.cert_pem.write_to_path(folder / f"{name}.pem")
    made.private_key_pem.write_to_path(folder / f"{name}.key")


def certificate(folder: Path, name: str, issuer: str, host: str | None = None) -> None:
    """One that is signed by an authority: `name.pem` and `name.key`, of a host, else of `name`."""
    host = host or name
    signs = trustme.CA.from_pem(
        (folder / f"{issuer}.pem").read_bytes(), (folder / f"{issuer}.key").read_bytes()
    )
    made = signs.issue_cert(host, common_name=host)
    made.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
    key = serialization.load_pem_private_key(made.private_key_pem.bytes(), None)
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,  # the only one that a Kafka broker reads
            serialization.NoEncryption(),
        )
    )
