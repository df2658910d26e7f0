"""One record becomes events: the one place where the embedded runtime meets the formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.deadletter import DeadLetter
from services.detector.engine.instants import moment
from services.ingest.archive import Format
from services.ingest.coding import Rejected
from services.ingest.decode import decode_event
from services.ingest.hl7v2.mapping import read_message

if TYPE_CHECKING:
    from schemas.events import Event
    from services.ingest.coding import Notice
    from services.ingest.hl7v2.profile import Profile
    from services.ingest.sources.files import Arrival


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of one record: nothing of it is dropped in silence."""

    events: tuple[Event, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    notices: tuple[Notice, ...] = ()


def read(arrival: Arrival, profile: Profile) -> Reading:
    """Read a record by its format. No bytes make it raise."""
    record = arrival.record
    if record.rejected is not None:
        return Reading(rejected=(record.rejected,))
    if arrival.form is Format.HL7:
        mapped = read_message(record.raw, profile)
        return Reading(tuple(mapped.events), tuple(mapped.rejected), tuple(mapped.notices))
    outcome = decode_event(record.raw)
    if isinstance(outcome, Rejected):
        return Reading(rejected=(outcome,))
    return Reading((outcome.event,), notices=outcome.notices)


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
