"""What the detector sends over Kafka: alerts, dead letters, and records to itself.

Law of this file: what is sent is made of content alone, so that sending it again is sending the
same. Headers hold names of systems, places and times; never anything of a patient.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from schemas import topics
from schemas.base import SCHEMA_VERSION
from schemas.deadletter import DeadLetter, Reason, Where
from schemas.topics import ALERTS, DEADLETTERS
from services.detector.engine.instants import moment
from services.runtime.trace import continued, ids_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.alerts import AlertRevision
    from schemas.events import Event

SENDER: Final = "salvage-detect"
TRACE: Final = "traceparent"
INNER: Final = topics.INNER.name
"""The topic of the detector's records to itself, as many partitions as the topic of events."""

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A record that was read. `at`: when its content was received, microseconds UTC."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    at: int
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def where(self) -> Where:
        """Its place."""
        return Where(topic=self.topic, partition=self.partition, offset=self.offset)

    @property
    def trace(self) -> str | None:
        """Its `traceparent`; None if it has none, or one that isn't any."""
        ids = ids_of(self.headers.get(TRACE))
        return None if ids is None else str(ids)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to send. Records of one key keep their order."""

    topic: str
    key: str
    value: str
    headers: Headers = ()


def alert(revision: AlertRevision, cause: Record, trace: str | None = None) -> Outgoing:
    """A revision, for `clinical.alerts`.

    Args:
        revision: what is said.
        cause: the record at which it became due.
        trace: the `traceparent` of the fact that had waited for that record; None: the record's.
    """
    headers = _headers(cause, SENDER, trace)
    return Outgoing(ALERTS.name, revision.alert_id, revision.to_json().decode(), headers)


def letter(cause: Record, reason: Reason, detail: str) -> Outgoing:
    """The dead letter of a record, for `clinical.deadletters`."""
    source = cause.headers.get("source") or cause.topic
    made = DeadLetter.of(
        cause.value or b"",
        reason,
        detail,
        source=source,
        received_at=moment(cause.at),
        where=cause.where,
    )
    headers = (*_headers(cause, source), ("reason", reason.value))
    return Outgoing(DEADLETTERS.name, made.id, made.to_json().decode(), headers)


def forward(event: Event, received: int, survivor: str, trace: str | None = None) -> Outgoing:
    """A fact of a merged record, for whoever judges the surviving one; `trace` is the fact's."""
    body = json.dumps({"event": event.to_json().decode(), "received": received})
    return Outgoing(INNER, survivor, body, () if trace is None else ((TRACE, trace),))


def tick(patient_id: str, instant: int) -> Outgoing:
    """Lets time pass for a patient, up to and including an instant, microseconds UTC."""
    return Outgoing(INNER, patient_id, json.dumps({"at": instant}))


def _headers(cause: Record, source: str, trace: str | None = None) -> Headers:
    place = str(cause.where)
    return (
        (TRACE, continued(trace or cause.trace, place)),
        ("source", source),
        ("schema_version", str(SCHEMA_VERSION)),
        ("received", str(cause.at)),
        ("origin", place),
    )
