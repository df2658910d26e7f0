"""Encounter: admissions and emergency visits become coded results, as in HL7 v2.

The fact is the Encounter: it keeps its identity while its class and status change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.deadletter import Reason
from schemas.events import Observation, Status
from services.ingest.coding import Notice, Refused
from services.ingest.fhir.concepts import codings
from services.ingest.fhir.times import period
from services.ingest.fhir.verdicts import Ignored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.events import Event
    from services.ingest.fhir.context import Context
    from services.ingest.fhir.document import Entry
    from services.ingest.fhir.elements import Element

_STATUSES: Final = {
    "arrived": Status.FINAL,
    "triaged": Status.FINAL,
    "in-progress": Status.FINAL,
    "onleave": Status.FINAL,
    "finished": Status.FINAL,
    "cancelled": Status.CANCELLED,
    "entered-in-error": Status.ENTERED_IN_ERROR,
}
_INPATIENT: Final = frozenset({"IMP", "ACUTE", "NONAC"})
"""Classes of v3 ActEncounterCode, as is `EMER`."""
_PLANNED: Final = frozenset({"EL", "R"})
"""Priorities of v3 ActPriority: elective, routine."""
_UNPLANNED: Final = frozenset({"EM", "UR", "S", "A"})
"""Emergency, urgent, stat, as soon as possible."""


def read_encounter(entry: Entry, context: Context) -> Iterator[Event | Notice | Ignored]:
    """Read an Encounter.

    Raises:
        Refused: a stay without patient, status or beginning.
        ValidationError: a field that is not what it should be.
    """
    resource = entry.resource
    kind = _kind(resource)
    if kind is None or resource.text("status") == "planned":
        yield Ignored(Reason.NOT_A_RESULT, "a visit that is no stay in hospital")
        return
    status = _STATUSES.get(resource.text("status") or "")
    if status is None:
        where = resource.where("status")
        raise Refused(Reason.BAD_STATUS, "missing, unknown or not one of FHIR's", where)
    head = context.head(entry, "observation")
    yield from head.notices
    stay = period(resource.one("period"))
    if stay is None or stay.start is None:
        raise Refused(Reason.MISSING_FIELD, "empty", resource.where("period.start"))
    yield Observation(
        **head.fields,
        status=status,
        effective_at=stay.start,
        analyte="admission",
        value_code=kind,
    )


def _kind(resource: Element) -> str | None:
    """What stay it is; None for outpatients, visits at home and what has no class."""
    place = resource.one("class")
    code = place.text("code") if place is not None else None
    urgency = {each.code for each in codings(resource.one("priority"))}
    if code == "EMER":
        return "emergency-department"
    if code not in _INPATIENT:
        return None
    if urgency & _UNPLANNED:
        return "unplanned-inpatient"
    return "planned-inpatient" if urgency & _PLANNED else "inpatient"
