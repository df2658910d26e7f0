"""One record becomes events: the one place where the embedded runtime meets the formats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from schemas.deadletter import DeadLetter, Reason
from schemas.reading import decode_plain
from services.detector.engine.instants import moment
from services.ingest.archive import Format
from services.ingest.coding import Rejected
from services.ingest.decode import decode_event
from services.ingest.journal import FILE_NAME as JOURNAL
from services.ingest.sources.files import Arrival

if TYPE_CHECKING:
    from schemas.events import Event
    from schemas.reading import PlainObservation
    from services.ingest.coding import Notice
    from services.ingest.documents import Change
    from services.ingest.hl7v2.mapped import Mapped
    from services.ingest.profiles.sources import Sources

_NO_FACTS: Final = Rejected(
    Reason.UNSUPPORTED_MESSAGE, "changes a document as a whole; its facts are not known here", "TXA"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of one record: nothing of it is dropped in silence.

    Attributes:
        events: versions of facts.
        rejected: what could not be used; `notices`: what was odd.
        document: the document that the events are of, if they are of one.
        changes: what is said of documents as a whole; they concern what is stored already.
        persons: the identifiers of each person of whom it gives several, the patient's first.
    """

    events: tuple[Event, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    notices: tuple[Notice, ...] = ()
    document: str | None = None
    changes: tuple[Change, ...] = ()
    persons: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Reread(Arrival):
    """A record that was kept, and read again by repaired profiles.

    Attributes:
        reading: what comes of it now.
        received: its first receipt, microseconds UTC.
        letters: the keys of its dead letters.
    """

    reading: Reading
    received: int
    letters: tuple[tuple[str, str], ...]


def read(arrival: Arrival, sources: Sources) -> Reading:
    """Read a record, for those who keep no facts.

    What concerns stored facts is refused by name: nothing here can see to it.
    """
    reading = read_whole(arrival, sources)
    if not reading.changes:
        return reading
    return replace(reading, rejected=(*reading.rejected, _NO_FACTS), changes=())


def read_plain(arrival: Arrival) -> PlainObservation | None:
    """One plain result, as nearly all records of canonical events are; None: something else.

    There is nothing to remark on it, and it says nothing of documents or of who is who.
    """
    record = arrival.record
    if arrival.form is not Format.EVENTS or record.rejected is not None:
        return None
    return decode_plain(record.raw)


def read_whole(arrival: Arrival, sources: Sources) -> Reading:
    """Read a record by its format. No bytes make it raise."""
    record = arrival.record
    if record.rejected is not None:
        return Reading(rejected=(record.rejected,))
    if arrival.form is Format.HL7:
        return _of_message(sources.read_message(record.raw))
    if arrival.form is Format.FHIR:
        found = sources.read_resources(record.raw, _told_by_connection(arrival))
        return Reading(tuple(found.events), tuple(found.rejected), tuple(found.notices))
    plain = read_plain(arrival)
    if plain is not None:
        return Reading((plain.as_event(),))
    outcome = decode_event(record.raw)
    if isinstance(outcome, Rejected):
        return Reading(rejected=(outcome,))
    return Reading((outcome.event,), notices=outcome.notices)


def _of_message(mapped: Mapped) -> Reading:
    return Reading(
        tuple(mapped.events),
        tuple(mapped.rejected),
        tuple(mapped.notices),
        mapped.document,
        tuple(mapped.changes),
        tuple(mapped.persons),
    )


def _told_by_connection(arrival: Arrival) -> str | None:
    """Who sent it, if it came by a connection that tells; a file's content has to tell itself."""
    where = arrival.record.where
    return arrival.source if where.topic is not None or where.file == JOURNAL else None


def dead_letter(arrival: Arrival, rejected: Rejected, received: int) -> DeadLetter:
    """The dead letter of a record, or of a part of it."""
    return DeadLetter.of(
        arrival.record.raw,
        rejected.reason,
        rejected.detail,
        source=arrival.source,
        received_at=moment(received),
        part=rejected.part,
        where=arrival.record.where,
    )
