"""Patient: demographics, death, merging and goals of care.

As in HL7 v2 they are separate facts of one patient, each with versions of its own: a resource that
says nothing about one of them must not wipe out what another said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from schemas.deadletter import Reason
from schemas.events import Patient, Status
from schemas.partial import PartialDate
from services.ingest.coding import Refused
from services.ingest.fhir.context import refuse_modifier, refuse_modifiers
from services.ingest.fhir.extensions import value_of
from services.ingest.fhir.identity import name_of, personal_fact, referred
from services.ingest.fhir.times import effective, instant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from schemas.events import Event
    from schemas.partial import Effective
    from services.ingest.fhir.context import Context
    from services.ingest.fhir.document import Entry
    from services.ingest.fhir.elements import Element

_SEXES: Final = frozenset({"female", "male", "other", "unknown"})


def read_patient(entry: Entry, context: Context) -> Iterator[Event]:
    """Read a Patient.

    Raises:
        Refused: no identifier with an authority, a time that cannot be, or none at all.
        ValidationError: a field that is not what it should be.
    """
    refuse_modifiers(entry)
    patient, at = name_of(entry, context.profile), _recorded(entry, context)
    known, own = _demographics(entry.resource), value_of(entry.resource, "fact")
    goals = value_of(entry.resource, "goals-of-care")
    if own is not None:
        yield _whole(own, patient, entry, context, **known, goals_of_care=goals)
        return
    if known:
        since = at or known.get("birth_date")
        yield _fact("demographics", patient, since, entry, context, **known)
    yield from _death(patient, at, entry, context)
    if goals is not None:
        yield _fact("goals", patient, at, entry, context, goals_of_care=goals)
    yield from _links(patient, at, entry, context)


def _whole(own: str, patient: str, entry: Entry, context: Context, **known: Any) -> Patient:
    """All in one fact, as our own writer gives it."""
    died = effective(entry.resource, "deceasedDateTime")
    erroneous = entry.resource.boolean("active") is False
    known |= {
        "event_id": own,
        "deceased_at": _last(died) if died else None,
        "status": Status.ENTERED_IN_ERROR if erroneous else Status.FINAL,
    }
    return _fact("whole", patient, _recorded(entry, context), entry, context, **known)


def _fact(
    kind: str, patient: str, at: Effective | None, entry: Entry, context: Context, **fields: Any
) -> Patient:
    if at is None:
        where = entry.resource.where("meta.lastUpdated")
        raise Refused(Reason.MISSING_FIELD, "empty, so that nothing says when", where)
    common: dict[str, Any] = {
        "type": "patient",
        "event_id": personal_fact(kind, patient),
        "patient_id": patient,
        "source": context.source(entry),
        "effective_at": at,
        "issued_at": context.issued_at(entry),
        "status": Status.FINAL,
    }
    return Patient(**(common | fields))


def _recorded(entry: Entry, context: Context) -> datetime | None:
    """When this version was written, else when the Bundle was put together."""
    return context.issued_at(entry) or instant(context.document.root, "timestamp")


def _demographics(person: Element) -> dict[str, Any]:
    """Date of birth and sex.

    Only a whole date of birth is taken: no rule depends on it, and age is shown as "not known".
    """
    known: dict[str, Any] = {}
    born = person.text("birthDate")
    if born is not None and len(born) == len("YYYY-MM-DD"):
        known["birth_date"] = effective(person, "birthDate")
    sex = person.text("gender")
    if sex in _SEXES:
        known["sex"] = sex
    return known


def _death(patient: str, at: datetime | None, entry: Entry, context: Context) -> Iterator[Event]:
    """`deceased[x]`. `false` takes an earlier death back; without a time it states nothing new."""
    died = effective(entry.resource, "deceasedDateTime")
    flag = entry.resource.boolean("deceasedBoolean")
    if died is not None or flag is True:
        moment = _last(died) if died is not None else at
        yield _fact("death", patient, moment, entry, context, deceased_at=moment)
    elif flag is False and at is not None:
        withdrawn = Status.ENTERED_IN_ERROR
        yield _fact("death", patient, at, entry, context, status=withdrawn)


def _last(died: Effective) -> date | datetime:
    """Of a month or a year of death its last day: no alert of a living patient is silenced."""
    return died.last if isinstance(died, PartialDate) else died


def _links(patient: str, at: datetime | None, entry: Entry, context: Context) -> Iterator[Event]:
    """`replaced-by` retires this patient, `replaces` the other one; the rest are no merges.

    Raises:
        Refused: a patient merged with itself, or with one that cannot be known.
    """
    for link in entry.resource.many("link"):
        refuse_modifier(link)
        kind, reference = link.text("type"), link.one("other")
        if kind not in ("replaced-by", "replaces"):
            continue
        if reference is None:
            raise Refused(Reason.BAD_MERGE, "with nobody", link.place)
        other = referred(reference, entry, context.document, context.profile)
        if other == patient:
            raise Refused(Reason.BAD_MERGE, "a patient merged with itself", link.place)
        retired, kept = (patient, other) if kind == "replaced-by" else (other, patient)
        yield _fact("merge", retired, at, entry, context, merged_into=kept)
