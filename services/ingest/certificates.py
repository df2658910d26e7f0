"""Until when our own certificates are valid: one that expires ends a feed within a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import Gauge

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from prometheus_client import CollectorRegistry

_ENDPOINTS: Final = {"mllp": "tls_certificate", "fhir": "fhir_tls_certificate"}
"""The listeners, and the option by which each is given its certificate chain."""


def watch_certificates(args: argparse.Namespace, registry: CollectorRegistry) -> None:
    """Tell when the certificates expire that the listeners of these options begin with.

    A renewed file counts from the next start on, as it does for the listeners.
    """
    gauge = Gauge(
        "salvage_tls_certificate_expiry_timestamp_seconds",
        "end of the certificate that a listener began with",
        ["endpoint"],
        registry=registry,
    )
    for endpoint, option in _ENDPOINTS.items():
        path: Path | None = getattr(args, option, None)
        end = None if path is None else _end(path)
        if end is not None:
            gauge.labels(endpoint).set(end)


def _end(path: Path) -> float | None:
    """When the first certificate of a chain expires; None if it can't be read."""
    # Only for those who have certificates.
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415

    try:
        chain = load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        return None  # its listener says so
    return min(one.not_valid_after_utc for one in chain).timestamp()
