"""A partition of Kafka and workers on it, in memory: every step can be the last one.

A worker does what `services.detector.adapters.desk` asks of whoever runs it, in that order: send
the row to the changelog, put it on the shelf, send, commit. A crash may come between any two of
these; afterwards the shelf is as it was, or is read from the changelog alone. And there may be two
workers at once: one that stood still while its partition went to another, and doesn't know it.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from schemas.topics import EVENTS
from services.detector.adapters.desk import Desk
from services.detector.adapters.outbox import INNER, Record, tick
from services.detector.adapters.rows import counts, head_of
from services.detector.adapters.ticks import Agenda

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from schemas.events import ClinicalEvent
    from services.detector.adapters.keyed import Judging
    from services.detector.adapters.outbox import Outgoing
    from services.detector.adapters.rows import Head


class Crash(Exception):  # noqa: N818 - what happens
    """The worker was killed."""


@dataclass
class Stored:
    """Rows of a partition: those that count, of the changelog up to `end`."""

    rows: dict[bytes, bytes] = field(default_factory=dict)
    end: int = 0

    def starting(self, partition: int, prefix: bytes) -> Iterable[tuple[bytes, bytes]]:
        del partition
        return self._starting(prefix)

    def _starting(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        return sorted(one for one in self.rows.items() if one[0].startswith(prefix))

    def add(self, key: bytes, value: bytes) -> None:
        if counts(self._starting, key):
            self.rows[key] = value
        self.end += 1

    def read_on(self, changelog: list[tuple[bytes, bytes]]) -> None:
        for key, value in changelog[self.end :]:
            self.add(key, value)


class Partition:
    """Topics, changelog and a worker of one partition.

    sent: all that was ever sent to other topics, repetitions included.
    """

    def __init__(self, judging: Judging) -> None:
        self.judging = judging
        self.topics: dict[str, list[Record]] = {EVENTS.name: [], INNER: []}
        self.committed = {EVENTS.name: 0, INNER: 0}
        self.changelog: list[tuple[bytes, bytes]] = []
        self.local = Stored()
        self.sent: list[Outgoing] = []
        self.steps_left: int | None = None
        self.start()

    def start(self, now: int = 0) -> None:
        """A new process, at an instant: nothing in memory but what the stored rows say."""
        self.local.read_on(self.changelog)
        self.desk = Desk(self.judging, self.local)
        self.agenda = Agenda(self.judging.meaning)
        self.agenda.begin(0)
        heads: dict[str, Head] = {}
        for key, value in sorted(self.local.rows.items()):
            patient_id, head = key.partition(b"\0")[0].decode(), head_of(value)
            if patient_id not in heads or heads[patient_id].number < head.number:
                heads[patient_id] = head
        for patient_id, head in heads.items():
            self.agenda.note(0, patient_id, head, now)

    def moved(self) -> None:
        """A new process on another machine: only the changelog is there."""
        self.local = Stored()
        self.start()

    def twin(self) -> Partition:
        """Another worker on the same topics, which knows what this one knows, and no more."""
        other = copy(self)
        other.committed, other.steps_left = dict(self.committed), None
        other.local = Stored(dict(self.local.rows), self.local.end)
        other.desk = Desk(other.judging, other.local)
        return other

    # -- what comes in

    def put(self, event: ClinicalEvent, received: int) -> None:
        """Somebody publishes an event."""
        self.put_raw(event.to_json(), event.patient_id, received)

    def put_raw(self, value: bytes | None, key: str | None, received: int) -> None:
        """Somebody publishes anything."""
        where = None if key is None else key.encode()
        self._append(Record(EVENTS.name, 0, 0, where, value, received))

    def _append(self, record: Record) -> None:
        log = self.topics[record.topic]
        log.append(replace(record, offset=len(log)))

    # -- the worker

    def work(self, *, inner_first: bool = False) -> None:
        """Take all records that are there.

        Raises:
            Crash: after so many steps as were left.
        """
        while (record := self._next(inner_first=inner_first)) is not None:
            self._step()
            self.handle(record)
            self.committed[record.topic] += 1

    def handle(self, record: Record) -> None:
        """Take a record, whether or not it is ours to take."""
        while True:
            handled = self.desk.handle(record)
            if handled.key is None or self._written(handled.key, handled.row):
                break
            self.desk.forget(0)
        for one in handled.sends:
            self._send(one)
            self._step()
        if handled.head is not None:
            self.agenda.note(0, handled.patient_id, handled.head, record.at)

    def _written(self, key: bytes, row: bytes) -> bool:
        known = len(self.changelog) == self.local.end
        self.changelog.append((key, row))
        self._step()
        self.local.read_on(self.changelog)
        self._step()
        return known

    def _next(self, *, inner_first: bool) -> Record | None:
        names = (INNER, EVENTS.name) if inner_first else (EVENTS.name, INNER)
        for name in names:
            if self.committed[name] < len(self.topics[name]):
                return self.topics[name][self.committed[name]]
        return None

    def _send(self, one: Outgoing) -> None:
        if one.topic == INNER:
            key, value = one.key.encode(), one.value.encode()
            self._append(Record(INNER, 0, 0, key, value, 0, dict(one.headers)))
        else:
            self.sent.append(one)

    def _step(self) -> None:
        if self.steps_left is None:
            return
        if self.steps_left == 0:
            self.steps_left = None
            raise Crash
        self.steps_left -= 1

    def let_pass(self, until: int) -> None:
        """Time goes on; whoever is due is reminded, until nobody is."""
        while reminders := list(self._reminders(until)):
            for one in reminders:
                self._send(one)
            self.work()

    def _reminders(self, until: int) -> Iterator[Outgoing]:
        for due in self.agenda.due(0, until, 1_000):
            if due.instant <= until:
                yield tick(due.patient_id, due.instant)
