"""Admissions and emergency visits (ADT A01, A04, A08; A11 takes one back) become coded results.

The fact is the visit (PV1-19): it keeps its identity while its class changes, and when it is
cancelled. A visit without a number or an admission time can't be followed, and states nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.events import Observation, Status
from services.ingest.hl7v2.identity import fact_id, patient_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.ingest.hl7v2.codec import Message, Segment
    from services.ingest.hl7v2.context import Context

_CANCELLED: Final = "A11"
_PLANNED: Final = frozenset({"C", "R", "L", "N"})
"""PV1-4, table 0007: elective, routine, labour, newborn."""
_UNPLANNED: Final = frozenset({"A", "E", "U"})
"""Accident, emergency, urgent."""


def stays(message: Message, context: Context) -> Iterator[Observation]:
    """What a message says of the visit that it is about.

    Raises:
        Refused: no patient, or a time that cannot be read.
    """
    person, visit = message.first("PID"), message.first("PV1")
    if person is None or visit is None:
        return
    kind, number, since = _kind(visit), visit.get(19), visit.get(44)
    if kind is None or not number or not since:
        return
    patient = patient_of(person, 3, context.profile)
    cancelled = message.header.get(9, 2).upper() == _CANCELLED
    yield Observation(
        type="observation",
        event_id=fact_id("stay", patient, number, visit.get(19, 4)),
        patient_id=patient,
        source=context.source,
        effective_at=context.time(since, "PV1-44"),
        issued_at=context.sent_at,
        status=Status.CANCELLED if cancelled else Status.FINAL,
        analyte="admission",
        value_code=kind,
    )


def _kind(visit: Segment) -> str | None:
    """PV1-2 (table 0004) and PV1-4; None for outpatients and what is only registered."""
    planned = visit.get(4).upper()
    match visit.get(2).upper():
        case "E":
            return "emergency-department"
        case "I" if planned in _PLANNED:
            return "planned-inpatient"
        case "I" if planned in _UNPLANNED:
            return "unplanned-inpatient"
        case "I":
            return "inpatient"
        case _:
            return None
