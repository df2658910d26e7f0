"""What is answered: OperationOutcomes and the responses of Bundles. None of them quotes a value.

Source: FHIR R4, OperationOutcome and its issue types; RESTful API for the status codes (H).
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from schemas.deadletter import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.ingest.coding import Rejected

Json = dict[str, Any]
CONTENT_TYPE: Final = "application/fhir+json"
REASONS: Final = "urn:salvage-watch:reason"
_KINDS: Final = {
    Reason.TOO_LARGE: "too-long",
    Reason.TOO_DEEP: "too-costly",
    Reason.MISSING_FIELD: "required",
    Reason.NO_VALUE: "required",
    Reason.NO_SUBJECT: "required",
    Reason.UNMAPPED_PATIENT: "business-rule",
    Reason.UNKNOWN_SENDER: "forbidden",
    Reason.UNEXPECTED_RESOURCE: "not-supported",
    Reason.UNSUPPORTED_VALUE: "not-supported",
    Reason.UNKNOWN_MODIFIER: "not-supported",
    Reason.FOREIGN_REFERENCE: "not-supported",
    Reason.REFUSED_PROCESSING: "business-rule",
}
_OF_FORM: Final = frozenset(
    {Reason.EMPTY_INPUT, Reason.NOT_UTF8, Reason.MALFORMED_JSON, Reason.DUPLICATE_KEY}
)
_STATUSES: Final = {
    Reason.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Reason.TOO_DEEP: HTTPStatus.BAD_REQUEST,
    Reason.UNKNOWN_SENDER: HTTPStatus.FORBIDDEN,
} | dict.fromkeys(_OF_FORM, HTTPStatus.BAD_REQUEST)


def status_of(reason: Reason) -> HTTPStatus:
    """The status that answers a refusal: 422 unless its form is wrong already."""
    return _STATUSES.get(reason, HTTPStatus.UNPROCESSABLE_ENTITY)


def issue(kind: str, text: str, severity: str = "error") -> Json:
    """One issue; `text` must not hold anything that was sent."""
    return {"severity": severity, "code": kind, "details": {"text": text}}


def refusal(why: Rejected, severity: str = "error") -> Json:
    """Why a part was refused: the reason from the closed list, and its place."""
    kind = "structure" if why.reason in _OF_FORM else _KINDS.get(why.reason, "value")
    coded = {"system": REASONS, "code": why.reason.value}
    told: Json = {
        "severity": severity,
        "code": kind,
        "details": {"coding": [coded], "text": why.reason.sentence},
        "diagnostics": why.detail,
    }
    return told | ({"expression": [why.part]} if why.part else {})


def outcome(*issues: Json) -> Json:
    """An OperationOutcome."""
    return {"resourceType": "OperationOutcome", "issue": list(issues)}


def taken(text: str, warnings: Iterable[Rejected] = ()) -> Json:
    """An OperationOutcome of what was taken, with what of it could not be used."""
    refused = (refusal(why, "warning") for why in warnings)
    return outcome(issue("informational", text, "information"), *refused)


def response(status: HTTPStatus, about: Json) -> Json:
    """What became of one entry of a Bundle."""
    return {"response": {"status": f"{status.value} {status.phrase}", "outcome": about}}


def encoded(resource: Json) -> bytes:
    """The resource as JSON."""
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode()
