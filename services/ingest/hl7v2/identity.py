"""Who and which: patients, senders and facts, each by a name that stays the same.

A fact's id must be equal in all its versions and differ between facts. Filler order numbers alone
don't do: senders use one for several patients, and an order has many results (HL7 v2.8.2 §7.4.2).
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from msgspec import json

from schemas.deadletter import Reason
from services.ingest.hl7v2.codec import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.ingest.hl7v2.codec import Message, Segment
    from services.ingest.hl7v2.profile import Profile

_NOT_PERSONS = frozenset({"AN", "VN", "ANON", "BC", "FI"})
"""Identifier types (table 0203) of accounts and visits: they change while the patient doesn't."""


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
MAX_NAME = 256
"""Characters of a sender's name, as events and dead letters take them (`schemas.base.Text`)."""


def source_of(header: Segment, profile: Profile) -> str:
    """The sending system: `facility/application`.

    Raises:
        Refused: neither the message nor the profile names it, or by something that is no name.
    """
    if profile.source:
        return profile.source
    names = [header.get(number) or header.get(number, 2) for number in (4, 3)]
    if not any(names):
        raise Refused(Reason.MISSING_FIELD, "empty, and MSH-4 too", "MSH-3")
    found = "/".join(name for name in names if name)
    if len(found) > MAX_NAME or _CONTROL.search(found):
        raise Refused(Reason.BAD_FIELD, "with MSH-4 no name: too long or unprintable", "MSH-3")
    return found


def patient_of(segment: Segment, number: int, profile: Profile) -> str:
    """The patient that a list of identifiers (PID-3, MRG-1) names: `authority|id`.

    Raises:
        Refused: no identifier of a person with an assigning authority, or a list beyond measure.
    """
    for _, identifier in _identifiers(segment, number, profile):
        return identifier
    where = f"{segment.name}-{number}"
    raise Refused(Reason.UNMAPPED_PATIENT, "no identifier with an authority", where)


def persons_of(message: Message, profile: Profile) -> Iterator[tuple[str, ...]]:
    """The identifiers of each person (PID-3) of whom a message gives several, the patient's first.

    Beside the patient's only those count that name one person: of the profile's types or of none;
    of any type where the profile says whose identifiers name patients. A card's number may be a
    family's.

    Raises:
        Refused: a list beyond measure.
    """
    for segment in message.segments:
        if segment.name != "PID" or segment.repeats(3) < 2:  # noqa: PLR2004 - several
            continue
        found = list(_identifiers(segment, 3, profile))
        sure = [one for kind, one in found[1:] if not kind or kind in profile.id_types]
        others = [one for _, one in found[1:]] if profile.persons else sure
        names = tuple(dict.fromkeys([*(one for _, one in found[:1]), *others]))
        if len(names) > 1:
            yield names


def _identifiers(segment: Segment, number: int, profile: Profile) -> Iterator[tuple[str, str]]:
    """Type and identifier with authority of each that names a person, the preferred first."""
    persons = [one for one in segment.each(number) if one.get(number, 5) not in _NOT_PERSONS]
    for one in sorted(persons, key=lambda one: _preference(one.get(number, 5), profile)):
        identifier = one.get(number)
        authority = _authority(one, number, profile)
        if identifier and authority:
            yield one.get(number, 5), f"{authority}|{identifier}"


def _preference(kind: str, profile: Profile) -> int:
    known = profile.id_types
    return known.index(kind) if kind in known else len(known)


def _authority(segment: Segment, number: int, profile: Profile) -> str | None:
    """CX.4: its universal id where given, as names are spelt in many ways; else its name."""
    name = segment.get(number, 4, 1)
    universal = segment.get(number, 4, 2)
    spelt = next((one for one in (universal, name) if one in profile.authorities), None)
    found = profile.authorities[spelt] if spelt is not None else universal or name
    if found and profile.persons and found not in profile.persons:
        return None
    return found or profile.authority


def order_number(
    segment: Segment | None, number: int, fallback: Segment | None, other: int
) -> tuple[str, str] | None:
    """An order number with its authority (EI), from either of two segments."""
    for where, field in ((segment, number), (fallback, other)):
        if where is not None and where.get(field):
            return where.get(field), where.get(field, 3) or where.get(field, 2)
    return None


def fact_id(kind: str, patient: str, *parts: str | int | tuple[str, ...]) -> str:
    """The id of a fact, from what does not change between its versions.

    It is `schemas.base.digest` of them, written by a faster writer: every result needs one.
    """
    text = json.encode(("hl7v2", kind, patient, *parts))
    return hashlib.sha256(text).hexdigest()[:32]
