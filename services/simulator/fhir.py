"""A cohort as FHIR R4: a transaction Bundle for each message, one a line.

Results are Observation, imaging DiagnosticReport, doses MedicationAdministration, other steps of
treatment Procedure, registration Patient. An identifier carries the fact's id and is the same in
all its versions; `meta.lastUpdated` says when a version was released. What R4 has no element for
(course, line, cycle, response category) is in extensions named `urn:salvage-watch:*`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from schemas.base import digest
from schemas.events import ImagingReport, Observation, Patient, Phase, Status, Treatment
from services.simulator.codes import loinc, title

if TYPE_CHECKING:
    from datetime import date, datetime

    from schemas.partial import PartialDate
    from services.simulator.delivery import AnyEvent, Dispatch

OURS = "urn:salvage-watch"
_UCUM = "http://unitsofmeasure.org"
_LOINC = "http://loinc.org"
_DONE = {
    Phase.PLANNED: "preparation",
    Phase.STARTED: "in-progress",
    Phase.ADMINISTERED: "completed",
    Phase.HELD: "on-hold",
    Phase.REDUCED: "in-progress",
    Phase.COMPLETED: "completed",
    Phase.STOPPED: "stopped",
}
_NUMBER = re.compile(r'"\\u0000([^"]+)"')

Json = dict[str, object]


def bundles(dispatches: Iterable[Dispatch]) -> Iterator[bytes]:
    """One transaction Bundle a dispatch, as a line of JSON."""
    for dispatch in dispatches:
        entries = [entry for event in dispatch.events for entry in _entries(event)]
        bundle: Json = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        yield (_text(bundle) + "\n").encode()


def _text(resource: Json) -> str:
    """Compact JSON in which decimals are numbers with all the laboratory's digits.

    FHIR R4 section 2.24.0.1: the precision of a decimal has meaning, 0.20 is not 0.2. The standard
    encoder would go through a binary float, so numbers travel as marked text and are unquoted.
    """
    plain = json.dumps(_without_gaps(resource), separators=(",", ":"), default=_marked)
    return _NUMBER.sub(r"\1", plain)


def _marked(value: object) -> str:
    if isinstance(value, Decimal):
        return f"\0{value:f}"
    raise TypeError("not a value of JSON")


def _without_gaps(value: object) -> object:
    if isinstance(value, Mapping):
        return {k: _without_gaps(v) for k, v in value.items() if v is not None and v != []}
    return [_without_gaps(item) for item in value] if isinstance(value, list) else value


def _entries(event: AnyEvent) -> list[Json]:
    resource = _resource(event)
    kind = resource["resourceType"]
    key = f"{OURS}:fact|{event.event_id}" if kind != "Patient" else _patient_key(event)
    request = {"method": "PUT", "url": f"{kind}?identifier={key}"}
    return [{"fullUrl": f"urn:uuid:{_uuid(event)}", "resource": resource, "request": request}]


def _uuid(event: AnyEvent) -> str:
    """An id from the content, so that the same version always has the same."""
    text = digest(event.event_id, event.status.value, str(event.issued_at))
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _patient_key(event: AnyEvent) -> str:
    authority, _, number = event.patient_id.partition("|")
    return f"{OURS}:patients:{authority}|{number}"


def _subject(event: AnyEvent) -> Json:
    authority, _, number = event.patient_id.partition("|")
    system = f"{OURS}:patients:{authority}"
    return {"type": "Patient", "identifier": {"system": system, "value": number}}


def _common(kind: str, event: AnyEvent) -> Json:
    return {
        "resourceType": kind,
        "meta": {"lastUpdated": _when(event.issued_at), "source": f"{OURS}:{event.source}"},
        "identifier": [{"system": f"{OURS}:fact", "value": event.event_id}],
    }


def _when(at: date | datetime | PartialDate | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def _resource(event: AnyEvent) -> Json:
    match event:
        case Observation():
            return _observation(event)
        case ImagingReport():
            return _report(event)
        case Treatment():
            return _treatment(event)
        case Patient():
            return _person(event)
        case _:
            raise ValueError("type: no FHIR resource of the simulator carries it")


def _observation(event: Observation) -> Json:
    coded = {"coding": [{"system": f"{OURS}:finding", "code": event.value_code}]}
    return {
        **_common("Observation", event),
        "status": event.status.value,
        "code": _code(event),
        "subject": _subject(event),
        "effectiveDateTime": _when(event.effective_at),
        "issued": _when(event.issued_at),
        "valueQuantity": None if event.value is None else _quantity(event.value, event),
        "valueCodeableConcept": coded if event.value_code else None,
        "referenceRange": _range(event),
    }


def _code(event: Observation) -> Json:
    key = event.analyte or ""
    code = loinc(key, event.unit)
    system, code = (_LOINC, code) if code else (f"{OURS}:analyte", key)
    return {"coding": [{"system": system, "code": code, "display": title(key)}]}


def _quantity(value: Decimal, event: Observation) -> Json:
    comparator = event.comparator.value if event.comparator else None
    return {"value": value, "comparator": comparator, **_unit(event)}


def _unit(event: Observation) -> Json:
    if event.unit is None:
        return {}
    return {"unit": event.unit, "system": _UCUM, "code": event.unit}


def _range(event: Observation) -> list[Json]:
    limits = (("low", event.reference_low), ("high", event.reference_high))
    unit = _unit(event)
    known: Json = {end: {"value": value, **unit} for end, value in limits if value is not None}
    return [known] if known else []


def _report(event: ImagingReport) -> Json:
    verdict = {
        "criteria": event.criteria,
        "response": event.response,
        "deauville": event.deauville,
        "sum-mm": event.sum_of_diameters_mm,
        "new-lesions": event.new_lesions,
        "timepoint": event.timepoint,
    }
    modality = {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": event.modality}
    return {
        **_common("DiagnosticReport", event),
        "extension": [_extension("imaging-verdict", verdict)],
        "status": event.status.value,
        "category": [{"coding": [modality]}] if event.modality else [],
        "code": {"text": f"Imaging report {event.modality or ''}".strip()},
        "subject": _subject(event),
        "effectiveDateTime": _when(event.effective_at),
        "issued": _when(event.issued_at),
    }


def _treatment(event: Treatment) -> Json:
    drug = event.modality not in ("surgery", "radiotherapy", "procedure", "transplant")
    what = {"text": event.regimen or event.modality}
    status = "entered-in-error" if event.status.withdraws else _DONE[event.phase]
    own: Json = {"status": status, "subject": _subject(event), "extension": [_course(event)]}
    if drug and event.phase is Phase.ADMINISTERED:
        common = _common("MedicationAdministration", event)
        when = _when(event.effective_at)
        return {**common, **own, "medicationCodeableConcept": what, "effectiveDateTime": when}
    common = _common("Procedure", event)
    return {**common, **own, "code": what, "performedDateTime": _when(event.effective_at)}


def _course(event: Treatment) -> Json:
    return _extension(
        "treatment",
        {
            "course-id": event.course_id,
            "condition": event.condition,
            "modality": event.modality,
            "regimen": event.regimen,
            "line": event.line,
            "intent": event.intent,
            "phase": event.phase.value,
            "cycle": event.cycle,
            "planned-cycles": event.planned_cycles,
            "reason": event.reason,
            "drug-class": event.drug_classes,
        },
    )


def _person(event: Patient) -> Json:
    goals = [_simple("goals-of-care", event.goals_of_care)] if event.goals_of_care else []
    return {
        **_common("Patient", event),
        "identifier": [_subject(event)["identifier"]],
        "extension": [*goals, _simple("fact", event.event_id)],
        "active": event.status is not Status.ENTERED_IN_ERROR,
        "birthDate": _when(event.birth_date),
        "gender": event.sex,
        "deceasedDateTime": _when(event.deceased_at),
    }


def _extension(name: str, parts: Mapping[str, object]) -> Json:
    """A complex extension: one part for each value, several for a list."""
    inner = [
        _simple(part, item)
        for part, value in parts.items()
        for item in (value if isinstance(value, tuple) else (value,))
        if item is not None
    ]
    return {"url": f"{OURS}:{name}", "extension": inner}


def _simple(name: str, value: object) -> Json:
    match value:
        case int():
            return {"url": f"{OURS}:{name}", "valueInteger": value}
        case Decimal():
            return {"url": f"{OURS}:{name}", "valueDecimal": value}
        case _:
            return {"url": f"{OURS}:{name}", "valueString": str(value)}
