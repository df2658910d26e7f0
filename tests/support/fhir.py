"""FHIR resources for tests: small, valid ones, to be bent by the test that needs it."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from services.ingest.fhir.mapping import read_resources
from services.ingest.fhir.profile import STANDARD, Profile

if TYPE_CHECKING:
    from services.ingest.fhir.verdicts import Mapped

Json = dict[str, Any]
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
NOW = {"lastUpdated": "2024-05-03T08:00:00Z"}
JANE: Json = {"identifier": {"system": "urn:oid:1.2.3", "value": "12345"}}
"""A reference to the patient by her identifier."""
JANE_ID = "urn:oid:1.2.3|12345"
_NUMBER = re.compile(r'"\\u0000([^"]+)"')


def encoded(resource: object) -> bytes:
    """JSON in which a Decimal is a number with all its digits; None leaves a field out."""
    marked = json.dumps(_without_gaps(resource), default=lambda number: f"\0{number}")
    return _NUMBER.sub(r"\1", marked).encode()


def _without_gaps(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_gaps(item) for name, item in value.items() if item is not None}
    return [_without_gaps(item) for item in value] if isinstance(value, list) else value


def read(resource: object, profile: Profile = STANDARD) -> Mapped:
    """What the reader makes of it."""
    return read_resources(encoded(resource), profile)


def bundle(*resources: Json, kind: str = "collection", **fields: object) -> Json:
    """A Bundle whose entries have no `fullUrl`."""
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": kind, "entry": entries, **fields}


def concept(system: str, code: str, display: str | None = None) -> Json:
    """A CodeableConcept of one coding."""
    return {"coding": [{"system": system, "code": code, "display": display}]}


def quantity(value: object, unit: str | None = "ng/mL", **fields: object) -> Json:
    """A Quantity in UCUM."""
    known = {"unit": unit, "system": UCUM, "code": unit} if unit else {}
    return {"value": Decimal(value) if isinstance(value, str) else value, **known, **fields}


def psa(**changes: object) -> Json:
    """A PSA of 0.20 ng/mL."""
    return {
        "resourceType": "Observation",
        "id": "psa-1",
        "meta": NOW,
        "status": "final",
        "code": concept(LOINC, "2857-1"),
        "subject": JANE,
        "effectiveDateTime": "2024-05-02T07:30:00+02:00",
        "valueQuantity": quantity("0.20"),
        **changes,
    }
