"""Procedures, medications and plans become steps of treatment.

R4 has no element for "second cycle of the second line of this course": our extension carries it.
Without it a step is read where the resource says enough by itself, as mCODE's radiotherapy summary
and surgical procedure do; else it is ignored with a reason. A course is never made up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from schemas.deadletter import Reason
from schemas.events import Phase, Status, Treatment
from services.ingest.coding import Notice, Refused
from services.ingest.fhir.concepts import SNOMED, codings, mapped, told
from services.ingest.fhir.diagnoses import conditions_of
from services.ingest.fhir.elements import profiles
from services.ingest.fhir.extensions import fields_of, parts
from services.ingest.fhir.identity import plan_of
from services.ingest.fhir.radiation import radiation
from services.ingest.fhir.times import Span, effective, span
from services.ingest.fhir.values import unit_of
from services.ingest.fhir.verdicts import Ignored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.events import Event
    from schemas.partial import Effective
    from services.ingest.fhir.context import Context
    from services.ingest.fhir.document import Entry
    from services.ingest.fhir.elements import Element

_FIELDS: Final = {
    "course-id": "course_id",
    "condition": "condition",
    "modality": "modality",
    "regimen": "regimen",
    "line": "line",
    "intent": "intent",
    "phase": "phase",
    "cycle": "cycle",
    "planned-cycles": "planned_cycles",
    "reason": "reason",
    "drug-class": "drug_classes",
    "drug": "drug",
    "dose": "dose",
    "dose-unit": "dose_unit",
    "dose-level": "dose_level",
}
_PHASES: Final = {
    "preparation": Phase.PLANNED,
    "intended": Phase.PLANNED,
    "in-progress": Phase.STARTED,
    "on-hold": Phase.HELD,
    "stopped": Phase.STOPPED,
    "completed": Phase.COMPLETED,
}
_OF_KIND: Final = {
    # One dose, be it halted: that a dose was halted does not say that the course was.
    "MedicationAdministration": dict.fromkeys(
        ("in-progress", "on-hold", "stopped", "completed"), Phase.ADMINISTERED
    ),
    "MedicationRequest": {"active": Phase.PLANNED, "completed": Phase.PLANNED},
    "MedicationStatement": {"active": Phase.STARTED},
}
"""Where a status means something else than for a Procedure."""
_NOTHING_DONE: Final = frozenset({"not-done", "not-taken", "draft", "revoked"})
_WITHDRAWN: Final = {
    "entered-in-error": Status.ENTERED_IN_ERROR,
    "cancelled": Status.CANCELLED,
}
_PROFILES: Final = {
    "mcode-radiotherapy-course-summary": "radiotherapy",
    "mcode-cancer-related-surgical-procedure": "surgery",
    "mcode-cancer-related-radiation-procedure": "radiotherapy",
}
_MODALITIES: Final = {(SNOMED, "1217123003"): "radiotherapy"}  # mCODE's course summary (H)
_INTENTS: Final = {"373808002": "curative", "363676003": "palliative"}
"""SNOMED CT intents of mCODE's value set (H); "supportive" is none of a course's."""
_NO_LONGER: Final = frozenset({"on-hold", "stopped"})


def read_treatment(entry: Entry, context: Context) -> Iterator[Event | Notice | Ignored]:
    """Read a Procedure, a medication resource or a CarePlan.

    Raises:
        Refused: no patient, no time, an unknown status, or no course for a known treatment.
        ValidationError: a field that is not what it should be.
    """
    resource = entry.resource
    said = parts(resource, "treatment")
    status = _status(resource)
    if said is not None:
        own = dict(fields_of(said, _FIELDS, frozenset({"drug_classes"})))
        times = _times(resource)
        at = times.start or times.end if times is not None else None
        yield from _step(entry, context, status, at, own)
    elif entry.kind == "CarePlan":
        yield Ignored(Reason.NOT_A_RESULT, "a plan; what is done of it is told elsewhere")
    elif resource.text("status") in _NOTHING_DONE or resource.boolean("doNotPerform"):
        yield Ignored(Reason.NOT_A_RESULT, "a treatment that was not given")
    else:
        yield from _derived(entry, context, status)


def _status(resource: Element) -> Status:
    return _WITHDRAWN.get(resource.text("status") or "", Status.FINAL)


def _times(resource: Element) -> Span | None:
    """When it was done: `performed[x]` or `effective[x]`, else when it was ordered."""
    found = span(resource, "performed") or span(resource, "effective")
    if found is None:
        ordered = effective(resource, "authoredOn")
        found = Span(ordered, ordered) if ordered else None
    return found


def _step(
    entry: Entry,
    context: Context,
    status: Status,
    at: Effective | None,
    fields: dict[str, Any],
    *names: object,
) -> Iterator[Event | Notice]:
    head = context.head(entry, "treatment", *names)
    yield from head.notices
    if at is None:
        raise Refused(Reason.MISSING_FIELD, "no time", entry.resource.where("performed[x]"))
    yield Treatment(**head.fields, status=status, effective_at=at, **fields)


def _derived(entry: Entry, context: Context, status: Status) -> Iterator[Event | Notice | Ignored]:
    """What a resource without our extension says, if it says enough."""
    modality = _modality(entry, context)
    if modality is None:
        yield Ignored(Reason.UNMAPPED_CODE, "procedure or medication: no treatment that we know")
        return
    reasons = conditions_of(entry, context)
    condition = next(filter(None, reasons), None)
    if not reasons:
        where = entry.resource.where("reasonCode")
        raise Refused(Reason.MISSING_FIELD, "it does not say what is treated", where)
    if condition is None:
        yield Ignored(Reason.UNMAPPED_CODE, "treatment of a condition that we don't know")
        return
    fields = {
        "course_id": _course(entry, context, modality),
        "condition": condition,
        **_kind(entry.resource, modality),
        "intent": _intent(entry.resource),
        "reason": told(entry.resource.one("statusReason")) if entry.kind == "Procedure" else None,
        **_drug(entry, context),
    }
    yield from _steps(entry, context, status, fields)


def _steps(
    entry: Entry, context: Context, status: Status, fields: dict[str, Any]
) -> Iterator[Event | Notice]:
    """The step that the status names; of a course that is over also its beginning.

    Raises:
        Refused: an unknown status, or a course that ended nobody knows when.
    """
    phase = _phase(entry)
    times = _times(entry.resource) or Span(None, None)
    over = phase in (Phase.COMPLETED, Phase.STOPPED) and fields["modality"] != "surgery"
    at = times.end if over else times.start or times.end
    yield from _step(entry, context, status, at, fields | {"phase": phase})
    # What is taken back may have been told when it was over: then both steps were.
    if times.start and (status.withdraws or (over and times.start != times.end)):
        began = fields | {"phase": Phase.STARTED, "reason": None}
        yield from _step(entry, context, status, times.start, began, "started")


def _kind(resource: Element, modality: str) -> dict[str, Any]:
    """The modality, and what its regimen is called where the resource tells."""
    if modality != "radiotherapy":
        return {"modality": modality}
    found = radiation(resource)
    return {"modality": found.modality, "regimen": found.regimen}


def _phase(entry: Entry) -> Phase:
    text = entry.resource.text("status") or ""
    if text in _WITHDRAWN:
        return Phase.STARTED  # of a step that is taken back it does not matter
    if entry.kind == "MedicationRequest" and text in _NO_LONGER:
        where = entry.resource.where("status")
        detail = "an order no longer holds, but not since when; send a MedicationStatement"
        raise Refused(Reason.MISSING_FIELD, detail, where)
    phase = (_PHASES | _OF_KIND.get(entry.kind, {})).get(text)
    if phase is None:
        where = entry.resource.where("status")
        raise Refused(Reason.BAD_STATUS, "missing, unknown or not one of FHIR's", where)
    return phase


def _modality(entry: Entry, context: Context) -> str | None:
    """The kind of treatment, if it is one that we have to follow."""
    resource = entry.resource
    found = [*codings(resource.one("code")), *codings(_medication(entry, context))]
    own = mapped(found, context.profile.treatments)
    by_profile = (_PROFILES.get(name) for name in profiles(resource))
    by_code = (_MODALITIES.get((code.system, code.code)) for code in found)
    return own or next(filter(None, by_profile), None) or next(filter(None, by_code), None)


def _medication(entry: Entry, context: Context) -> Element | None:
    """The medication as a concept, be it in a Medication resource of the document."""
    concept = entry.resource.one("medicationCodeableConcept")
    for address in entry.resource.references("medicationReference") if concept is None else ():
        target = context.document.find(address, entry)
        return target.resource.one("code") if target is not None else None
    return concept


def _course(entry: Entry, context: Context, modality: str) -> str:
    """The course: the plan or the episode of care; an operation or a radiotherapy is its own.

    Raises:
        Refused: drugs without either, since nothing tells a first line from a second.
    """
    resource = entry.resource
    for name in ("basedOn", "context", "partOf"):
        for address in resource.references(name):
            plan = plan_of(address, entry, context.document)
            if plan is not None:
                return plan[:256]
    if modality in ("surgery", "radiotherapy"):
        return str(context.head(entry, "course").fields["event_id"])
    where = resource.where("basedOn")
    raise Refused(Reason.MISSING_FIELD, "neither CarePlan nor EpisodeOfCare: no course", where)


def _intent(resource: Element) -> str | None:
    extension = resource.extension("mcode-procedure-intent", "mcode-treatment-intent")
    concept = extension.one("valueCodeableConcept") if extension is not None else None
    return next((_INTENTS[c.code] for c in codings(concept) if c.code in _INTENTS), None)


def _drug(entry: Entry, context: Context) -> dict[str, Any]:
    drug = told(_medication(entry, context))
    dosage = entry.resource.one("dosage") if entry.kind == "MedicationAdministration" else None
    dose = dosage.one("dose") if dosage is not None else None
    unit = unit_of(dose) if dose is not None else None
    if dose is None or unit is None:
        return {"drug": drug}
    return {"drug": drug, "dose": dose.number("value"), "dose_unit": unit}
