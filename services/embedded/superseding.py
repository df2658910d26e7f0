"""A record that was read before is read otherwise: which versions of its facts are new.

Versions of a fact are ordered by their issue (`schemas.events`). A repaired profile reads the same
issue in another way, and what it reads has to win over what was read first, whatever their content
and whatever the time zone of either: it is issued a microsecond behind the former reading, which
is less than any sender's clock tells.

Laws of this file:
- what the store holds already is not said again: reading twice changes nothing;
- another record's correction of the same moment is never overtaken;
- a fact keeps the source under which it was first stored, or it would be a second fact.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from services.detector.engine.instants import instant, moment

if TYPE_CHECKING:
    from schemas.events import Event
    from services.embedded.letters import Bytes, Letters, Version
    from services.embedded.reading import Reading

SAME_ISSUE: Final = timedelta(milliseconds=1) // timedelta(microseconds=1)
"""Microseconds within which versions count as readings of one issue."""


class IdentityChanged(Exception):  # noqa: N818 - a verdict, caught where it is asked for
    """A fact of the record that is in the timeline would get another name, or another patient."""


def settled(letters: Letters, kept: Bytes, reading: Reading) -> tuple[Reading, int]:
    """What of a reading is new.

    Args:
        letters: of the store.
        kept: the record.
        reading: what comes of it now.

    Returns:
        The reading with only its new versions of facts; and how many are known already.

    Raises:
        IdentityChanged: a fact of the record would become another one.
    """
    stored = {_name(version.event): version.event for version in letters.facts_of(kept.number)}
    # What a document's change made of other records' facts is stored under the record that said it.
    if not reading.changes and not stored.keys() <= set(map(_name, reading.events)):
        raise IdentityChanged
    new: dict[bytes, Event] = {}
    for event in reading.events:
        before = stored.get(_name(event))
        same = event if before is None else event.model_copy(update={"source": before.source})
        version = _new_version(same, letters.versions(same), kept)
        if version is not None:
            new[version.to_json()] = version
    return replace(reading, events=tuple(new.values())), len(reading.events) - len(new)


def _new_version(event: Event, versions: list[Version], kept: Bytes) -> Event | None:
    """The version to store; None if the store says the same, or what overrules it."""
    at = kept.received if event.issued_at is None else instant(event.issued_at)
    issues = {at, *(one.issued for one in versions if one.raw == kept.number)}
    rivals = [v for v in versions if any(one <= v.issued < one + SAME_ISSUE for one in issues)]
    if not rivals:
        return event
    if any(one.event.status.rank > event.status.rank for one in rivals if one.raw != kept.number):
        return None
    latest = max(rivals, key=lambda one: (one.issued, one.event.status.rank))
    if _content(latest.event) == _content(event):
        return None
    return event.model_copy(update={"issued_at": moment(latest.issued + 1)})


def _name(event: Event) -> tuple[str, str]:
    return event.patient_id, event.event_id


def _content(event: Event) -> dict[str, object]:
    return event.model_dump(exclude={"issued_at"})
