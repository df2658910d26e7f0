"""Admission messages (ADT) become patient facts.

An empty field says nothing, so one message must not wipe out what another said. Therefore
demographics, death, goals of care and merging are separate facts of one patient, each with
versions of its own.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from schemas.deadletter import Reason
from schemas.events import Event, Patient, Status
from schemas.partial import PartialDate
from services.ingest.hl7v2.codec import Refused
from services.ingest.hl7v2.identity import fact_id, patient_of
from services.ingest.hl7v2.times import clinical_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from schemas.partial import Effective
    from services.ingest.hl7v2.codec import Message, Segment
    from services.ingest.hl7v2.context import Context

_GRACE = timedelta(days=1)
_SEX = {"F": "female", "M": "male", "O": "other", "A": "other", "N": "other", "U": "unknown"}
"""Table 0001."""


def patient_facts(message: Message, context: Context) -> Iterator[Event]:
    """What an A01, A03, A04, A08, A28 or A31 says of its patient.

    Raises:
        Refused: no patient, or a time that cannot be read.
    """
    person = message.first("PID")
    if person is None:
        raise Refused(Reason.MISSING_FIELD, "no such segment", "PID")
    patient = patient_of(person, 3, context.profile)
    at = _occurred(message, context)
    known = _demographics(person)
    if known:
        yield _fact("demographics", patient, at, context, **known)
    yield from _death(message, person, patient, at, context)
    yield from _goals(message, patient, at, context)


def merges(message: Message, context: Context) -> Iterator[Event]:
    """What an A34 or A40 says: each MRG is retired in favour of the PID before it.

    Raises:
        Refused: no pair, or a patient merged with itself.
    """
    at, survivor, found = _occurred(message, context), None, False
    for segment in message.segments:
        if segment.name == "PID":
            survivor = patient_of(segment, 3, context.profile)
        elif segment.name == "MRG" and survivor is not None:
            found = True
            yield _merge(segment, survivor, at, context)
    if not found:
        raise Refused(Reason.BAD_MERGE, "no PID followed by MRG", "MRG")


def _merge(segment: Segment, survivor: str, at: date | datetime, context: Context) -> Patient:
    retired = patient_of(segment, 1, context.profile)
    if retired == survivor:
        raise Refused(Reason.BAD_MERGE, "a patient merged with itself", "MRG-1")
    return _fact("merge", retired, at, context, merged_into=survivor)


def _fact(kind: str, patient: str, at: date | datetime, context: Context, **fields: Any) -> Patient:
    return Patient(
        type="patient",
        event_id=fact_id(kind, patient),
        patient_id=patient,
        source=context.source,
        effective_at=at,
        issued_at=context.sent_at,
        **fields,
    )


def _occurred(message: Message, context: Context) -> date | datetime:
    """When it happened: EVN-6, else when it was recorded: EVN-2, else when it was sent."""
    event = message.first("EVN")
    for number in (6, 2) if event else ():
        text = event.get(number) if event else ""
        if text:
            return context.time(text, f"EVN-{number}")
    if context.sent_at is None:
        raise Refused(Reason.MISSING_FIELD, "empty, and EVN-2 too", "MSH-7")
    return context.sent_at


def _demographics(person: Segment) -> dict[str, Any]:
    known: dict[str, Any] = {}
    known["birth_date"] = birth_of(person)
    known["sex"] = sex_of(person)
    return {name: value for name, value in known.items() if value is not None}


def sex_of(person: Segment) -> str | None:
    """PID-8; None where it is empty or no code of table 0001."""
    return _SEX.get(person.get(8).upper())


def birth_of(person: Segment) -> date | None:
    """PID-7, the day; None where only a year or month is known, or nothing that can be read.

    No rule depends on it (age is shown as "not known"), so it must not cost us the message.
    """
    try:
        return clinical_time(person.get(7)[:8], UTC)  # a bare day: the zone has no meaning
    except ValueError:
        return None


def before_birth(at: Effective, born: date | None) -> bool:
    """Whether a result is older than its patient: the wrong patient, or a wrong date.

    CHOICE: a day of grace, since a day of birth has no zone.
    """
    if born is None:
        return False
    if isinstance(at, datetime):
        at = at.date()
    latest = at.last if isinstance(at, PartialDate) else at
    return latest < born - _GRACE


def _death(
    message: Message, person: Segment, patient: str, at: date | datetime, context: Context
) -> Iterator[Event]:
    """PID-29 and PID-30, or a discharge disposition that the site calls death.

    `N` or a null takes an earlier death back: it was entered for the wrong patient.
    """
    visit = message.first("PV1")
    when, flag = person.get(29), person.get(30).upper()
    died = visit is not None and visit.get(36) in context.profile.death_dispositions
    if flag == "Y" or when or died:
        moment = context.time(when, "PID-29") if when else at
        yield _fact("death", patient, moment, context, deceased_at=moment)
    elif flag == "N" or person.is_null(29) or person.is_null(30):
        yield _fact("death", patient, at, context, status=Status.ENTERED_IN_ERROR)


def _goals(
    message: Message, patient: str, at: date | datetime, context: Context
) -> Iterator[Event]:
    own = message.first("ZPT")
    if own is not None and own.is_null(1):
        yield _fact("goals", patient, at, context, status=Status.ENTERED_IN_ERROR)
    elif own is not None and own.get(1):
        yield _fact("goals", patient, at, context, goals_of_care=own.get(1).lower())
