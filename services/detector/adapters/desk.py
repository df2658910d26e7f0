"""The desk: a record of a partition comes in, and what is to be stored and sent comes out.

It opens no connection and knows no Kafka library. Whoever runs it has the row acknowledged first,
sends what is to be sent after that, and is done with the record only when all is acknowledged. A
record that comes again finds its row, and has the same records sent.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from pydantic import ValidationError

from schemas.base import describe
from schemas.canary import is_canary
from schemas.deadletter import Reason
from schemas.events import EVENT
from services.detector.adapters.keyed import Arrival, Person
from services.detector.adapters.outbox import INNER, letter
from services.detector.adapters.rows import Row, key_of, numbered, prefix_of
from services.runtime.errors import OperatorError, SalvageError, place_of
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.detector.adapters.keyed import Judging
    from services.detector.adapters.outbox import Outgoing, Record
    from services.detector.adapters.rows import Head

ATTEMPTS: Final = 3
"""Times that a record is tried; each begins with the patient built anew."""
MOST: Final = 1_000
"""Patients held in memory, 0.3 MB each with all rules; others are built from their rows."""


class Rows(Protocol):
    """The stored rows of the partitions that are ours."""

    def starting(self, partition: int, prefix: bytes) -> Iterable[tuple[bytes, bytes]]:
        """Keys and values whose keys begin so."""
        ...


class Outcome(StrEnum):
    """What became of a record."""

    JUDGED = "judged"
    AGAIN = "again"  # it was judged before, and what it said is said again
    NOTHING = "nothing"  # it is no news
    REFUSED = "refused"  # it is a dead letter
    SUSPENDED = "suspended"  # it is kept and not judged, since our code fails at its patient


@dataclass(frozen=True, slots=True)
class Handled:
    """What is to be done about a record, in this order.

    Attributes:
        key: of the row; None: nothing is to be stored.
        row: its value.
        sends: what is to be sent then.
        patient_id: whose row it is.
        head: where the patient stands now.
        outcome: what became of it.
        causes: the `traceparent`s of the facts that were judged at it.
    """

    key: bytes | None = None
    row: bytes = b""
    sends: tuple[Outgoing, ...] = ()
    patient_id: str = ""
    head: Head | None = None
    outcome: Outcome = Outcome.JUDGED
    causes: tuple[str, ...] = ()


class Desk:
    """Judges records, one after the other.

    defects: times that our code failed at a patient.
    """

    def __init__(self, judging: Judging, rows: Rows) -> None:
        """Wire.

        Args:
            judging: the rules.
            rows: what is stored; only read here.
        """
        self._judging = judging
        self._rows = rows
        self._persons: OrderedDict[tuple[int, str], Person] = OrderedDict()
        self.defects = 0

    def handle(self, record: Record) -> Handled:
        """Judge a record. No bytes make it raise.

        Raises:
            OperatorError: the state is not of this topic, or of a newer version of this software.
        """
        arrival = read(record)
        if not isinstance(arrival, Arrival):
            return Handled(sends=(arrival,), outcome=Outcome.REFUSED)
        patient_id = (record.key or b"").decode("utf-8", "replace")
        person = self._person(record.partition, patient_id)
        number = person.row_of(record)
        if number is not None:
            return self._again(arrival, person, number)
        return self._judged(arrival, patient_id)

    @property
    def patients(self) -> int:
        """How many are held in memory, without operations' canary."""
        return sum(not is_canary(patient_id) for _, patient_id in self._persons)

    def forget(self, partition: int) -> None:
        """Rows of others may have come: what is in memory of a partition may be outdated."""
        for one in [one for one in self._persons if one[0] == partition]:
            del self._persons[one]

    def _again(self, arrival: Arrival, person: Person, number: int) -> Handled:
        """What is to be said again of a record that was judged before."""
        prefix = numbered(person.patient_id, number)
        ((_, stored),) = self._rows.starting(arrival.record.partition, prefix)
        row = Row.read(stored)
        if row.event != arrival.event:
            raise OperatorError(
                f"{arrival.record.topic} was made anew; the state is of another one"
            )
        sends = tuple(person.sends(row))
        return Handled(None, b"", sends, person.patient_id, person.head, Outcome.AGAIN)

    def _judged(self, arrival: Arrival, patient_id: str) -> Handled:
        person, row = self._tried(arrival, patient_id)
        if row is None:
            return Handled(patient_id=patient_id, head=person.head, outcome=Outcome.NOTHING)
        sends = tuple(person.sends(row))
        outcome = Outcome.JUDGED if row.head.defect is None else Outcome.SUSPENDED
        value = row.to_bytes()
        key = key_of(patient_id, row.head.number, value)
        return Handled(key, value, sends, patient_id, person.head, outcome, row.causes)

    def _tried(self, arrival: Arrival, patient_id: str) -> tuple[Person, Row | None]:
        partition, defect = arrival.record.partition, ""
        for _ in range(ATTEMPTS):
            person = self._person(partition, patient_id)
            try:
                return person, person.take(arrival)
            except SalvageError:
                raise
            except Exception as error:  # noqa: BLE001 - a defect at one patient must not stop others
                defect = place_of(error)
                del self._persons[partition, patient_id]
        self.defects += 1
        logger().error("defect", extra={"detail": defect, "patients": 1})
        person = self._person(partition, patient_id)
        return person, person.fail(arrival, defect)

    def _person(self, partition: int, patient_id: str) -> Person:
        person = self._persons.pop((partition, patient_id), None)
        if person is None:
            found = self._rows.starting(partition, prefix_of(patient_id))
            person = Person(patient_id, self._judging, [Row.read(value) for _, value in found])
        self._persons[partition, patient_id] = person
        if len(self._persons) > MOST:
            self._persons.popitem(last=False)
        return person


# -- reading


def read(record: Record) -> Arrival | Outgoing:
    """What a record says, or the dead letter of one that can't be used."""
    if record.value is None:
        return letter(record, Reason.TOMBSTONE, "a record without a value")
    if record.topic == INNER:
        return _inner(record)
    found = _event(record)
    if isinstance(found, Arrival) and record.key != _patient_of(found).encode():
        return letter(record, Reason.KEY_MISMATCH, "patient_id: is not the record's key")
    return found


def _event(record: Record) -> Arrival | Outgoing:
    try:
        return Arrival(record, record.at, EVENT.validate_json(record.value or b""))
    except ValidationError as error:
        return letter(record, _reason(error), describe(error))


def _reason(error: ValidationError) -> Reason:
    malformed = any(one["type"] == "json_invalid" for one in error.errors(include_input=False))
    return Reason.MALFORMED_JSON if malformed else Reason.BAD_FIELD


def _inner(record: Record) -> Arrival | Outgoing:
    """One of our own records; somebody else's in our topic is a dead letter too."""
    try:
        body = json.loads(record.value or b"")
        if "event" not in body:
            return Arrival(record, int(body["at"]))
        return Arrival(record, int(body["received"]), EVENT.validate_json(body["event"]))
    except (KeyError, TypeError, ValueError) as error:
        return letter(record, Reason.BAD_FIELD, f"not one of our records: {type(error).__name__}")


def _patient_of(arrival: Arrival) -> str:
    return "" if arrival.event is None else str(arrival.event.patient_id)
