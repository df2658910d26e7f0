"""Who and which: patients, senders and facts, each by a name that stays the same.

A fact's id must be equal in all its versions and differ between facts. Filler order numbers alone
don't do: senders use one for several patients, and an order has many results (HL7 v2.8.2 §7.4.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.base import digest
from schemas.deadletter import Reason
from services.ingest.hl7v2.codec import Refused

if TYPE_CHECKING:
    from services.ingest.hl7v2.codec import Segment
    from services.ingest.hl7v2.profile import Profile

_NOT_PERSONS = frozenset({"AN", "VN", "ANON", "BC", "FI"})
"""Identifier types (table 0203) of accounts and visits: they change while the patient doesn't."""


def source_of(header: Segment, profile: Profile) -> str:
    """The sending system: `facility/application`.

    Raises:
        Refused: neither the message nor the profile names it.
    """
    if profile.source:
        return profile.source
    names = [header.get(number) or header.get(number, 2) for number in (4, 3)]
    if not any(names):
        raise Refused(Reason.MISSING_FIELD, "empty, and MSH-4 too", "MSH-3")
    return "/".join(name for name in names if name)


def patient_of(segment: Segment, number: int, profile: Profile) -> str:
    """The patient that a list of identifiers (PID-3, MRG-1) names: `authority|id`.

    Raises:
        Refused: no identifier of a person with an assigning authority.
    """
    found = [
        (_preference(segment.get(number, 5, repeat=at), profile), at)
        for at in range(1, segment.repeats(number) + 1)
        if segment.get(number, 5, repeat=at) not in _NOT_PERSONS
    ]
    for _, at in sorted(found):
        identifier = segment.get(number, repeat=at)
        authority = _authority(segment, number, at, profile)
        if identifier and authority:
            return f"{authority}|{identifier}"
    where = f"{segment.name}-{number}"
    raise Refused(Reason.UNMAPPED_PATIENT, "no identifier with an authority", where)


def _preference(kind: str, profile: Profile) -> int:
    known = profile.id_types
    return known.index(kind) if kind in known else len(known)


def _authority(segment: Segment, number: int, repeat: int, profile: Profile) -> str | None:
    """CX.4: its universal id where given, as names are spelt in many ways; else its name."""
    name = segment.get(number, 4, 1, repeat=repeat)
    universal = segment.get(number, 4, 2, repeat=repeat)
    for spelling in (universal, name):
        if spelling in profile.authorities:
            return profile.authorities[spelling]
    return universal or name or profile.authority


def order_number(
    segment: Segment | None, number: int, fallback: Segment | None, other: int
) -> tuple[str, str] | None:
    """An order number with its authority (EI), from either of two segments."""
    for where, field in ((segment, number), (fallback, other)):
        if where is not None and where.get(field):
            return where.get(field), where.get(field, 3) or where.get(field, 2)
    return None


def fact_id(kind: str, patient: str, *parts: object) -> str:
    """The id of a fact, from what does not change between its versions."""
    return digest("hl7v2", kind, patient, *parts)
