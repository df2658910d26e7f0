"""What stands in a record: how something received is published, and how it is read again.

Laws of this file:
- a header never holds a patient's: names of systems, reasons from a closed list, places, times;
- no record makes it raise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from schemas.base import SCHEMA_VERSION
from schemas.deadletter import RAW_KEPT, DeadLetter, Reason, Where
from schemas.reading import decode_plain
from schemas.topics import DEADLETTERS, EVENTS, RAW
from services.ingest.archive import Format, Record
from services.ingest.coding import Rejected
from services.ingest.decode import decode_event
from services.ingest.journal import State
from services.ingest.kafka.publisher import Outgoing
from services.ingest.sources.files import Arrival, Mark
from services.ingest.spans import receipt
from services.ingest.strictjson import MAX_BYTES
from services.runtime.trace import continued

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.events import Event
    from services.ingest.journal import Entry

UNNAMED: Final = "unknown sender"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = (datetime(2199, 12, 31, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
"""The last day that a message may name (`schemas.base`); a broken clock may tell any."""
_INSTANT: Final = re.compile(r"[0-9]{1,16}")
_TEXT: Final = re.compile(r"[^\x00-\x1f\x7f]{1,256}")
_LINKS: Final = {"first": re.compile(r"[0-9a-f]{32}"), "tries": re.compile(r"[0-9]{1,4}")}
"""Headers of what is read again: its first letter; how often it was read, this time included."""
_READ: Final = frozenset({State.NEW.value, State.REFUSED.value})
"""As the embedded runtime has it: the rest was received before, passed over, or our own defect."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A record that was read. `at` is its timestamp, microseconds UTC."""

    topic: str
    partition: int
    offset: int
    at: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def where(self) -> Where:
        """Its place."""
        return Where(topic=self.topic, partition=self.partition, offset=self.offset)

    @property
    def received(self) -> int:
        """When its content was received, microseconds UTC; of a foreign record, its timestamp."""
        text = self.headers.get("received", "")
        told = int(text) if _INSTANT.fullmatch(text) else self.at
        return min(told, _LATEST)


# -- received by us: bytes as they came


def raw_record(entry: Entry) -> Outgoing:
    """An entry of the journal as a record of `clinical.raw`."""
    headers = [
        ("traceparent", receipt(entry)),
        ("source", entry.source),
        ("schema_version", str(SCHEMA_VERSION)),
        ("received", str(entry.received)),
        ("format", entry.form.value),
        ("state", entry.state.value),
    ]
    if entry.refused is not None:
        why = entry.refused
        headers += [("reason", why.reason.value), ("detail", why.detail)]
        headers += [("part", why.part)] if why.part else []
    return Outgoing(RAW.name, entry.source, entry.raw, tuple(headers), entry.received)


def raw_arrival(record: Incoming) -> Arrival | None:
    """A record of `clinical.raw` as the embedded runtime would have it from its journal.

    Returns:
        None where nothing is to be read: it repeats another, or is of a type that is passed over.
    """
    if record.headers.get("state", State.NEW.value) not in _READ:
        return None
    source = _line(record, "source") or UNNAMED
    held = Record(record.where, record.value or b"", _refused(record))
    return Arrival(source, _format(record), held, None)


def _format(record: Incoming) -> Format:
    name = record.headers.get("format")
    return Format(name) if name in set(Format) else Format.HL7


def _refused(record: Incoming) -> Rejected | None:
    """Why it was refused whole before it was published."""
    if record.value is None:
        return Rejected(Reason.TOMBSTONE, "a record without a value")
    name = record.headers.get("reason")
    if name is None:
        return None
    known = name in set(Reason)
    detail = record.headers.get("detail", "")
    return Rejected(Reason(name) if known else Reason.BAD_FIELD, detail, _line(record, "part"))


def _line(record: Incoming, name: str) -> str | None:
    """A header that is a text as `schemas.base.Text` has it; ours are."""
    text = record.headers.get(name, "")
    return text if _TEXT.fullmatch(text) else None


# -- canonical events of somebody else's


def event_arrival(record: Incoming, mark: Mark | None = None) -> Arrival:
    """A record of a topic on which a hospital's bus publishes canonical events.

    Its content is judged by its reader; here only what a record has and a line of a file hasn't.
    """
    value = record.value or b""
    refused = _unusable(record)
    kept = value[:RAW_KEPT] if refused else value
    return Arrival(record.topic, Format.EVENTS, Record(record.where, kept, refused), mark)


def _unusable(record: Incoming) -> Rejected | None:
    if record.value is None:
        return Rejected(Reason.TOMBSTONE, "a record without a value")
    if len(record.value) > MAX_BYTES:
        return Rejected(Reason.TOO_LARGE, f"more than {MAX_BYTES} bytes")
    if record.key is None:
        return None
    patient = _patient(record.value)
    if patient is None or patient.encode() == record.key:
        return None
    return Rejected(Reason.KEY_MISMATCH, "patient_id: is not the record's key")


def _patient(value: bytes) -> str | None:
    """Whom an event is about; None if it isn't one, which its reader will say."""
    plain = decode_plain(value)
    if plain is not None:
        return plain.patient_id
    decoded = decode_event(value)
    return None if isinstance(decoded, Rejected) else decoded.event.patient_id


# -- what is made of either


def event_record(event: Event, record: Incoming) -> Outgoing:
    """An event that came of a record, for `clinical.events`."""
    headers = _headers(record, event.source, event.schema_version)
    return Outgoing(EVENTS.name, event.patient_id, event.to_json(), headers, record.received)


def letter_record(rejected: Rejected, arrival: Arrival, record: Incoming) -> Outgoing:
    """The dead letter of a record or of a part of it, for `clinical.deadletters`.

    It is stamped with the moment of its sending: it is kept for so many days from then on, also
    where what it is about is old.
    """
    letter = DeadLetter.of(
        arrival.record.raw,
        rejected.reason,
        rejected.detail,
        source=arrival.source,
        received_at=moment(record.received),
        part=rejected.part,
        where=record.where,
    )
    headers = _headers(record, letter.source, letter.schema_version)
    headers += (("reason", letter.reason.value), ("format", arrival.form.value))
    if record.topic == RAW.name:  # what others call so may be anything
        headers += tuple(links(record.headers).items())
    return Outgoing(DEADLETTERS.name, letter.id, letter.to_json(), headers)


def links(headers: Mapping[str, str]) -> dict[str, str]:
    """Those of the headers that say that something is read again."""
    return {
        name: headers[name]
        for name, form in _LINKS.items()
        if form.fullmatch(headers.get(name, ""))
    }


def moment(instant: int) -> datetime:
    """The moment of an instant, microseconds UTC."""
    return _EPOCH + timedelta(microseconds=instant)


def microseconds(when: datetime) -> int:
    """The instant of a moment, microseconds UTC."""
    return (when - _EPOCH) // timedelta(microseconds=1)


def _headers(record: Incoming, source: str, version: int) -> tuple[tuple[str, str], ...]:
    place = str(record.where)
    return (
        ("traceparent", continued(record.headers.get("traceparent"), place)),
        ("source", source),
        ("schema_version", str(version)),
        ("received", str(record.received)),
        ("origin", place),
    )
