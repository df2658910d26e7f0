"""GET /metadata: what is taken in here, so that no sender has to try."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.ingest.fhir.mapping import READ

if TYPE_CHECKING:
    from services.ingest.rest.outcome import Json

_ABOUT: Final = (
    "Takes clinical results, treatments and events in, and follows them by published timing "
    "rules. Nothing can be read back: the sender's record is the record."
)
_SMART: Final = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_SENT: Final = (
    "A create with an identifier, or a PUT with an id, lets a correction find what it corrects. "
    "Deletions are not understood: send the status entered-in-error."
)


def capability(version: str, date: str, *, secured: bool) -> Json:
    """The CapabilityStatement.

    Args:
        version: of this software.
        date: since when it holds, a FHIR dateTime.
        secured: whether callers show tokens.
    """
    rest: dict[str, Any] = {
        "mode": "server",
        "resource": [_resource(kind) for kind in sorted(READ)],
        "interaction": [{"code": "transaction"}, {"code": "batch"}],
    }
    if secured:
        concept = {"coding": [{"system": _SMART, "code": "SMART-on-FHIR"}]}
        rest["security"] = {"service": [concept]}
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date,
        "kind": "instance",
        "software": {"name": "salvage-watch", "version": version},
        "implementation": {"description": _ABOUT},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [rest],
    }


def _resource(kind: str) -> Json:
    return {
        "type": kind,
        "documentation": _SENT,
        "interaction": [{"code": "create"}, {"code": "update"}],
        "versioning": "no-version",
        "readHistory": False,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalUpdate": True,
    }
